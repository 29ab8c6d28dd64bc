#!/bin/bash
# In the VM: `bpfwd serve` with policies, programs that are no trouble and one that is, and
# what it tells of them, N times. To $BPFWD_SCRATCH/metrics.I, for check.mjs.
#   record.sh LOAD.bpf.o N
set -eu
load=$1 n=$2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
pins=/sys/fs/bpf/dashboard
mkdir "$pins"
attach() { "$O/bpftool" prog loadall "$1" "$pins/$2" autoattach; }

bpfwd enable --budget 10ms >/dev/null
attach "$load" quiet
attach "$O/demo/spin.bpf.o" spin
# the one that stalls is there before the policy, which lets it stay and denies it from then on
export XDG_CACHE_HOME=$BPFWD_SCRATCH
bpfwd serve --policy "$here/site.yaml" &
serve=$!
for (( i = 0; i < 600; i++ )); do
	curl -sf -o /dev/null http://127.0.0.1:19612/ && break
	sleep 0.2
done
for (( i = 0; i < n; i++ )); do
	(( i % 4 != 2 )) || cat /proc/version >/dev/null
	(( i % 8 != 5 )) || ! attach "$O/demo/spin.bpf.o" again$i 2>/dev/null
	for f in /proc/[0-9]*/stat; do read -r _ <"$f"; done
	sleep 0.5
	curl -sf --max-time 60 -H 'Accept: application/openmetrics-text' -o "$BPFWD_SCRATCH/metrics.$i" \
		http://127.0.0.1:19612/metrics
done
kill $serve
wait $serve
bpfwd policy unload >/dev/null
