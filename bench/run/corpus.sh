#!/bin/bash
# Build programs of others to try things on: the BPF selftests of the kernel's tree, as
# many as compile against this kernel, and its veristat. Into $(O)/bench/corpus.
#   JOBS=2
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

ksrc=${KSRC:-$O/linux}
tests=$ksrc/tools/testing/selftests/bpf
dir=$out/corpus
[[ -d $tests/progs ]] || die "no BPF selftests in $ksrc; try: make series"
mkdir -p "$dir"

gcc -O2 -w -I"$O/uapi/include" -I"$O/libbpf/include" -I"$ksrc/tools/include" -I"$ksrc/tools/lib" \
	"$tests/veristat.c" "$O/libbpf/libbpf.a" -lelf -lz -o "$dir/veristat"

flags="-g -O2 --target=bpf -mcpu=v3 -w -std=gnu11 -fno-strict-aliasing -D__TARGET_ARCH_x86
	-I$O/libbpf/include -I$O -I$tests -I$ksrc/tools/include/uapi -I$ksrc/tools/include
	-idirafter /usr/include/$(gcc -print-multiarch) -idirafter /usr/include"
export flags dir clang=${CLANG:-clang-19}
one() {
	local obj
	obj=$dir/$(basename "$1" .c).bpf.o
	if [[ $obj -nt $1 || ${obj%.o}.no -nt $1 ]]; then
		return
	fi
	# shellcheck disable=SC2086 # a list
	if "$clang" $flags -c "$1" -o "$obj" 2>"${obj%.o}.no"; then
		rm "${obj%.o}.no"
	else
		rm -f "$obj"
	fi
}
export -f one
say 'compiling the BPF selftests of the kernel (about 8 minutes the first time)'
find "$tests/progs" -maxdepth 1 -name '*.c' | sort |
	xargs -P "${JOBS:-$(nproc)}" -I {} bash -c 'one {}'
say "$(find "$dir" -name '*.bpf.o' | wc -l) objects, $(find "$dir" -name '*.bpf.no' | wc -l) do not compile here; in $dir"
