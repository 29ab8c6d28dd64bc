# bpfwd: a runtime watchdog for BPF programs. `make help` lists targets.
#
# The top Makefile prepares the machine, the kernel tree and what is built from
# it, and calls the Makefiles of watchdog/, selftests/ and bench/ with these
# variables (each of them `make -C DIR VAR=... [TARGET]`, all paths absolute):
#
#   O            everything that is built goes here (default .output)
#   KSRC         $(O)/linux, the patched kernel tree (git, branch watchdog)
#   VANILLA      $(O)/vanilla, the unpatched one (git worktree of tag base)
#   KBUILD       $(KSRC)/.kernel, its build folder (vmlinux, BTF)
#   LIBBPF_A     $(O)/libbpf/libbpf.a, static, from the patched tree
#   LIBBPF_INC   $(O)/libbpf/include, holds bpf/libbpf.h and friends
#   UAPI_INC     $(O)/uapi/include, headers_install of the patched tree; put it
#                before the system's: -I$(UAPI_INC) gives <linux/bpf.h>
#   BPFTOOL      $(O)/bpftool, from the patched tree
#   VMLINUX_H    $(O)/vmlinux.h, from the patched kernel's BTF; changes its
#                timestamp only when its content changes
#   BPFWD        $(O)/bpfwd, built by watchdog/ (default target `all`)
#   CLANG        clang-19          LLVM_STRIP   llvm-strip-19
#   CC           gcc               V            1: show commands
#
# selftests/ builds $(O)/selftests/runner and *.bpf.o (default target `all`),
# bench/ builds under $(O)/bench.
