#!/bin/bash
# Does the verifier decide as before? veristat over the kernel's BPF selftests, on the
# unpatched kernel and on the patched one, with the watchdog off and on: verdict,
# instructions, states and peak states of each program.
#   test-verdicts.sh    KERNELS="vanilla off on"  LANES=VMs at once
# A difference needs a line in selftests/UPSTREAM: the program as "OBJECT/PROGRAM". The last
# line is "N programs the same, N differ, N explained".
# shellcheck disable=SC2317 # functions are called by in_lanes
set -euo pipefail
. "$(dirname "$0")/lib.sh"

{ # read as a whole, so that an edit does not disturb a run
kernels=${KERNELS:-vanilla off on} corpus=$O/corpus
dir=$O/verdicts
mkdir -p "$dir"
"$repo/scripts/source.sh" vanilla
"$repo/scripts/kernel.sh" kernel
"$repo/scripts/kernel.sh" vanilla
"$repo/scripts/corpus.sh" all

build() { # kernel
	if [[ $1 == vanilla ]]; then echo "$VANILLA/.kernel"; else echo "$KBUILD"; fi
}
one() { # kernel
	local before=true
	[[ $1 != on ]] || before='echo 1 >/proc/sys/kernel/bpf_watchdog'
	# veristat fails if a program does, and some are meant to.
	O=$dir/$1 KERNEL=$(build "$1")/arch/x86/boot/bzImage TIMEOUT=${TIMEOUT:-5400} TCG=single "$repo/selftests/vm/run.sh" \
		"insmod $dir/$1.testmod/bpf_testmod.ko && $before && ulimit -l unlimited && { $corpus/veristat -q -o csv -e file,prog,verdict,insns,states,peak_states \
		$corpus/*.bpf.o >\$BPFWD_SCRATCH/verdicts 2>\$BPFWD_SCRATCH/errors; true; }" >"$dir/$1.log" 2>&1 ||
		{ tail -n 5 "$dir/$1.log"; return 1; }
	sed 1d "$dir/$1/vm/scratch/verdicts" | sort >"$dir/$1.csv"
	say "verdicts: $1: $(wc -l <"$dir/$1.csv") programs, $(grep -c ,success, "$dir/$1.csv") accepted, after $SECONDS s"
}
for k in $kernels; do
	mkdir -p "$dir/$k"
	test_module bpf_testmod "$dir/$k.testmod" "$(build "$k")"
done
# shellcheck disable=SC2086 # a list
in_lanes one $kernels

declare -A unexplained=() explained=()
for k in ${kernels/vanilla/}; do
	while IFS= read -r name; do
		if has_reason "$name"; then
			explained[$name]=1
			echo "explained: $name ($k)"
		else
			unexplained[$name]=1
			echo "differs: $name: $(grep -hF "${name/\//,}," "$dir/vanilla.csv" "$dir/$k.csv" | cut -d, -f3- | paste -sd ' ') (unpatched, $k)"
		fi
	done < <(comm -3 "$dir/vanilla.csv" "$dir/$k.csv" | tr -d '\t' | cut -d, -f1,2 | tr , / | sort -u)
done
same=$(wc -l <"$dir/vanilla.csv")
(( same > 1000 )) || die "verdicts: only $same programs; see $dir/vanilla/vm/scratch/errors"
echo "$((same - ${#unexplained[@]} - ${#explained[@]})) programs the same, ${#unexplained[@]} differ, ${#explained[@]} explained"
(( !${#unexplained[@]} ))
exit
}
