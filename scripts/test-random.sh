#!/bin/bash
# Random programs: each says no, or is through, or is ended (selftests/random/README.md).
#   test-random.sh [SEED [PROGRAMS]]    KERNEL=bzImage  LANES=VMs at once
# Writes $O/random.json. The last line is "N programs, N accepted, N ended, N exceptions".
# shellcheck disable=SC2317 # functions are called by in_lanes
set -euo pipefail
. "$(dirname "$0")/lib.sh"

{ # read as a whole, so that an edit does not disturb a run
first=${1:-1000000} programs=${2:-100000} slice=2000
dir=$O/random runner=$O/selftests/runner
export KERNEL=${KERNEL:-$KBUILD/arch/x86/boot/bzImage}
rm -rf "$dir"
mkdir -p "$dir"
cp "$runner" "$dir/runner"	# what is built meanwhile is for the next time

one() { # seed
	local lane=$dir/$1 n=$(( first + programs - $1 )) rc=0
	(( n < slice )) || n=$slice
	mkdir -p "$lane"
	# One thread for all CPUs: text is patched all the time.
	# shellcheck disable=SC2016 # for the guest
	O=$lane TIMEOUT=${TIMEOUT:-3600} TCG=single "$repo/selftests/vm/run.sh" \
		"$(printf '%q --random %d --seed %d --budget-ms 2 --json "$BPFWD_SCRATCH/random.json"' \
		"$dir/runner" "$n" "$1")" >"$lane/log" 2>&1 || rc=$?
	grep -h '^# .*seed [0-9]*,\|^# FAIL' "$lane/log" || true
	if [[ -s $lane/vm/scratch/random.json ]]; then
		cp "$lane/vm/scratch/random.json" "$dir/$1.json"
	else
		echo "# seeds from $1: the VM ended with status $rc at $(grep -o 'random seed [0-9]*' "$lane/vm/console.log" | tail -n 1)"
		echo "{\"seed\":$1,\"programs\":0,\"accepted\":0,\"overran\":0,\"ended\":0,\"said_no\":0,\"exceptions\":1,\"stop_over_bound\":0}" >"$dir/$1.json"
	fi
	return "$rc"
}
rc=0
mapfile -t seeds < <(seq "$first" "$slice" $(( first + programs - 1 )))
in_lanes one "${seeds[@]}" || rc=$?
jq -s --argjson env "$("$repo/scripts/env.sh")" '
	{ env: $env, rows: [{ seed: (map(.seed) | min),
	  programs: (map(.programs) | add), accepted: (map(.accepted) | add), overran: (map(.overran) | add),
	  ended: (map(.ended) | add), said_no: (map(.said_no) | add), exceptions: (map(.exceptions) | add),
	  stop_over_bound: (map(.stop_over_bound) | add) }] }' "$dir"/*.json >"$O/random.json"
jq -r '.rows[0] | "\(.programs) programs, \(.accepted) accepted, \(.ended) ended, \(.exceptions) exceptions"' "$O/random.json"
exit "$rc"
}
