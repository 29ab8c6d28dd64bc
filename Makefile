# bpfwd: a runtime watchdog for BPF programs. `make help` lists targets.
#
# The top Makefile prepares the machine, the kernel tree and what is built from
# it, and calls the Makefiles of watchdog/, selftests/ and bench/ with these
# variables (each of them `make -C DIR VAR=... [TARGET]`, all paths absolute):
#
#   KVER         the kernel: a folder of kernel-patches/ (default 6.12)
#   O            everything that is built goes here (default .output, or .output/$(KVER))
#   KSRC         $(O)/linux, the patched kernel tree (git, branch watchdog)
#   VANILLA      $(O)/vanilla, the unpatched one (git worktree of tag base)
#   KBUILD       $(KSRC)/.kernel, its build folder (vmlinux, BTF); .demo for make demo alone
#   LIBBPF_A     $(O)/libbpf/libbpf.a, static, from the patched tree
#   LIBBPF_INC   $(O)/libbpf/include, holds bpf/libbpf.h and friends
#   UAPI_INC     $(O)/uapi/include, headers_install of the patched tree; put it
#                before the system's: -I$(UAPI_INC) gives <linux/bpf.h>
#   BPFTOOL      $(O)/bpftool, from the patched tree
#   VMLINUX_H    $(O)/vmlinux.h, from the patched kernel's BTF; changes its
#                timestamp only when its content changes
#   BPFWD        $(O)/bpfwd, and bpfwd-serve beside it, built by watchdog/ (default target `all`)
#   CLANG        clang-19          LLVM_STRIP   llvm-strip-19
#   CC           gcc               V            1: show commands
#
# selftests/ builds $(O)/selftests/runner and *.bpf.o (default target `all`),
# bench/ builds under $(O)/bench.

KVER ?= 6.12
O ?= .output$(if $(filter-out 6.12,$(KVER)),/$(KVER))
override O := $(abspath $(O))
ROOT := $(patsubst %/,%,$(dir $(abspath $(lastword $(MAKEFILE_LIST)))))
ifneq ($(words $(O) $(ROOT)),2)
$(error no spaces in paths, please: $(ROOT) $(O))
endif

KSRC       := $(O)/linux
VANILLA    := $(O)/vanilla
KBUILD     := $(KSRC)/.kernel
LIBBPF_A   := $(O)/libbpf/libbpf.a
LIBBPF_INC := $(O)/libbpf/include
UAPI_INC   := $(O)/uapi/include
BPFTOOL    := $(O)/bpftool
VMLINUX_H  := $(O)/vmlinux.h
BPFWD      := $(O)/bpfwd
CLANG      ?= clang-19
LLVM_STRIP ?= llvm-strip-19
SMP        ?= 2
MEM        ?= 2G
T          ?= *
V          ?= 0
prefix     ?= /usr/local

export KVER O KSRC VANILLA KBUILD V CLANG LLVM_STRIP LINUX_SRC
export KERNEL SMP MEM ICOUNT TIMEOUT WRITABLE CONFIG DRY
# The command as it was typed: its $ are the guest shell's, not make's.
export BPFWD_CMD := $(value CMD)
unexport CMD

parts := $(foreach v,O KSRC VANILLA KBUILD LIBBPF_A LIBBPF_INC UAPI_INC BPFTOOL VMLINUX_H \
	BPFWD CLANG LLVM_STRIP,$(v)=$($(v))) $(if $(filter 1,$(V)),V=1,V=)
part = @+$(MAKE) --no-print-directory -C $(1) $(parts) $(2)

.NOTPARALLEL:
.PHONY: help all deps source series kernel kernel-vanilla kernel-debug tools bpfwd selftests \
	demo show-demo demo-programs unit unit-tests test test-part test-debug test-all test-faults test-field test-upstream vm bench install deb deb-kernel patches \
	format check clean

