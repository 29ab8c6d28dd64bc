#!/bin/bash
# A small set of tests under each way in which a kernel may be configured or booted:
# preemption, oopses that are not fatal, blinding of constants, retpolines, call depth tracking, compiled for IBT,
# CPUs that are isolated.
#   test-variants.sh [GLOB of variants]    TESTS="globs of tests"
# The last line is "N variants passed, N failed".
set -euo pipefail
. "$(dirname "$0")/lib.sh"

glob=${1:-*}
runner=$O/selftests/runner
normal=$KBUILD/arch/x86/boot/bzImage
variants=$KSRC/.variants/arch/x86/boot/bzImage
tests=${TESTS:-stall_loop stall_goto stall_tail stall_hold nested context_trace context_nmi both_cpus}
passed=0 failed=0

# Name, kernel, what must be true in the guest, boot options, command before the tests.
variant() {
	local name=$1 kernel=$2 condition=$3 options=$4 before=${5:-true} cmd t try rc
	# shellcheck disable=SC2053 # it is a glob
	[[ $name == $glob ]] || return 0
	say "variant $name: $options"
	cmd="set -e; $condition || { echo 'not in effect: $name'; exit 1; }; $before; rc=0;"
	for t in $tests; do cmd+=" $runner -t '$t' || rc=1;"; done
	for try in 1 2; do
		rc=0
		APPEND=$options KERNEL=$kernel TIMEOUT=900 "$repo/selftests/vm/run.sh" "$cmd exit \$rc" || rc=$?
		# QEMU before 8.1, see trace_start() in selftests/harness/test_util.c: not the kernel's fault.
		if (( try == 1 && rc == 255 )) && grep -q '^Oops: int3' "$O/vm/console.log" &&
		   ! grep -q '^Code:.* cc <' "$O/vm/console.log"; then
			echo "# $name: the emulator ran into code that was being patched; once more"
		else
			break
		fi
	done
	if (( !rc )); then
		passed=$((passed + 1))
		echo "ok - variant/$name"
	else
		failed=$((failed + 1))
		echo "not ok - variant/$name"
	fi
}
preempt() { echo "grep -q '($1)' /sys/kernel/debug/sched/preempt"; }
vulnerability() { echo "grep -qi '$2' /sys/devices/system/cpu/vulnerabilities/$1"; }

for p in none voluntary full; do
	variant "preempt_$p" "$normal" "$(preempt $p)" "preempt=$p"
done
# An oops ends the task, not the machine; what is freed is overwritten.
usual=$tests tests='gone nested'
variant oops "$normal" 'grep -qx 0 /proc/sys/kernel/panic_on_oops' 'sysctl.kernel.panic_on_oops=0 slub_debug=P'
tests=$usual
variant blinding "$normal" true '' 'echo 2 >/proc/sys/net/core/bpf_jit_harden'

"$repo/scripts/kernel.sh" variants
# Compiled for IBT; QEMU before 9 has no CPU with it, so it is off.
variant ibt_compiled "$variants" true ''
variant retpoline "$variants" "$(vulnerability spectre_v2 retpoline)" 'spectre_v2=retpoline'
# Call depth tracking is for the Skylake family only.
KVM=0 CPU=max,vendor=GenuineIntel,family=6,model=94,stepping=3 \
	variant call_depth "$variants" "$(vulnerability retbleed stuffing)" 'spectre_v2=retpoline retbleed=stuff'

# Who watches whom, with more CPUs than two, of which some are to be left alone.
usual=$tests tests='buddy storm/hotplug both_cpus'
SMP=4 variant isolated "$variants" "grep -qx 1-2 /sys/devices/system/cpu/isolated" 'isolcpus=1,2'
tests=$usual

# The frame pointer unwinder: there is no watchdog, and configuring says so.
# shellcheck disable=SC2053 # it is a glob
if [[ frame_pointer == $glob ]]; then
	build=$O/build/frame_pointer
	mkdir -p "$build"
	{ kernel_config test
	  printf 'CONFIG_UNWINDER_FRAME_POINTER=y\n# CONFIG_UNWINDER_ORC is not set\n'; } |
		grep -v '^CONFIG_UNWINDER_ORC=y' >"$build/wanted"
	kernel_env
	make -s -C "$KSRC" O="$build" KCONFIG_ALLCONFIG="$build/wanted" allnoconfig >"$O/log/frame-pointer.log" 2>&1
	if grep -q '^CONFIG_UNWINDER_FRAME_POINTER=y' "$build/.config" && ! grep -q '^CONFIG_BPF_WATCHDOG=y' "$build/.config"; then
		passed=$((passed + 1))
		echo 'ok - variant/frame_pointer # refused by Kconfig'
	else
		failed=$((failed + 1))
		echo 'not ok - variant/frame_pointer'
	fi
fi

echo "$passed variants passed, $failed failed"
(( !failed && passed ))
