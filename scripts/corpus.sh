#!/bin/bash
# Compile the kernel's own BPF selftests, programs to try things on, into $O/corpus.
#   corpus.sh subset    those that selftests/corpus/subset.list names, half a minute
#   corpus.sh all       all that compile against this kernel, and its veristat, 6 minutes
#   JOBS=2
# What is there stays until the sources, the kernel's types or the compiler change.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

which=${1:-all}
case $which in subset|all) ;; *) die "corpus.sh: $which is neither subset nor all" ;; esac
tests=$KSRC/tools/testing/selftests/bpf
export dir=$O/corpus clang=${CLANG:-clang-19}
[[ -d $tests/progs ]] || die "no BPF selftests in $KSRC; try: make series"
[[ -e $O/vmlinux.h ]] || die "no $O/vmlinux.h; try: make tools"
mkdir -p "$dir"
exec 8>"$dir/.lock"
flock 8

flags="-g -O2 --target=bpf -mcpu=v3 -w -std=gnu11 -fno-strict-aliasing -D__TARGET_ARCH_x86
	-I$O/libbpf/include -I$O -I$tests -I$tests/libarena/include
	-I$KSRC/tools/include/uapi -I$KSRC/tools/include
	-idirafter /usr/include/$(gcc -print-multiarch) -idirafter /usr/include"
key=$( { tree_key "$KSRC" tools/testing/selftests/bpf; sha256sum <"$O/vmlinux.h"; "$clang" --version; echo "$flags"; } | sha256sum)
if [[ ! -e $dir/.key || $(<"$dir/.key") != "$key" ]]; then
	find "$dir" -maxdepth 1 -name '*.bpf.*' -delete
	echo "$key" >"$dir/.key"
fi

export flags tests
# $dir/NAME.bpf.o, or NAME.bpf.no with the reason
one() {
	local obj=$dir/$1.bpf.o
	[[ ! -e $obj && ! -e ${obj%.o}.no ]] || return 0
	# shellcheck disable=SC2086 # a list
	if "$clang" $flags -c "$tests/progs/$1.c" -o "$obj.new" 2>"${obj%.o}.no"; then
		mv "$obj.new" "$obj"
		rm "${obj%.o}.no"
	else
		rm -f "$obj.new"
	fi
}
export -f one
build() {
	xargs -a "$dir/.todo" -P "${JOBS:-$jobs}" -I {} bash -c 'one {}'
	if [[ $which == all && ! -x $dir/veristat ]]; then
		gcc -O2 -w -I"$O/uapi/include" -I"$O/libbpf/include" -I"$KSRC/tools/include" -I"$KSRC/tools/lib" \
			"$tests/veristat.c" "$O/libbpf/libbpf.a" -lelf -lz -o "$dir/veristat"
	fi
}
names() {
	if [[ $which == subset ]]; then
		sed -n 's/^\([^#].*\)\.bpf\.o$/\1/p' "$repo/selftests/corpus/subset.list"
	else
		find "$tests/progs" -maxdepth 1 -name '*.c' -printf '%f\n' | sed 's/\.c$//' | sort
	fi
}
names | while read -r n; do [[ -e $dir/$n.bpf.o || -e $dir/$n.bpf.no ]] || echo "$n"; done >"$dir/.todo"
[[ -s $dir/.todo || ( $which == all && ! -x $dir/veristat ) ]] || exit 0
logged corpus "$(wc -l <"$dir/.todo") of the kernel's BPF selftests" build
say "corpus: $(find "$dir" -name '*.bpf.o' | wc -l) objects, $(find "$dir" -name '*.bpf.no' | wc -l) do not compile here; in $dir"
