#!/bin/bash
# make demo: boots the VM and runs selftests/demo/demo.sh in it.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

start=$SECONDS
export KERNEL=${KERNEL:-$KBUILD/arch/x86/boot/bzImage}
accel=$(O=$O "$repo/selftests/vm/accel.sh")
mkdir -p "$O/demo"
if [[ ! -e $O/demo/spin.bpf.o || $repo/selftests/demo/spin.bpf.c -nt $O/demo/spin.bpf.o ||
		$O/vmlinux.h -nt $O/demo/spin.bpf.o ]]; then
	"${CLANG:-clang-19}" -g -O2 -target bpf -mcpu=v3 -Wall -I"$O" -I"$O/libbpf/include" \
		-c "$repo/selftests/demo/spin.bpf.c" -o "$O/demo/spin.bpf.o"
fi
say "demo: booting (${accel^^}, ${SMP:-2} CPUs), about 5 s, then about 15 s"
"$repo/selftests/vm/run.sh" "$repo/selftests/demo/demo.sh"
say "demo: done in $((SECONDS - start)) s"
