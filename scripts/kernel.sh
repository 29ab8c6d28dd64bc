#!/bin/bash
# Build a kernel: kernel.sh kernel|demo|vanilla|debug|variants|off
#   kernel   patched, $O/linux/.kernel          vanilla  unpatched, $O/vanilla/.kernel
#   demo     patched, without what only the tests need, $O/linux/.demo
#   debug    patched, with checkers, $O/linux/.debug
#   variants patched, with mitigations and fault injection, $O/linux/.variants
#   off      patched, without CONFIG_BPF_WATCHDOG, $O/linux/.off: only what the series
#            touches, with W=1; no image
# Nothing is done if tree, configuration and compiler are what they were.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

what=${1:-kernel} tree=$KSRC out=.kernel
fragments=(test)
estimate='about 12 min on 2 cores, 2 min if ccache knows it'
case $what in
kernel) ;;
vanilla) tree=$VANILLA ;;
demo) out=.demo; fragments=()
	estimate='about 6 min on 2 cores, 1 min if ccache knows it' ;;
debug) out=.debug; fragments=(test debug)
	estimate='about 17 min on 2 cores, 3 min if ccache knows it' ;;
variants) out=.variants; fragments=(test variants) ;;
off) out=.off ;;
*) die "what is a kernel called $what?" ;;
esac
name=kernel
[[ $what == kernel ]] || name=kernel-$what
build=$tree/$out
mkdir -p "$build"
exec 8>"$build/.bpfwd-lock"
if ! flock -n 8; then
	say "$name: another make is building it, waiting"
	flock 8
fi

wanted=$build/.bpfwd-config
kernel_config ${fragments[@]+"${fragments[@]}"} |
	if [[ $what == vanilla || $what == off ]]; then grep -Ev '^CONFIG_(BPF_WATCHDOG|BPF_RUNTIME|LOCALVERSION)'; else cat; fi >"$wanted.new"
key=$({ tree_key "$tree"; cat "$wanted.new"; gcc --version | head -n 1; pahole --version; } |
	sha256sum | cut -d' ' -f1)
image=$build/arch/x86/boot/bzImage
results=("$image" "$build/vmlinux")
[[ $what != off ]] || results=("$build/kernel/bpf/core.o")
if fresh "$build/.bpfwd-key" "$key" "${results[@]}"; then
	say "$name: $(<"$build/include/config/kernel.release") is built already"
	exit 0
fi
mv "$wanted.new" "$wanted"
rm -f "$build/.bpfwd-key"

configure() {
	local line symbol missing=()
	declare -A want=()
	make -C "$tree" O="$out" KCONFIG_ALLCONFIG="$wanted" allnoconfig || return 1
	while read -r line; do
		case $line in
		CONFIG_*=*) symbol=${line%%=*} ;;
		'# CONFIG_'*' is not set') symbol=${line#'# '} symbol=${symbol%% *} ;;
		*) continue ;;
		esac
		want[$symbol]=$line
	done <"$wanted"
	for symbol in "${!want[@]}"; do
		line=${want[$symbol]}
		grep -qxF "$line" "$build/.config" && continue
		[[ $line == *'=n' || $line == '#'* ]] && ! grep -q "^$symbol=" "$build/.config" && continue
		missing+=("$line")
	done
	(( ! ${#missing[@]} )) || {
		echo 'wanted, but not in .config after allnoconfig (renamed, or a dependency is off):'
		printf '  %s\n' "${missing[@]}" | sort
		return 1
	}
}
kernel_env
touched() { # objects of this configuration
	local log=$O/log/$name.log objects
	mapfile -t objects < <(git -C "$tree" diff --name-only base -- '*.c' |
		grep -Ev '^(tools|Documentation)/|/runtime/|bpf_watchdog' |
		sed -E 's,sched/(ext|cputime)\.c$,sched/build_policy.c,; s/c$/o/' | sort -u)
	make -C "$tree" O="$out" -j"$jobs" W=1 kernel/bpf/ arch/x86/net/ "${objects[@]}" || return 1
	! grep -E '^[^ ]+:[0-9]+:[0-9]+: warning:' "$log"
}
logged "$name-config" 'configuring' configure
if [[ $what == off ]]; then
	logged "$name" 'what the series touches, without the option' touched
else
	logged "$name" "building, $estimate" make -C "$tree" O="$out" -j"$jobs" bzImage modules
fi
echo "$key" >"$build/.bpfwd-key"
