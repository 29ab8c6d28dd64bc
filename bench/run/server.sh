#!/bin/bash
# A key-value server (Redis) and its load generator over loopback, with a program at the entry of each
# system call: instructions per request, and throughput with two CPUs.
#   REQUESTS=10000  ROUNDS=5 with two CPUs  FILTER=glob of programs  MT=0: without the two-CPU part
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

requests=${REQUESTS:-10000} rounds=${ROUNDS:-5} filter=${FILTER:-*}
need_kernel "$patched" kernel
"$repo/scripts/deps.sh" server >&2
start server
rc=0
say "$requests requests each, deterministic"
ICOUNT=1 guest "$patched" patched "$bench run server -o \$raw -k icount -n $requests -f '$filter'" || rc=$?
if [[ ${MT:-1} != 0 ]]; then
	say "$rounds rounds of $((requests / 5)) requests each on two CPUs, which the emulator has take turns; time is the host's"
	# One thread for all CPUs: text is patched while it runs, see trace_start() in test_util.c.
	# shellcheck disable=SC2016 # for the guest
	TCG=single SMP=2 ICOUNT='' guest "$patched" patched "for r in \$(seq $rounds); do \
		$bench run server -o \$raw -k mt -r \$r -n $((requests / 5)) -f '$filter' || exit; done" || rc=$?
fi
finish $rc
