#!/bin/bash
# Do the random programs find what is wrong? The faults of selftests/random/faults are put
# into one kernel, in which the option bpf_mutant=N switches one of them on (see
# test-mutants.sh). With none of them on there must be no exception, with each there must be.
#   test-random-faults.sh [NAME...]     PROGRAMS=500  SEED=1
# Each is tried with the deterministic VM first, where a time to stop that is above its bound
# is an exception, and then with two processors. The last line is "N faults, N found".
set -euo pipefail
. "$(dirname "$0")/lib.sh"

{ # read as a whole, so that an edit does not disturb a run
faults=$repo/selftests/random/faults dir=$O/random-faults
mapfile -t all < <(basename -a -s .sed "$faults"/*.sed)
names=("$@")
(( $# )) || names=("${all[@]}")
for name in "${names[@]}"; do
	[[ -e $faults/$name.sed ]] || die "no fault $name; there are: ${all[*]}"
done
MUTANTS=$faults MUTANTS_DIR=$dir "$repo/scripts/test-mutants.sh" --build

run() { # name, number of the fault, ICOUNT; status of the VM
	mkdir -p "$dir/$1"
	O=$dir/$1 KERNEL=$dir/linux/.kernel/arch/x86/boot/bzImage APPEND="bpf_mutant=$2" \
		ICOUNT=$3 TCG=single TIMEOUT=${TIMEOUT:-1800} "$repo/selftests/vm/run.sh" \
		"$(printf '%q --random %d --seed %d --budget-ms 2' "$O/selftests/runner" \
		"${PROGRAMS:-500}" "${SEED:-1}")" >"$dir/$1.log" 2>&1
}
what() { # name, status of the VM: how many exceptions, and the first one
	local n
	n=$(grep -c '^# seed [0-9]*,' "$dir/$1.log") || true
	if (( n )); then
		echo "$n exceptions, $(sed -n 's/^# \(seed [0-9]*,\)/\1/p' "$dir/$1.log" | head -n 1)"
	else
		echo "the VM ended with status $2 at $(grep -ao 'random seed [0-9]*' "$dir/$1/vm/console.log" | tail -n 1)"
	fi
}

for icount in 1 0; do
	say "no fault, ICOUNT=$icount"
	rc=0
	run none 0 "$icount" || rc=$?
	(( !rc )) || die "without a fault: $(what none "$rc"); see $dir/none.log"
done
found=0
for name in "${names[@]}"; do
	for n in "${!all[@]}"; do [[ ${all[n]} != "$name" ]] || break; done
	for icount in 1 0; do
		rc=0
		run "$name" $((n + 1)) "$icount" || rc=$?
		(( !rc )) || break
	done
	if (( rc )); then
		found=$((found + 1))
		echo "found - $name, ICOUNT=$icount: $(what "$name" "$rc")"
	else
		echo "not found - $name"
	fi
done
echo "${#names[@]} faults, $found found"
(( found == ${#names[@]} ))
exit
}
