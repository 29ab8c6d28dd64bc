#!/bin/bash
# Does each test fail if what it tests is wrong? The faults of selftests/mutants are put
# into a copy of the kernel's tree, all into one kernel, in which the parameter
# bpf_mutant switches one of them on. With none of them on, the tests must pass there.
#   test-mutants.sh [NAME...]      LANES=VMs at once
#   test-mutants.sh --build        only builds that kernel
#   test-mutants.sh --fit          only says whether each still changes what it is for
# Each test with a fault has a VM of its own: no fault is blamed for what another one has
# left behind. The last line is "N mutants, N found". What a file NAME.sed says:
#   # boot: OPTIONS     of the VM's kernel; ICOUNT=1 among them is for the VM itself
#   # test: NAME...     these tests must fail, each of them
#   # random: N         N random programs must find it (test-random-faults.sh)
#   # path/of/file.c    what follows is for that file; MUTANT(NAME) is true if it is on
# shellcheck disable=SC2317 # functions are called by in_lanes
set -euo pipefail
. "$(dirname "$0")/lib.sh"

{ # read as a whole, so that an edit does not disturb a run
mutants=$repo/selftests/mutants dir=$O/mutants
runner=$O/selftests/runner
tree=$dir/linux
mapfile -t all < <(basename -a -s .sed "$mutants"/*.sed)
only=
case ${1:-} in
--build|--fit) only=${1#--}; shift ;;
esac
[[ $only != fit ]] || dir=$(mktemp -d)
names=("$@")
(( $# )) || mapfile -t names < <(grep -l '^# test: ' "$mutants"/*.sed | xargs basename -a -s .sed)
for name in "${names[@]}"; do
	[[ -e $mutants/$name.sed ]] || die "no mutant $name; there are: ${all[*]}"
done
mkdir -p "$dir"

files() { sed -nE 's,^# ([a-z][a-z0-9_/.-]*\.[ch])$,\1,p' "$mutants/$1.sed"; }
said() { sed -n "s/^# $2: //p" "$mutants/$1.sed"; }	# name, word

# Each fault, into copies of the files.
new=$dir/new.c
mapfile -t changed < <(for name in "${all[@]}"; do files "$name"; done | sort -u)
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
[[ $only != fit ]] || { rm -rf "$dir"; exit 0; }

# The tree as it is, without kernels that are not built here; then what is newer there.
key=$(tree_key "$KSRC")
if ! fresh "$dir/key" "$key" "$tree"; then
	others=(! -name .git ! -name .debug ! -name .off ! -name .variants)
	# Objects of this one would be taken for what has the faults.
	[[ ! -e $dir/key ]] || others+=(! -name .kernel)
	mkdir -p "$tree"
	(cd "$KSRC" && find . -mindepth 1 -maxdepth 1 "${others[@]}" -exec cp -au -t "$tree" {} +)
	cp -u "$KBUILD/.config" "$tree/.kernel/.config"
	echo "$key" >"$dir/key"
fi

# Only what has changed, so that only that is built.
put() { # file, its new content
	cmp -s "$2" "$tree/$1" || cp "$2" "$tree/$1"
	rm "$2"
}
# Those of faults that are gone are as they were.
if [[ -e $dir/changed ]]; then
	for file in $(comm -23 "$dir/changed" <(printf '%s\n' "${changed[@]}")); do
		cp "$KSRC/$file" "$new"
		put "$file" "$new"
	done
fi
printf '%s\n' "${changed[@]}" >"$dir/changed"
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

[[ $only != build ]] || exit 0

# "NAME TEST STATUS" of each test; a VM that does not come to its end has died of the fault.
run() { # name of the fault, its number, options of the kernel, tests...
	local name=$1 n=$2 boot=$3 t lane=$dir/vm/$1-${4/\//-} icount=0
	[[ " $boot " != *' ICOUNT=1 '* ]] || icount=1
	shift 3
	mkdir -p "$lane"
	# shellcheck disable=SC2016 # for the guest
	O=$lane ICOUNT=$icount KERNEL=$tree/.kernel/arch/x86/boot/bzImage APPEND="bpf_mutant=$n $boot" \
		TIMEOUT=${TIMEOUT:-$((300 + 60 * $#))} "$repo/selftests/vm/run.sh" \
		"$(printf 'for t in %s; do echo "#begin $t"; %q -t "$t" </dev/null; echo "#end $t $?"; done' "$*" "$runner")" \
		>"$lane/log" 2>&1 || true
	for t; do
		! grep -qx "#begin $t" "$lane/log" ||
			echo "$name $t $(sed -n "s,^#end $t ,,p" "$lane/log" | grep . || echo dead)"
	done >"$lane/status"
}
status() { # name, test
	sed -n "s,^$1 $2 ,,p" "$dir"/vm/*/status | tail -n 1
}
number() { # name
	local n
	for n in "${!all[@]}"; do [[ ${all[n]} != "$1" ]] || echo $((n + 1)); done
}
without() { # options of the kernel: all tests that want these, without a fault
	local name tests=()
	for name in "${names[@]}"; do
		[[ $(said "$name" boot) != "$1" ]] || read -ra tests <<<"${tests[*]} $(said "$name" test)"
	done
	mapfile -t tests < <(printf '%s\n' "${tests[@]}" | sort -u)
	run none 0 "$1" "${tests[@]}"
}
with() { # "NAME TEST"
	run "${1% *}" "$(number "${1% *}")" "$(said "${1% *}" boot)" "${1#* }"
}
rm -rf "$dir/vm"
say 'the tests, without a fault'
mapfile -t boots < <(for name in "${names[@]}"; do said "$name" boot | grep . || echo; done | sort -u)
in_lanes without "${boots[@]}"
say 'each fault with its tests'
mapfile -t pairs < <(for name in "${names[@]}"; do said "$name" test | tr ' ' '\n' | sed "s/^/$name /"; done)
in_lanes with "${pairs[@]}"

found=0
for name in "${names[@]}"; do
	missed=
	for t in $(said "$name" test); do
		if [[ $(status none "$t") != 0 ]]; then
			missed+=" $t does not pass without it,"
		elif [[ $(status "$name" "$t") != @(1|dead) ]]; then
			missed+=" $t does not find it,"
		fi
	done
	if [[ -n $missed ]]; then
		echo "not found - $name:${missed%,}"
	else
		found=$((found + 1))
		for t in $(said "$name" test); do
			echo "found - $name: $t: $(grep -m 1 '^# FAIL' "$dir/vm/$name-${t/\//-}/log" || echo 'the VM died')"
		done
	fi
done
echo "${#names[@]} mutants, $found found"
(( found == ${#names[@]} ))
exit
}
