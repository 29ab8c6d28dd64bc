#!/bin/bash
# Did the series change what the kernel's own BPF tests find? Builds its test_progs from the
# unpatched source, runs each test on the unpatched and on the patched kernel, with the
# watchdog off and on with a budget that nothing reaches, and compares test by test.
#   test-upstream.sh [GLOB of tests]
#   LIMIT=90  seconds for a test    KERNELS="vanilla off on"    ONLY=build|run|compare
#   PART=1/3  every third one, from the first on    LANES=VMs at once
# What does not compile with the configuration of both is not built: $O/upstream/not-built.
# Verdicts, instructions and states of the verifier: test-verdicts.sh.
# A difference needs a line in selftests/UPSTREAM. The last line is
# "N tests and subtests the same, N differ, N explained".
# shellcheck disable=SC2317 # functions are called by logged and in_lanes
set -euo pipefail
. "$(dirname "$0")/lib.sh"

{ # read as a whole, so that an edit does not disturb a run
shopt -s nullglob
glob=${1:-*} limit=${LIMIT:-90} kernels=${KERNELS:-vanilla off on}
dir=$O/upstream
src=$dir/linux bin=$dir/bin results=$dir/results
tests=$src/tools/testing/selftests/bpf
mkdir -p "$results" "$bin"
kdir() { # kernel
	if [[ $1 == vanilla ]]; then echo "$VANILLA/.kernel"; else echo "$KBUILD"; fi
}

# --- Building ---
compile() { # target...
	# Those that it has from a run before lack rules for light skeletons.
	rm -f "$bin"/*.test.d
	make -k -C "$tests" -j"$jobs" OUTPUT="$bin" O="$(kdir off)" KDIR="$(kdir off)" \
		VMLINUX_BTF="$(kdir off)/vmlinux" CLANG="${CLANG:-clang-19}" \
		LLVM_STRIP="${LLVM_STRIP:-llvm-strip-19}" SAN_CFLAGS=-Wno-error "$@"
}
# What does not compile with this configuration goes, and the tests that need it. Tests are
# not tried before all programs compile.
drop() {
	local c name f dropped=
	for c in "$tests"/progs/*.c; do
		name=$(basename "$c" .c)
		[[ -e $bin/$name.bpf.o ]] && continue
		rm "$c"
		echo "progs/$name.c" >>"$dir/not-built"
		while IFS= read -r f; do
			rm "$f"
			echo "prog_tests/$(basename "$f")  needs progs/$name.c" >>"$dir/not-built"
		done < <(grep -lE "\"$name\.(bpf\.o|l?skel\.h|subskel\.h)\"" "$tests"/prog_tests/*.c)
		dropped=1
	done
	[[ -z $dropped ]] || return 0
	for c in "$tests"/prog_tests/*.c; do
		name=$(basename "$c" .c)
		[[ -e $bin/$name.test.o ]] && continue
		rm "$c"
		echo "prog_tests/$name.c  does not compile" >>"$dir/not-built"
		dropped=1
	done
	[[ -n $dropped ]]
}
build() {
	local round
	rm -f "$dir/not-built" "$dir/built"
	for (( round = 1; round <= 6; round++ )); do
		compile test_progs && break
		drop || break
		rm -f "$tests/prog_tests/tests.h"
	done
	[[ -x $bin/test_progs ]] || return 1
	touch "$dir/not-built"
	sort -o "$dir/not-built" "$dir/not-built"
}
# A module is for one kernel; the Makefile has built those for the patched one.
vanilla_modules() {
	local m
	mkdir -p "$dir/modules"
	for m in bpf_testmod bpf_test_no_cfi bpf_test_modorder_x bpf_test_modorder_y; do
		test_module "$m" "$dir/build-$m" "$(kdir vanilla)"
		cp "$dir/build-$m/$m.ko" "$dir/modules/"
	done
}
if [[ ${ONLY:-build} == build ]]; then
	changed=$(git -C "$KSRC" diff --name-only base HEAD -- tools/testing/selftests/bpf)
	[[ -z $changed ]] || die "the series changes the tests: $changed"
	"$repo/scripts/deps.sh" upstream
	"$repo/scripts/source.sh" vanilla
	"$repo/scripts/kernel.sh" kernel
	"$repo/scripts/kernel.sh" vanilla
	if [[ ! -e $src/.git ]]; then
		kgit -C "$KSRC" worktree prune
		kgit -C "$KSRC" worktree add --quiet --detach "$src" base
	fi
	if ! fresh "$dir/built" "$(tree_key "$KSRC" tools/testing/selftests/bpf tools/lib/bpf)" "$bin/test_progs"; then
		kgit -C "$src" checkout -q -f base -- tools
		logged upstream 'test_progs, about 5 min on 2 cores' build
		vanilla_modules
		tree_key "$KSRC" tools/testing/selftests/bpf tools/lib/bpf >"$dir/built"
	fi
	say "upstream: $(find "$tests/prog_tests" -name '*.c' | wc -l) files of tests; not built: $(grep -c ^prog_tests "$dir/not-built" || true)"
fi

# --- Running ---
# In the guest: some tests in a process. If it does not end, each of them in its own.
cat >"$dir/guest.sh" <<'END'
set -u
bin=$1 list=$2 out=$3 limit=$4 watchdog=$5 single=$6	# bin: folders, a:b
if [[ $watchdog == on ]]; then
	echo 2147483647 >/proc/sys/kernel/bpf_watchdog_budget_us
	echo 2147483647 >/proc/sys/kernel/bpf_watchdog_budget_user_us
	echo 1 >/proc/sys/kernel/bpf_watchdog
fi
mkdir -p /tmp/up /tmp/work /tmp/tests
mount -t overlay overlay -o "lowerdir=$bin,upperdir=/tmp/up,workdir=/tmp/work" /tmp/tests
cd /tmp/tests || exit 1
run() { # name...
	local names rc=0
	names=$(IFS=,; echo "$*")
	echo "begin $*" >>"$out"
	timeout -k 5 $((limit * ($# > 1 ? 3 : 1))) ./test_progs -a "$names" </dev/null >/tmp/log 2>&1 || rc=$?
	umount -q /mnt 2>/dev/null
	if (( rc >= 124 )) && (( $# > 1 )); then return 1; fi
	sed -nE 's|^#[0-9]+(/[0-9]+)? +(.*):(OK\|FAIL\|SKIP)$|\3 \2|p' /tmp/log >>"$out"
	cat /tmp/log >>"$out.log"
	(( rc < 124 )) || echo "TIMEOUT $1" >>"$out"
	printf 'end %s\n' "$@" >>"$out"
}
mapfile -t names <"$list"
for (( i = 0; i < ${#names[@]}; i += n )); do
	n=12
	(( i >= single )) || n=1
	run "${names[@]:i:n}" && continue
	for name in "${names[@]:i:n}"; do run "$name"; done
done
END
# The tests that have not ended: after a panic the next boot goes on behind it.
left() { # results, list
	awk 'FILENAME == ARGV[1] { if ($1 == "end" || $1 == "CRASH") done[$2]; next } !($1 in done)' "$1" "$2"
}
run() { # kernel, list, results
	local kernel=$1 list=$2 out=$3 own=$dir/$1 boots rc watchdog=off t lower=$bin single=0
	[[ $kernel != on ]] || watchdog=on
	[[ $kernel != vanilla ]] || lower=$dir/modules:$bin
	mkdir -p "$own"
	: >"$out"
	: >"$out.log"
	for (( boots = 1; boots <= 20; boots++ )); do
		left "$out" "$list" >"$own/list"
		[[ -s $own/list ]] || break
		rc=0
		rm -f "$own/vm/scratch/out"*
		# One thread for all CPUs: text is patched all the time.
		O=$own MEM=4G TCG=single TIMEOUT=${TIMEOUT:-7200} KERNEL=$(kdir "$kernel")/arch/x86/boot/bzImage \
			"$repo/selftests/vm/run.sh" \
			"bash $dir/guest.sh $lower $own/list \$BPFWD_SCRATCH/out $limit $watchdog $single" >"$own/run.log" 2>&1 || rc=$?
		cat "$own/vm/scratch/out" >>"$out"
		cat "$own/vm/scratch/out.log" >>"$out.log"
		(( rc )) || break
		cp "$own/vm/console.log" "$results/console-$kernel-$boots.log"
		# Was it one test, or one of some?
		t=$(awk '$1 == "begin" { t = substr($0, 7) } $1 == "end" { t = "" } END { print t }' "$out")
		single=12
		[[ -z $t || $t == *' '* ]] || echo "CRASH $t" >>"$out"
	done
}
list_tests() {
	"$bin/test_progs" -l 2>/dev/null | while read -r name; do
		# shellcheck disable=SC2053 # it is a glob
		if [[ $name == $glob ]]; then echo "$name"; fi
	done | awk -v p="${PART:-1/1}" '{ split(p, x, "/") } NR % x[2] == x[1] % x[2]'
}
run_all() { # kernel
	say "upstream: $(wc -l <"$dir/all") tests, $1"
	run "$1" "$dir/all" "$results/$1"
	say "upstream: $1: $(grep -cE '^(OK|FAIL|SKIP|TIMEOUT|CRASH) ' "$results/$1") results after $SECONDS s"
}
if [[ ${ONLY:-run} == run ]]; then
	list_tests >"$dir/all"
	# shellcheck disable=SC2086 # a list
	in_lanes run_all $kernels
fi

# --- Comparing ---
# A test that differs is run three times on each kernel: one that has had the same result on
# both is none of ours.
verdicts() { # file...: "name result", each once
	cat "$@" | awk '$1 ~ /^(OK|FAIL|SKIP|TIMEOUT|CRASH)$/ { r = $1; sub(/^[A-Z]+ /, ""); print $0 "\t" r }' | sort -u
}
differ() { # kernel: names of tests and subtests whose results have nothing in common
	join -t $'\t' -a 1 -a 2 -e none -o 0,1.2,2.2 <(verdicts "$results"/vanilla "$results"/vanilla.*[0-9]) <(verdicts "$results/$1" "$results/$1".[0-9]) |
		awk -F '\t' '{ if ($2 == $3) same[$1]; else diff[$1] = diff[$1] " " $2 "/" $3 }
			END { for (n in diff) if (!(n in same)) print n "\t" diff[n] }' | sort
}
if [[ ${ONLY:-compare} == compare ]]; then
	for k in ${kernels/vanilla/}; do
		for (( again = 1; again <= 2; again++ )); do
			differ "$k" | cut -f 1 | cut -d / -f 1 | sort -u >"$dir/again"
			[[ -s $dir/again ]] || break
			say "upstream: $(wc -l <"$dir/again") tests differ, $k; once more"
			run vanilla "$dir/again" "$results/vanilla.$k$again"
			run "$k" "$dir/again" "$results/$k.$again"
		done
	done
	declare -A unexplained=() explained=()
	for k in ${kernels/vanilla/}; do
		while IFS=$'\t' read -r name what; do
			if has_reason "$name"; then
				explained[$name]=1
				echo "explained: $name ($k):$what"
			else
				unexplained[$name]=1
				echo "differs: $name ($k): unpatched/patched$what"
			fi
		done < <(differ "$k")
	done
	for k in $kernels; do
		verdicts "$results/$k" | awk -F '\t' -v k="$k" '{ n[$2]++ } END { for (r in n) printf "%s: %d %s\n", k, n[r], r }' | sort
	done
	same=$(verdicts "$results/vanilla" | cut -f 1 | sort -u | wc -l)
	echo "$((same - ${#unexplained[@]} - ${#explained[@]})) tests and subtests the same, ${#unexplained[@]} differ, ${#explained[@]} explained"
	(( !${#unexplained[@]} ))
fi
exit
}
