#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# In the VM: an estimate of each program of some objects, none of which may change the machine.
# Then the tools at once, with what their programs were estimated at and what they took.
#   objects.sh FOLDER OUT     QUICK=1: the built-in cost model; SECONDS_=10 of load
# OUT gets model.txt, estimate.json and unreadable.json (of the objects), ps.json (of the tools').
set -uo pipefail
export LC_ALL=C.UTF-8

objects=$1 out=$2
work=$(mktemp -d)
# shellcheck source-path=SCRIPTDIR source=tools.bash
. "$(dirname "$0")/tools.bash"

# What is on the machine: pins, maps, programs. The names only, since bpftool loads one of its own.
machine() {
	find /sys/fs/bpf | sort
	bpftool -j map show | jq -r '.[] | select(any(.pids[]?; .comm != "bpftool")) | "map \(.id) \(.name)"'
	bpfwd ps -j | jq -r '.programs[] | "program \(.id) \(.name)"'
}

cd "$work" || exit 1
if [[ -n ${MODEL:-} ]]; then
	bpfwd calibrate load --force "$MODEL" || exit 1
elif [[ -z ${QUICK:-} ]]; then
	bpfwd calibrate run --load "$out/model.txt" || exit 1
fi
machine >before
bpfwd estimate -j "$objects"/*.bpf.o >estimate.json 2>/dev/null
machine >after
# What is no object for this libbpf is a row, too.
for o in "$objects"/*.bpf.o; do
	jq -es --arg o "${o##*/}" 'any(.[0].programs[]; .object == $o)' estimate.json >/dev/null ||
		bpfwd estimate -j "$o" | jq -c --arg o "${o##*/}" '{ object: $o, why: (.error.why // .error.message) }'
done >unreadable.json
cp estimate.json unreadable.json "$out"
if ! diff before after; then
	echo 'bpfwd estimate has changed the machine'
	exit 1
fi
# Each look times one run on a CPU: as often as it can.
bpfwd enable --budget 1s --period 100us --quarantine 0 || exit 1
start_tools "${TOOLS:-1000}"
"$field/load.py" --pause 0.05 --seconds "${SECONDS_:-10}"
bpfwd ps -j -e +owner >"$out/ps.json"
bpfwd disable
stop_tools
