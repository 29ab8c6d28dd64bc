#!/bin/bash
# PID 1 of a VM that boots systemd, for scripts/test-boot.sh: the host's files with a layer
# on top that is kept in a tar file from boot to boot, as a disk would.
#   init.sh DISK.tar
set -u
disk=$1
give_up() {
	echo "init: $*"
	echo 1 >"$BPFWD_SCRATCH/.status"
	sync
	echo b >/proc/sysrq-trigger
	sleep 60
}

mkdir /run/boot
mount -t tmpfs -o mode=755 boot /run/boot
mkdir /run/boot/{upper,work,root}
root=/run/boot/root
tar -C /run/boot/upper -xf "$disk" || give_up 'no disk'
mount -t overlay -o lowerdir=/,upperdir=/run/boot/upper,workdir=/run/boot/work overlay $root || give_up 'no overlay'
mount -t tmpfs -o mode=755 run $root/run
for f in tmp proc sys dev; do mount --rbind /$f $root/$f; done
repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
for f in "$repo" "$O" "$BPFWD_SCRATCH"; do
	[[ $f == /tmp/* ]] || { mkdir -p "$root$f" && mount --rbind "$f" "$root$f"; }
done
# what is to be kept
mkdir $root/run/disk
mount --bind /run/boot/upper $root/run/disk
# a container has other units
rm -f $root/.dockerenv $root/run/.containerenv
exec chroot $root /lib/systemd/systemd --unit=site.target --show-status=no --log-target=journal
