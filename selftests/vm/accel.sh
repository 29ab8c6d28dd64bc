#!/bin/bash
# Prints "kvm" if QEMU can boot KERNEL with it, else "tcg".
#
# That /dev/kvm can be opened is not enough: nested virtualization may lack registers
# that QEMU insists on, or never get through the boot. So a kernel is booted, once per
# kernel start of the host; without a root it panics at once, which ends QEMU.
#   O, KERNEL, QEMU as for run.sh; KVM=0: tcg, KVM=1: believe that it works
set -uo pipefail

if [[ ${KVM:-} == 0 || ! -r /dev/kvm || ! -w /dev/kvm ]]; then
	echo tcg
	exit 0
fi
if [[ ${KVM:-} == 1 ]]; then
	echo kvm
	exit 0
fi
: "${O:?}" "${KERNEL:?}"
qemu=${QEMU:-qemu-system-x86_64}
stamp=$O/vm/accel
key="$(</proc/sys/kernel/random/boot_id) $("$qemu" --version | sed -n 1p)"

mkdir -p "$O/vm"
exec 8>"$stamp.lock"
flock 8
{ read -r known && read -r accel; } 2>/dev/null <"$stamp" || known=''
if [[ $known != "$key" ]]; then
	accel=kvm
	timeout --kill-after=1 15 "$qemu" -M q35 -m 512M -accel kvm -cpu host -nodefaults -display none \
		-no-user-config -no-reboot -kernel "$KERNEL" -append 'panic=-1' \
		</dev/null >"$O/vm/accel.log" 2>&1 || accel=tcg
	printf '%s\n%s\n' "$key" "$accel" >"$stamp"
fi
echo "$accel"
