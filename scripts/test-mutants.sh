#!/bin/bash
# Does each test fail if what it tests is wrong? The faults of selftests/mutants are put
# into a copy of the kernel's tree, all into one kernel, in which the parameter
# bpf_mutant switches one of them on. With none of them on, the tests must pass there.
#   test-mutants.sh [NAME...]      --build: only build that kernel
# The last line is "N mutants, N found". What a file NAME.sed says:
#   # boot: OPTIONS     of the VM, in which all are tried
#   # test: NAME...     these tests must fail, each of them
#   # path/of/file.c    what follows is for that file; MUTANT(NAME) is true if it is on
# MUTANTS=folder of faults, MUTANTS_DIR=folder to build in: of others, in the same form
set -euo pipefail
. "$(dirname "$0")/lib.sh"

{ # read as a whole, so that an edit does not disturb a run
mutants=${MUTANTS:-$repo/selftests/mutants} dir=${MUTANTS_DIR:-$O/mutants}
runner=$O/selftests/runner
tree=$dir/linux
mapfile -t all < <(basename -a -s .sed "$mutants"/*.sed)
build_only=
[[ ${1:-} != --build ]] || { build_only=1; shift; }
names=("$@")
(( $# )) || names=("${all[@]}")
for name in "${names[@]}"; do
	[[ -e $mutants/$name.sed ]] || die "no mutant $name; there are: ${all[*]}"
done
mkdir -p "$dir"

# The tree as it is, without kernels that are not built here.
if [[ ! -e $tree ]]; then
	mkdir "$tree.new"
	(cd "$KSRC" && find . -mindepth 1 -maxdepth 1 ! -name .debug ! -name .off ! -name .variants ! -name .git \
		-exec cp -a -t "$tree.new" {} +)
	mv "$tree.new" "$tree"
fi
files() { sed -nE 's,^# ([a-z][a-z0-9_/.-]*\.[ch])$,\1,p' "$mutants/$1.sed"; }
said() { sed -n "s/^# $2: //p" "$mutants/$1.sed"; }	# name, word

# Only what has changed, so that only that is built.
put() { # file, its new content
	cmp -s "$2" "$tree/$1" || cp "$2" "$tree/$1"
	rm "$2"
}
new=$dir/new.c
mapfile -t changed < <(for name in "${all[@]}"; do files "$name"; done | sort -u)
# Those of faults that are gone are as they were.
if [[ -e $dir/changed ]]; then
	for file in $(comm -23 "$dir/changed" <(printf '%s\n' "${changed[@]}")); do
		cp "$KSRC/$file" "$new"
		put "$file" "$new"
	done
fi
printf '%s\n' "${changed[@]}" >"$dir/changed"
for file in "${changed[@]}" kernel/bpf/core.c; do
	cp "$KSRC/$file" "$dir/$(tr / : <<<"$file")"
done
for name in "${all[@]}"; do
	for file in $(files "$name"); do
		copy=$dir/$(tr / : <<<"$file")
		awk -v file="$file" '/^# [a-z][a-z0-9_\/.-]*\.[ch]$/ { on = $2 == file; next } on' \
			"$mutants/$name.sed" >"$dir/script"
		sed -f "$dir/script" "$copy" >"$new"
		! cmp -s "$new" "$copy" || die "$name: it changes nothing in $file"
		mv "$new" "$copy"
	done
done
{
	echo 'enum { MUTANT_none,'
	printf '\tMUTANT_%s,\n' "${all[@]}"
	printf '};\nextern int bpf_mutant;\n#define MUTANT(name) unlikely(READ_ONCE(bpf_mutant) == MUTANT_##name)\n'
} >"$new"
put include/linux/bpf_mutant.h "$new"
for file in "${changed[@]}" kernel/bpf/core.c; do
	{
		printf '#include <linux/moduleparam.h>\n#include <linux/delay.h>\n#include <linux/bpf_mutant.h>\n'
		cat "$dir/$(tr / : <<<"$file")"
		[[ $file != kernel/bpf/core.c ]] ||
			printf 'int bpf_mutant;\ncore_param(bpf_mutant, bpf_mutant, int, 0644);\n'
	} >"$new"
	rm -f "$dir/$(tr / : <<<"$file")"
	put "$file" "$new"
done
( kernel_env; logged mutants 'a kernel with faults' make -C "$tree" O=.kernel -j"$jobs" bzImage )

[[ -z $build_only ]] || exit 0

# Number of the fault, its name, a test; first all tests with none.
for name in "${names[@]}"; do said "$name" test | tr ' ' '\n'; done | sort -u | sed 's/^/0 none /' >"$dir/todo"
for name in "${names[@]}"; do
	for n in "${!all[@]}"; do [[ ${all[n]} != "$name" ]] || break; done
	said "$name" test | tr ' ' '\n' | sed "s/^/$((n + 1)) $name /" >>"$dir/todo"
done
boot=$(for name in "${names[@]}"; do said "$name" boot; done | sort -u | tr '\n' ' ')
rm -f "$dir/log"
# A VM that dies, or does not come to its end, has found the fault that was on.
while [[ -s $dir/todo ]]; do
	rc=0
	# shellcheck disable=SC2016 # for the guest
	O=$dir KERNEL=$tree/.kernel/arch/x86/boot/bzImage APPEND=$boot TIMEOUT=${TIMEOUT:-1800} \
		"$repo/selftests/vm/run.sh" "$(printf 'while read -r n name t; do
			echo "#begin $name $t"; echo "$n" >/sys/module/kernel/parameters/bpf_mutant
			%q -t "$t" </dev/null; echo "#end $name $t $?"
		done <%q' "$runner" "$dir/todo")" >"$dir/now.log" 2>&1 || rc=$?
	cat "$dir/now.log" >>"$dir/log"
	(( rc == 124 || rc == 255 )) || break
	read -r name t < <(sed -n 's/^#begin //p' "$dir/now.log" | tail -n 1)
	[[ -n ${t:-} ]] || die "the kernel does not boot; see $dir/now.log"
	echo "#end $name $t dead" >>"$dir/log"
	sed -i "1,/ $name ${t/\//\\/}\$/d" "$dir/todo"
done

ended() { # name, test; its status
	sed -n "s,^#end $1 $2 ,,p" "$dir/log"
}
found=0
for name in "${names[@]}"; do
	missed=''
	for t in $(said "$name" test); do
		if [[ $(ended none "$t") != 0 ]]; then
			missed+=" $t does not pass without it,"
		elif [[ $(ended "$name" "$t") != @(1|dead) ]]; then
			missed+=" $t does not find it,"
		fi
	done
	if [[ -n $missed ]]; then
		echo "not found - $name:${missed%,}"
	else
		found=$((found + 1))
		how=$(sed -n "/^#begin $name /,/^#end/p" "$dir/log" | grep -m 1 '^# FAIL') || how='the VM died'
		echo "found - $name: $how"
	fi
done
echo "${#names[@]} mutants, $found found"
(( found == ${#names[@]} ))
exit
}
