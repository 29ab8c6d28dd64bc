#!/bin/bash
# Do the random programs find what is wrong? Those faults of selftests/mutants that name a
# number of programs ("# random: N") are tried, in the kernel that test-mutants.sh builds.
# Without a fault there must be no exception, with each there must be.
#   test-random-faults.sh [NAME...]     SEED=1   PROGRAMS=N  LANES=VMs at once
# Each is tried with the deterministic VM first, where a time to stop that is above its bound
# is an exception, and then with two processors. The last line is "N faults, N found".
# shellcheck disable=SC2317 # functions are called by in_lanes
set -euo pipefail
. "$(dirname "$0")/lib.sh"

{ # read as a whole, so that an edit does not disturb a run
mutants=$repo/selftests/mutants dir=$O/random-faults seed=${SEED:-1}
mapfile -t all < <(basename -a -s .sed "$mutants"/*.sed)
programs() { sed -n 's/^# random: //p' "$mutants/$1.sed"; }
names=("$@")
(( $# )) || mapfile -t names < <(grep -l '^# random: ' "$mutants"/*.sed | xargs basename -a -s .sed)
most=0
for name in "${names[@]}"; do
	[[ -e $mutants/$name.sed ]] || die "no mutant $name; there are: ${all[*]}"
	n=$(programs "$name")
	[[ -n $n ]] || die "$name does not say how many random programs find it"
	(( n <= most )) || most=$n
done
"$repo/scripts/test-mutants.sh" --build
kernel=$O/mutants/linux/.kernel/arch/x86/boot/bzImage

# Ends at the first exception. Where a program runs for ever, nothing else gets its CPU: the
# kernel sees a soft lockup, and dies of it. In the deterministic VM a second takes
# long, and a busy host does not delay the guest: there it is after 4 s, not 20.
run() { # name, number of the fault, ICOUNT, programs; status of the VM
	local lane=$dir/$1-$3 append="bpf_mutant=$2 softlockup_panic=1"
	[[ $3 != 1 ]] || append+=' watchdog_thresh=2'
	mkdir -p "$lane"
	O=$lane KERNEL=$kernel APPEND=$append \
		ICOUNT=$3 TCG=single TIMEOUT=${TIMEOUT:-600} "$repo/selftests/vm/run.sh" \
		"$(printf '%q --random %d --seed %d --first --budget-ms 2' "$O/selftests/runner" "$4" "$seed")" \
		>"$lane/log" 2>&1
}
what() { # name, ICOUNT: the first exception
	sed -n 's/^# \(seed [0-9]*,\)/\1/p' "$dir/$1-$2/log" | grep -m 1 . ||
		grep -m 1 '^# FAIL\|^# .*seed' "$dir/$1-$2/log" ||
		echo "the VM died at $(grep -ao 'random seed [0-9]*' "$dir/$1-$2/vm/console.log" | tail -n 1)"
}
without() { # ICOUNT
	say "no fault, ICOUNT=$1, $most programs from $seed"
	run none 0 "$1" "${PROGRAMS:-$most}" || die "without a fault: $(what none "$1"); see $dir/none-$1/log"
}
with() { # name
	local n icount
	for n in "${!all[@]}"; do [[ ${all[n]} != "$1" ]] || break; done
	for icount in 1 0; do
		run "$1" $((n + 1)) "$icount" "${PROGRAMS:-$(programs "$1")}" || {
			echo "found - $1, ICOUNT=$icount: $(what "$1" "$icount")"
			return 0
		}
	done
	echo "not found - $1"
	return 1
}
in_lanes without 1 0
rc=0
in_lanes with "${names[@]}" | tee "$dir/results" || rc=$?
echo "${#names[@]} faults, $(grep -c '^found' "$dir/results") found"
exit "$rc"
}
