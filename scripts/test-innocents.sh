#!/bin/bash
# Ordinary tools of the distribution at once, under load, with the watchdog on at 10 ms: none
# of their programs may be ended.
#   test-innocents.sh [SECONDS=600] [TOOLS]    ONLY=deterministic|busy    TOOLS: the first ones
# deterministic: the guest's time counts instructions, so nobody takes its CPU away;
# busy: everybody does, the host computes on each of its CPUs.
# Figures: $O/innocents/*.json. The last line is "innocents: N tools, N programs, N ended".
# Exit status 4: the packages cannot be installed here.
# shellcheck disable=SC2317 # the parts are called by name
set -euo pipefail
. "$(dirname "$0")/lib.sh"

{ # read as a whole, so that an edit does not disturb a run
seconds=${1:-600} tools=${2:-}
dir=$O/innocents
kernel=${KERNEL:-$KBUILD/arch/x86/boot/bzImage}
guest="PATH=$O:\$PATH PAUSE=${PAUSE:-0.05} $repo/selftests/field/innocents.sh $seconds \$BPFWD_SCRATCH $tools"
mkdir -p "$dir"
rm -f "$dir"/*.json
"$repo/scripts/deps.sh" field || exit 4

run() { # name, seconds that it takes at most
	local own=$dir/$1 limit=$2 rc=0 try
	for try in 1 2 3; do
		rm -f "$own/vm/scratch"/*
		rc=0
		# One thread for all CPUs: tools that come and go patch text. A host that is busy at
		# boot is not what this is about.
		(
			export O=$own KERNEL=$kernel MEM=4G TCG=single TIMEOUT=${TIMEOUT:-$limit} APPEND=no_timer_check
			"$repo/selftests/vm/run.sh" "$guest"
		) || rc=$?
		# QEMU before 8.1, see trace_start() in test_util.c: not the kernel's fault.
		if ! grep -q '^Oops: int3' "$own/vm/console.log" || grep -q '^Code:.* cc <' "$own/vm/console.log"; then
			break
		fi
		echo "# $1: the emulator ran into code that was being patched ($try); once more"
	done
	[[ ! -e $own/vm/scratch/figures.json ]] || mv "$own/vm/scratch/figures.json" "$dir/$1.json"
	return "$rc"
}
deterministic() {
	say "innocents: $seconds s by the count of instructions"
	ICOUNT=1 run deterministic $((600 + seconds * 20))
}
# Computes on each CPU of the host while the load runs.
compute() { # folder of the VM
	local i pids=()
	trap 'kill ${pids[@]+"${pids[@]}"} 2>/dev/null; exit' TERM
	until [[ -e $1/vm/scratch/ready ]]; do sleep 0.5 & wait $!; done
	for (( i = 0; i < jobs; i++ )); do
		( while :; do :; done ) & pids+=($!)
	done
	while [[ -e $1/vm/scratch/ready ]]; do sleep 0.5 & wait $!; done
	kill "${pids[@]}"
}
busy() {
	local rc=0 pid
	say "innocents: $seconds s while the host computes on each of its $jobs CPUs"
	rm -f "$dir/busy/vm/scratch/ready"
	compute "$dir/busy" & pid=$!
	run busy $((600 + seconds * 4)) || rc=$?
	kill "$pid" 2>/dev/null || true
	wait "$pid" || true
	return "$rc"
}

rc=0
for part in ${ONLY:-deterministic busy}; do
	"$part" || rc=1
done
cat "$dir"/*.json | jq -rs '"innocents: \(map(.tools) | max) tools, \(map(.programs) | max) programs, \(map(.runs) | add) runs, \(map(.ended | length) | add) ended"'
exit $rc
}
