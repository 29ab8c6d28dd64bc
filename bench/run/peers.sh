#!/bin/bash
# The same reproducers, ended by the watchdog, by patching their text, by bpf_throw(), by the limit
# of may_goto, and by nothing.
#   KILLS=100 of each way, reproducer and budget  FILTER=glob  WAYS=glob  MT=0: without the noisy two-CPU part
# Patching takes another CPU that is not stalled, and so does a bystander: with two CPUs time is the host's,
# for all ways alike. (Two CPUs that count instructions take turns, see run/qemu-pair.sh, and a stalled one
# hardly lets the one that patches have one: with QEMU 7.2 that took until the program ended by itself.)
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

kills=${KILLS:-100} filter=${FILTER:-*} ways=${WAYS:-*}
need_kernel "$patched" kernel
(
	# shellcheck source-path=SCRIPTDIR source=../../scripts/lib.sh
	. "$repo/scripts/lib.sh"
	module livepoke "$here/peers" "$out/livepoke" "${patched%/arch/*}"
) >&2
start peers
rc=0
say "$kills kills each, deterministic (about 10 minutes)"
ICOUNT=1 guest "$patched" patched "$bench run peers -o \$raw -k icount -n $kills -f '$filter' -w '$ways'" || rc=$?
if [[ ${MT:-1} != 0 ]]; then
	say "$kills kills each beside a bystander; time is the host's"
	SMP=2 ICOUNT='' guest "$patched" patched "insmod $out/livepoke/livepoke.ko && \
		$bench run peers -o \$raw -k mt -n $kills -f '$filter' -w '$ways'" || rc=$?
	# who patches need not wait there until the scheduler lets it
	say "the same two ways with the other CPU idle"
	SMP=2 ICOUNT='' guest "$patched" patched "insmod $out/livepoke/livepoke.ko && \
		$bench run peers -o \$raw -k mt-idle -y -n $kills -f '$filter' -w '[wp]atch*'" || rc=$?
fi
finish $rc
