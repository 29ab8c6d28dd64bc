#!/bin/bash
# Deadline to decision and decision to return, per way to stall.
#   KILLS=1000 of each  BUDGET_US=2000  FILTER=glob  MT=0: without the noisy two-CPU part
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

kills=${KILLS:-1000} budget=${BUDGET_US:-2000} filter=${FILTER:-*}
need_kernel "$patched" kernel
start latency
rc=0
say "$kills kills each, deterministic (about $((kills / 60 + 1)) minutes)"
ICOUNT=1 guest "$patched" patched "$bench run latency -o \$raw -k icount -n $kills -b $budget \
	-f '$filter' -x spin_lock" || rc=$?
# a budget of one period: the timer has not seen the invocation before
say "$((kills / 10 + 1)) kills each with a budget of 1 ms"
ICOUNT=1 guest "$patched" patched "$bench run latency -o \$raw -k tight -n $((kills / 10 + 1)) -b 1000 \
	-f '$filter' -x spin_lock" || rc=$?
# both CPUs stalled; a lock held with interrupts off has the other CPU idle: see mt
say "$((kills / 10 + 1)) kills each on each of two CPUs stalled at once, deterministic"
export QEMU_REAL=${QEMU:-}
QEMU=$here/run/qemu-pair.sh ICOUNT=1 guest "$patched" patched "$bench run latency \
	-o \$raw -k pair -t 2 -n $((kills / 10 + 1)) -b $budget -f '$filter' -x spin_lock" || rc=$?
if [[ ${MT:-1} != 0 ]]; then
	say "$((kills / 10 + 1)) kills each on each of two CPUs stalled at once; time is the host's"
	SMP=2 ICOUNT='' guest "$patched" patched "$bench run latency -o \$raw -k mt -t 2 -n $((kills / 10 + 1)) \
		-b $budget -f '$filter'" || rc=$?
fi
finish $rc
