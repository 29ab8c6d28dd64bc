#!/bin/bash
# Do the random programs find what is wrong? Each fault of selftests/random/faults is put
# into a copy of the kernel's tree, and programs are run until there is an exception.
#   test-random-faults.sh [NAME...]     PROGRAMS=2000
# The last line is "N faults, N found".
set -euo pipefail
. "$(dirname "$0")/lib.sh"

{ # read as a whole, so that an edit does not disturb a run
faults=$repo/selftests/random/faults dir=$O/random-faults
names=("$@")
(( $# )) || mapfile -t names < <(basename -a -s .sed "$faults"/*.sed)
mkdir -p "$dir"
tree=$dir/linux
[[ -e $tree ]] || cp -a "$KSRC" "$tree"
found=0
for name in "${names[@]}"; do
	script=$faults/$name.sed
	[[ -e $script ]] || die "no fault $name; there are: ${names[*]}"
	file=$(sed -n '1s/^# //p' "$script")
	cp "$KSRC/$file" "$tree/$file"
	sed -i -f "$script" "$tree/$file"
	! cmp -s "$KSRC/$file" "$tree/$file" || die "$name: $script changes nothing in $file"
	( kernel_env; logged "fault-$name" 'a kernel with a fault' make -C "$tree" O=.kernel -j"$jobs" bzImage )
	rc=0
	O=$dir/$name KERNEL=$tree/.kernel/arch/x86/boot/bzImage TIMEOUT=${TIMEOUT:-1200} TCG=single \
		"$repo/selftests/vm/run.sh" "$(printf '%q --random %d --seed 1 --budget-ms 2' \
		"$O/selftests/runner" "${PROGRAMS:-2000}")" >"$dir/$name.log" 2>&1 || rc=$?
	cp "$KSRC/$file" "$tree/$file"
	if (( rc )); then
		found=$((found + 1))
		echo "found - $name: $(grep -m 1 '^# .*seed [0-9]*,' "$dir/$name.log" ||
			echo "the VM ended with status $rc")"
	else
		echo "not found - $name"
	fi
done
echo "${#names[@]} faults, $found found"
(( found == ${#names[@]} ))
exit
}
