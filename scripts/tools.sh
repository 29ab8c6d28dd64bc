#!/bin/bash
# What userspace needs from the kernel tree: $O/uapi, $O/libbpf, $O/bpftool, $O/vmlinux.h
set -euo pipefail
. "$(dirname "$0")/lib.sh"

CLANG=${CLANG:-clang-19} LLVM_STRIP=${LLVM_STRIP:-llvm-strip-19}
stamps=$O/stamps
mkdir -p "$stamps"
exec 8>"$O/stamps/lock"
flock 8
kernel_env

uapi() {
	mkdir -p "$O/build/uapi"
	make -C "$KSRC" O="$O/build/uapi" INSTALL_HDR_PATH="$O/uapi" headers_install
}
key=$(tree_key "$KSRC" include/uapi arch/x86/include/uapi)
if ! fresh "$stamps/uapi" "$key" "$O/uapi/include/linux/bpf.h"; then
	logged uapi 'kernel headers for userspace, about 15 s' uapi
	echo "$key" >"$stamps/uapi"
fi


libbpf() {
	make -C "$KSRC/tools/lib/bpf" -j"$jobs" OUTPUT="$O/libbpf/" DESTDIR="$O/libbpf" prefix= \
		"$O/libbpf/libbpf.a" install_headers
}
lib_key=$(tree_key "$KSRC" tools/lib/bpf tools/include include/uapi tools/scripts tools/build)
if ! fresh "$stamps/libbpf" "$lib_key" "$O/libbpf/libbpf.a" "$O/libbpf/include/bpf/libbpf.h"; then
	mkdir -p "$O/libbpf"
	logged libbpf 'static library, about 20 s' libbpf
	echo "$lib_key" >"$stamps/libbpf"
fi

# Without the machine's LLVM, which would take longer to load than bpftool runs.
bpftool() {
	mkdir -p "$O/build/bpftool"
	make -C "$KSRC/tools/bpf/bpftool" -j"$jobs" OUTPUT="$O/build/bpftool/" \
		feature-llvm=0 CLANG="$CLANG" LLVM_STRIP="$LLVM_STRIP" VMLINUX_BTF="$KBUILD/vmlinux"
	cp "$O/build/bpftool/bpftool" "$O/bpftool.new"
	mv "$O/bpftool.new" "$O/bpftool"
}
key=$lib_key$(tree_key "$KSRC" tools/bpf kernel/bpf/disasm.c kernel/bpf/disasm.h)
if ! fresh "$stamps/bpftool" "$key" "$O/bpftool"; then
	logged bpftool 'about 1 min' bpftool
	echo "$key" >"$stamps/bpftool"
fi

if [[ ! -e $O/vmlinux.h || $KBUILD/vmlinux -nt $O/stamps/vmlinux.h ]]; then
	"$O/bpftool" btf dump file "$KBUILD/vmlinux" format c >"$O/vmlinux.h.new"
	if cmp -s "$O/vmlinux.h.new" "$O/vmlinux.h"; then
		rm "$O/vmlinux.h.new"
	else
		mv "$O/vmlinux.h.new" "$O/vmlinux.h"
	fi
	touch -r "$KBUILD/vmlinux" "$O/stamps/vmlinux.h"
fi
