#!/bin/bash
# Stamps of a result, as `# key: value` lines.
#
#   bench/env.sh host            what was built, from what, and the emulator
#   bench/env.sh guest LABEL     what runs: kernel, configuration, processor
#
# Results are comparable only under the same stamps; `bench --compare` refuses
# to compare across another processor, clock or emulator.
set -euo pipefail

repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)

stamp() { printf '# %s: %s\n' "$1" "${2:-unknown}"; }
sha() { sha256sum | cut -c1-16; }

# the patches in the order in which they apply
series_hash() {
	local dir=$repo/kernel-patches/${KVER:-6.12}
	[[ -r $dir/series ]] || return 0
	grep -v '^[[:space:]]*\(#\|$\)' "$dir/series" | while read -r p _; do
		cat "$dir/$p" || true
	done | sha
}

# TCG and KVM name themselves in CPUID; /proc/cpuinfo shows the model of both
virt() {
	if [[ ${BPFWD_VM_ICOUNT:-0} != 0 ]]; then
		echo TCG
	elif grep -qi 'TCG' /proc/cpuinfo; then
		echo TCG
	elif grep -qw hypervisor /proc/cpuinfo; then
		echo KVM
	else
		echo 'bare metal'
	fi
}

case ${1:-} in
host)
	stamp benchmark "${2:-}"
	stamp date "$(date -u +%Y-%m-%dT%H:%MZ)"
	stamp commit "$(git -C "$repo" describe --always --dirty 2>/dev/null || true)"
	stamp series "$(series_hash)"
	stamp qemu "$("${QEMU:-qemu-system-x86_64}" --version | sed -n 's/.*version \([^ ]*\).*/\1/p')"
	stamp host_cpu "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n1), $(nproc) CPUs"
	;;
guest)
	of=${2:?LABEL}
	of=_$of of=${of#_patched}	# the patched kernel is the one that the keys mean
	stamp "kernel$of" "$(uname -r) $(uname -v)"
	stamp "config$of" "$(zcat /proc/config.gz 2>/dev/null | grep -v '^#' | sha)"
	stamp cpu "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n1)"
	stamp virt "$(virt)"
	stamp icount "$([[ ${BPFWD_VM_ICOUNT:-0} != 0 ]] && echo true || echo false)"
	stamp clocksource "$(cat /sys/devices/system/clocksource/clocksource0/current_clocksource)"
	stamp mitigations "$(grep -q mitigations=off /proc/cmdline && echo off || \
		cat /sys/devices/system/cpu/vulnerabilities/spectre_v2 2>/dev/null || echo 'none built')"
	stamp governor "$(cat /sys/devices/system/cpu/cpu0/cpufreq/scaling_governor 2>/dev/null || echo none)"
	;;
*)
	echo "usage: env.sh host NAME | env.sh guest LABEL" >&2
	exit 2
	;;
esac
