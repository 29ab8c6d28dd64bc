#!/bin/bash
# Twenty CPUs: all stalled at once, CPUs that come and go, and both at once. On a machine with fewer
# they take turns, so it is slow, and what it shows are races and scaling, not times.
#   CPUS=20  STORM_S=60 seconds  HOTPLUG=3 rounds  KERNEL=bzImage (default: that of the variants)
# The last line is "N passed, N failed".
set -euo pipefail
. "$(dirname "$0")/lib.sh"

cpus=${CPUS:-20} storm=${STORM_S:-60} hotplug=${HOTPLUG:-3}
runner=$O/selftests/runner
if [[ -z ${KERNEL:-} ]]; then
	"$repo/scripts/kernel.sh" variants	# has room for more CPUs than the usual one
	KERNEL=$KSRC/.variants/arch/x86/boot/bzImage
fi
export KERNEL SMP=$cpus MEM=${MEM:-4G}
# With one thread for all CPUs text could be patched, and the watchdog go off and on (TCG=single), but then a turn of a
# CPU lasts 100 ms, and between its turns so much passes that nobody can say whose time it was.
export TCG=${TCG:-multi}
passed=0 failed=0
storm() { # test, seconds, variable=value
	local limit=$(($2 + 60 * cpus))
	if TIMEOUT=$((limit + 300)) "$repo/selftests/vm/run.sh" \
		"test \$(nproc) = $cpus && BPFWD_TEST_TIMEOUT=$limit $3 $runner -t storm/$1"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "not ok - storm20/$1"
	fi
}
storm all_at_once $((storm * 2)) "BPFWD_STORM_S=$storm"
storm hotplug $((hotplug * 10 * cpus)) "BPFWD_HOTPLUG=$hotplug"
storm all_and_hotplug $((storm * 2)) "BPFWD_STORM_S=$storm"
echo "$passed passed, $failed failed"
(( !failed && passed ))
