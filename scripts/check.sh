#!/bin/bash
# All that can be checked without booting: the series, shell scripts, the order of folders,
# format, compiler warnings, what is installed, and that nothing is uncommitted or built into the source tree.
set -uo pipefail
. "$(dirname "$0")/lib.sh"

failed=()
step() { # name, command...
	local name=$1
	shift
	if "$@"; then say "check: $name: ok"; else failed+=("$name"); fi
}

shell() {
	local files
	mapfile -t files < <(cd "$repo" && git ls-files -co --exclude-standard |
		while read -r f; do
			case $f in
			*.sh) echo "$f" ;;
			*.*) ;;
			*) [[ -f $f ]] && head -n 1 "$f" | grep -qE '^#!.*\b(ba|da)?sh\b' && echo "$f" ;;
			esac
		done)
	(cd "$repo" && shellcheck -x -P SCRIPTDIR "${files[@]}")
}
format() {
	[[ -e $KSRC/.clang-format ]] || { say 'check: format: skipped, needs make series'; return 0; }
	"$repo/scripts/format.sh" --check
}
warnings() {
	local d out=$O/build/werror
	[[ -e $O/libbpf/libbpf.a && -e $O/vmlinux.h ]] || { say 'check: warnings: skipped, needs make tools'; return 0; }
	for d in watchdog selftests selftests/unit bench; do
		[[ -f $repo/$d/Makefile ]] || continue
		make -s -C "$repo/$d" -j"$jobs" WERROR=1 O="$out" KSRC="$KSRC" VANILLA="$VANILLA" KBUILD="$KBUILD" \
			LIBBPF_A="$O/libbpf/libbpf.a" LIBBPF_INC="$O/libbpf/include" UAPI_INC="$O/uapi/include" \
			BPFTOOL="$O/bpftool" VMLINUX_H="$O/vmlinux.h" BPFWD="$out/bpfwd" \
			CLANG="${CLANG:-clang-19}" LLVM_STRIP="${LLVM_STRIP:-llvm-strip-19}" V= all \
			>"$O/log/check-${d//\//-}.log" 2>&1 || { tail -n 20 "$O/log/check-${d//\//-}.log"; return 1; }
	done
}
# The tool without all that is optional (watchdog/DEPS): it links none of it, and says so.
least() {
	local out=$O/build/least said
	[[ -e $O/libbpf/libbpf.a ]] || { say 'check: least libraries: skipped, needs make tools'; return 0; }
	make -s -C "$repo/watchdog" -j"$jobs" WITHOUT='screen calls serve man' WERROR=1 O="$out" \
		LIBBPF_A="$O/libbpf/libbpf.a" LIBBPF_INC="$O/libbpf/include" UAPI_INC="$O/uapi/include" V= all \
		>"$O/log/check-least.log" 2>&1 || { tail -n 20 "$O/log/check-least.log"; return 1; }
	if readelf -d "$out/bpfwd" | grep -E 'NEEDED.*(ncurses|tinfo|Zydis|microhttpd|cap)\>'; then return 1; fi
	said=$("$out/bpfwd" serve 2>&1 || true)
	[[ $said == *'without libmicrohttpd'* ]] || { echo "bpfwd serve: $said"; return 1; }
}
clean_tree() {
	local s
	s=$(git -C "$repo" status --porcelain)
	[[ -z $s ]] || { echo "$s"; return 1; }
}
mkdir -p "$O/log"
step 'series' "$repo/kernel-patches/check.sh" "$@"
step 'option off' "$repo/scripts/kernel.sh" off
step 'shellcheck' shell
step 'order of folders' "$repo/scripts/check-floors.sh"
step 'format' format
step 'warnings' warnings
step 'least libraries' least
step 'installed files' "$repo/scripts/check-dist.sh"
step 'tables of tests' "$repo/scripts/check-docs.sh"
step 'faults that tests must find' "$repo/scripts/test-mutants.sh" --fit
step 'clean tree' clean_tree
if (( ${#failed[@]} )); then
	printf 'check: failed: %s\n' "$(IFS=,; echo "${failed[*]}")" >&2
	exit 1
fi
say 'check: all clean'
