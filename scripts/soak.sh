#!/bin/bash
# Soak and storm in full: 1,000,000 terminations, ten minutes of all at once, 100 times
# a CPU that goes and comes. About half an hour.
#   soak.sh [SOAK=1000000] [STORM_S=600] [HOTPLUG=100]
set -euo pipefail
. "$(dirname "$0")/lib.sh"

soak=${1:-1000000} storm=${2:-600} hotplug=${3:-100}
runner=$O/selftests/runner
rc=0
vm() { # seconds for the test, command
	TIMEOUT=$(($1 + 120)) "$repo/selftests/vm/run.sh" "BPFWD_TEST_TIMEOUT=$1 $2" || rc=1
}
vm $((soak / 500 + 120)) "BPFWD_SOAK=$soak $runner -t soak"
# One thread for all CPUs: so the watchdog may go off and on, and text be patched.
export TCG=single
vm $((storm * 2 + 120)) "BPFWD_STORM_S=$storm $runner -t storm/all_at_once"
vm 300 "$runner -t lifecycle/toggle_storm"
unset TCG
vm $((hotplug * 10 + 120)) "BPFWD_HOTPLUG=$hotplug $runner -t storm/hotplug"
# With more than two, another CPU takes over from the one that goes.
SMP=3 vm $((hotplug * 10 + 120)) "BPFWD_HOTPLUG=$hotplug $runner -t storm/hotplug"
exit $rc
