#!/bin/bash
# Build a kernel: kernel.sh kernel|vanilla|debug|variants
#   kernel   patched, $O/linux/.kernel          vanilla  unpatched, $O/vanilla/.kernel
#   debug    patched, with checkers, $O/linux/.debug
#   variants patched, with mitigations and fault injection, $O/linux/.variants
# Nothing is done if tree, configuration and compiler are what they were.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

patches=$repo/kernel-patches
what=${1:-kernel} tree=$KSRC out=.kernel
fragments=("$patches/config.vm" "$patches/config")
estimate='about 12 min on 2 cores, 2 min if ccache knows it'
case $what in
kernel) ;;
vanilla) tree=$VANILLA ;;
debug) out=.debug; fragments+=("$patches/config.debug")
	estimate='about 17 min on 2 cores, 3 min if ccache knows it' ;;
variants) out=.variants; fragments+=("$patches/config.variants") ;;
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
cat "${fragments[@]}" |
	if [[ $what == vanilla ]]; then grep -Ev '^CONFIG_(BPF_WATCHDOG|LOCALVERSION)'; else cat; fi >"$wanted.new"
key=$({ tree_key "$tree"; cat "$wanted.new"; gcc --version | head -n 1; pahole --version; } |
	sha256sum | cut -d' ' -f1)
image=$build/arch/x86/boot/bzImage
if fresh "$build/.bpfwd-key" "$key" "$image" "$build/vmlinux"; then
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
logged "$name-config" 'configuring' configure
logged "$name" "building, $estimate" make -C "$tree" O="$out" -j"$jobs" bzImage modules
echo "$key" >"$build/.bpfwd-key"