help:
	@echo 'Targets'
	@echo '  demo             everything from a fresh machine: a stall without and with the watchdog'
	@echo '  unit [T=glob]    tests of what needs no kernel (no VM, seconds); part of test'
	@echo '  test [T=globs]   everything from a fresh machine to "N passed, N failed, N skipped"'
	@echo '  test-part        of it, what depends on the kernel most, in minutes: for KVER=7.3'
	@echo '  test-debug       the same on the kernel with KASAN, lockdep and kmemleak'
	@echo '  test-all [S=step]  what takes hours: all programs of the kernel'"'"'s BPF selftests ended at'
	@echo '                   each call and anywhere, on both kernels; soak, storm20 (20 CPUs), innocents (tools of the'
	@echo '                   distribution at once), variants, faults, packages, boot, dashboard, kubernetes, field,'
	@echo '                   upstream'
	@echo '  test-faults      on that kernel, with allocations that fail'
	@echo "  test-field       estimates and runs of the BPF programs of Debian's packages, and of the"
	@echo '                   kernel'"'"'s samples: a bound or a reason for each; writes $$O/field.json'
	@echo "  test-upstream    the kernel's own test_progs and veristat, on the unpatched and on the"
	@echo '                   patched kernel, compared test by test'
	@echo "  vm [CMD='...']   boots the kernel, runs CMD as root; without CMD a shell. The host's"
	@echo '                   files are there, read-only (in a shell, and with WRITABLE=1, what is written'
	@echo '                   stays in its memory); $$BPFWD_SCRATCH is shared and writable.'
	@echo '                   CMD failed: "Error STATUS", 124 timeout, 255 panic (make itself ends'
	@echo '                   with 2; selftests/vm/run.sh CMD ends with STATUS)'
	@echo '  bench [B=name]   runs a benchmark, or all: table, JSON, CSV and plots in $$O/bench'
	@echo '  kernel           patched          kernel-vanilla  same configuration, unpatched'
	@echo '  kernel-debug     patched, with KASAN, PROVE_LOCKING, kmemleak, DEBUG_ATOMIC_SLEEP'
	@echo '  all              kernel, tools, selftests'
	@echo '  patches          writes the commits of $$O/linux to kernel-patches/$$KVER/'
	@echo '  format           all C files, by the .clang-format of the kernel'
	@echo '  check            series, checkpatch, shellcheck, folders, format, warnings, what is installed, clean tree'
	@echo '  install          the tool below $$DESTDIR$$prefix: with manual page, unit, completion,'
	@echo '                   alert rules and dashboard'
	@echo '  deb              the tool as a Debian package in $$O/deb'
	@echo '  deb-kernel       the kernel as well, with CONFIG=FILE or the configuration of the one that'
	@echo '                   runs here and the watchdog on top; DRY=1 only configures'
	@echo '  deps             lists and installs the missing packages'
	@echo '  clean            removes what is built, but not the kernels (rm -r $$O removes all)'
	@echo 'Variables'
	@echo '  KVER=6.12        the kernel: a folder of kernel-patches/'
	@echo '  O=.output        where all is built; with another KVER .output/$$KVER'
	@echo '  LINUX_SRC=DIR    a tree of that Linux instead of the Debian package'
	@echo '  KERNEL=path      bzImage for vm and test      SMP=2 MEM=2G TIMEOUT=300 (seconds; tests have their own)'
	@echo '  ICOUNT=1         guest time counts instructions, one CPU'
	@echo '  prefix=/usr/local DESTDIR=   where install puts the tool'
	@echo '  V=1              show commands and output of long steps'

deps:
	@scripts/deps.sh
source: deps
	@scripts/source.sh
series: source
	@kernel-patches/apply.sh
kernel: series
	@scripts/kernel.sh $(if $(filter %/.demo,$(KBUILD)),demo,kernel)
kernel-debug: series
	@scripts/kernel.sh debug
kernel-vanilla: deps
	@scripts/source.sh vanilla
	@scripts/kernel.sh vanilla
tools: kernel
	@scripts/tools.sh
bpfwd: tools
	$(call part,watchdog)
selftests: tools
	$(call part,selftests)
all: bpfwd selftests
unit-tests: tools
	$(call part,selftests/unit)

vm: $(if $(KERNEL),deps,kernel)
	@selftests/vm/run.sh "$$BPFWD_CMD"
unit: unit-tests
	@scripts/test.sh 'unit/$(subst ','\'',$(T))'
test: all deb unit-tests demo-programs
	@scripts/test.sh '$(subst ','\'',$(T))'
# What the two kernels have of their own: the JIT, the verifier, and each way in.
test-part: all
	@BPFWD_RANDOM_PROGRAMS=$${BPFWD_RANDOM_PROGRAMS:-300} \
		scripts/test.sh 'kunit newer stall_* context_* estimate policy_attach random/programs'
test-debug: all deb unit-tests demo-programs kernel-debug
	@KERNEL='$(or $(KERNEL),$(KSRC)/.debug/arch/x86/boot/bzImage)' SILENCE=3600 \
		scripts/test.sh '$(subst ','\'',$(T))'
test-all: all
	@scripts/test-all.sh $(S)
test-faults: all kernel-debug
	@scripts/test-faults.sh
test-field: all
	@scripts/test-field.sh
test-upstream: all
	@scripts/test-verdicts.sh
	@scripts/test-upstream.sh '$(subst ','\'',$(T))'
# With the tests' kernel if there is one: its own is half as large.
demo:
	@+$(MAKE) --no-print-directory $(if $(wildcard $(KSRC)/.kernel/.bpfwd-key),,KBUILD=$(KSRC)/.demo) show-demo
show-demo: bpfwd demo-programs
	@scripts/demo.sh
demo-programs: tools
	$(call part,selftests,demo)
bench: all kernel-vanilla
	$(call part,bench,$(if $(B),B='$(B)') bench)

install: bpfwd
	$(call part,watchdog,DESTDIR='$(DESTDIR)' prefix='$(prefix)' install)

deb: bpfwd
	@scripts/deb.sh tool
deb-kernel: series
	@scripts/deb.sh kernel

patches: source
	@kernel-patches/regen.sh
format: series
	@scripts/format.sh
check: series
	@scripts/check.sh
clean:
	rm -rf $(addprefix $(O)/,bench bpftool bpfwd bpfwd-serve bpfwd.8 bpfwd.policy.5 build check corpus deb field field.json fuzz innocents \
		kill-everywhere.json libbpf linux.unpack log selftests stamps test-all test.json uapi unit verdicts vm vmlinux.h watchdog watchdog-san)
