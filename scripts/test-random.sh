#!/bin/bash
# Random programs: each says no, or is through, or is ended (selftests/random/README.md).
#   test-random.sh [SEED [PROGRAMS]]    KERNEL=bzImage  LANES=VMs at once
# They run in slices, a VM each. Every second one is deterministic (ICOUNT=1): there the time
# to stop is exact. What a run that was broken off has done with the same kernel and the same
# runner is not done again. Writes $O/random.json, with a row for each of the two kinds.
# The last line is "N programs, N accepted, N ended, N exceptions".
# shellcheck disable=SC2317 # functions are called by in_lanes
set -euo pipefail
. "$(dirname "$0")/lib.sh"

{ # read as a whole, so that an edit does not disturb a run
first=${1:-1000000} programs=${2:-100000} slice=${SLICE:-1000}
dir=$O/random runner=$O/selftests/runner
export KERNEL=${KERNEL:-$KBUILD/arch/x86/boot/bzImage}
key=$(cat "$KERNEL" "$runner" | sha256sum | cut -d' ' -f1)" $first $slice"
fresh "$dir/key" "$key" || rm -rf "$dir"
mkdir -p "$dir"
cp "$runner" "$dir/runner"	# what is built meanwhile is for the next time
echo "$key" >"$dir/key"

one() { # seed
	local lane=$dir/$1 n=$(( first + programs - $1 )) rc=0 icount=$(( ($1 - first) / slice % 2 ))
	(( n < slice )) || n=$slice
	[[ ! -s $dir/$1.json ]] || [[ $(jq .programs "$dir/$1.json") != "$n" ]] || return 0
	mkdir -p "$lane"
	# One thread for all CPUs: text is patched all the time.
	# shellcheck disable=SC2016 # for the guest
	O=$lane TIMEOUT=${TIMEOUT:-7200} TCG=single ICOUNT=$icount "$repo/selftests/vm/run.sh" \
		"$(printf '%q --random %d --seed %d --budget-ms 2 --json "$BPFWD_SCRATCH/random.json"' \
		"$dir/runner" "$n" "$1")" >"$lane/log" 2>&1 || rc=$?
	grep -h '^# .*seed [0-9]*,\|^# FAIL' "$lane/log" || true
	if [[ -s $lane/vm/scratch/random.json ]]; then
		jq -c ".icount = ($icount == 1)" "$lane/vm/scratch/random.json" >"$dir/$1.json"
	else
		echo "# seeds from $1: the VM ended with status $rc at $(grep -ao 'random seed [0-9]*' "$lane/vm/console.log" | tail -n 1)"
		echo "{\"seed\":$1,\"programs\":0,\"accepted\":0,\"overran\":0,\"ended\":0,\"said_no\":0,\"conditional\":0,\"exceptions\":1,\"stop_over_bound\":0,\"icount\":$([[ $icount == 1 ]] && echo true || echo false)}" >"$dir/$1.json"
	fi
	return "$rc"
}
rc=0
mapfile -t seeds < <(seq "$first" "$slice" $(( first + programs - 1 )))
in_lanes one "${seeds[@]}" || rc=$?
files=("${seeds[@]/#/$dir/}")
files=("${files[@]/%/.json}")
jq -s --argjson env "$("$repo/scripts/env.sh")" '
	def sum(f): map(f) | add;
	{ env: $env, rows: (group_by(.icount) | map({ seed: (map(.seed) | min), icount: .[0].icount,
	  programs: sum(.programs), accepted: sum(.accepted), overran: sum(.overran),
	  ended: sum(.ended), said_no: sum(.said_no), conditional: sum(.conditional),
	  exceptions: sum(.exceptions),
	  stop_over_bound: sum(.stop_over_bound) })) }' "${files[@]}" >"$O/random.json"
jq -r 'def sum(f): [.rows[] | f] | add;
	"\(sum(.programs)) programs, \(sum(.accepted)) accepted, \(sum(.ended)) ended, \(sum(.exceptions)) exceptions"' "$O/random.json"
jq -e '[.rows[].exceptions] | add == 0' "$O/random.json" >/dev/null && exit "$rc"
exit 1
}
