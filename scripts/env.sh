#!/bin/bash
# What a result depends on, as a JSON object: kernel, series, configuration, CPU, TCG or KVM.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

build=${KERNEL:-$KSRC/.kernel/arch/x86/boot/bzImage}
build=${build%/arch/x86/boot/bzImage}
hash() { cat "$@" 2>/dev/null | sha256sum | cut -c1-16; }
accel=tcg
[[ ${ICOUNT:-0} == 1 ]] ||
	accel=$(O=$O KERNEL=$build/arch/x86/boot/bzImage "$repo/selftests/vm/accel.sh")
jq -n --arg kernel "$(cat "$build/include/config/kernel.release" 2>/dev/null || true)" \
	--arg series "$(tree_key "${build%/.*}" 2>/dev/null | cut -c1-16)" \
	--arg config "$(hash "$build/.config")" \
	--arg cpu "$(sed -n '/^model name/{s/.*: //p;q}' /proc/cpuinfo)" --argjson cpus "$(nproc)" \
	--arg accel "$accel" --argjson icount "$([[ ${ICOUNT:-0} == 1 ]] && echo true || echo false)" \
	--arg qemu "$(qemu-system-x86_64 --version | sed -n '1s/.*version //p')" \
	--arg compiler "$(gcc --version | head -n 1)" --arg commit "$(git -C "$repo" rev-parse --short=12 HEAD 2>/dev/null || true)" '
	def opt: if . == "" then null else . end;
	{ kernel: $kernel | opt, series: $series | opt, config: $config, cpu: $cpu, cpus: $cpus, accel: $accel,
	  icount: $icount, qemu: $qemu, compiler: $compiler, commit: $commit | opt }'
