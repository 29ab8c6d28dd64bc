#!/bin/bash
# The disk of the first boot: the package, installed and enabled, and what the test needs.
#   disk.sh PACKAGE MODULE FOLDER     FOLDER gets disk.tar, and later what checks.sh says
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
package=$1 module=$2 folder=$3
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

chmod 755 "$root"
dpkg-deb -x "$package" "$root"
units=$root/etc/systemd/system
mkdir -p "$units/bpfwd.service.d" "$root/var/cache"
cp "$here"/*.yaml "$root/etc/bpfwd/policy.d/"
systemctl --root="$root" enable bpfwd.service bpfwd.socket 2>&1
# nothing but what the test is about: no login, devices and network of the host
for unit in systemd-{udevd,udev-trigger,logind,networkd,resolved,timesyncd,hwdb-update,sysusers,firstboot}.service \
	systemd-udevd-{control,kernel}.socket getty.target dev-hugepages.mount dev-mqueue.mount \
	dbus.socket dbus.service; do
	ln -sf /dev/null "$units/$unit"
done
# and of what the host itself starts there
cat >"$units/site.target" <<END
[Unit]
Requires=basic.target
After=basic.target
Wants=bpfwd.service site-network.service site-test.service
AllowIsolate=yes
END
# as cloud-init is: it is over before sysinit.target
cat >"$units/site-network.service" <<END
[Unit]
DefaultDependencies=no
Wants=network-pre.target
After=network-pre.target
Before=sysinit.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/true
END
cat >"$units/site-test.service" <<END
[Unit]
After=bpfwd.service
[Service]
Type=oneshot
TimeoutStartSec=infinity
Environment=BPFWD_SCRATCH=$folder LC_ALL=C.UTF-8
ExecStart=/bin/bash $here/checks.sh $folder $module
StandardOutput=append:$folder/results
StandardError=append:$folder/errors
ExecStopPost=/bin/systemctl --no-block reboot
END
# When the machine goes down it must be stopped, not killed; and then that is all.
cat >"$units/bpfwd.service.d/site.conf" <<END
[Unit]
RequiresMountsFor=$folder
[Service]
# an emulator takes its time to read the kernel's code
TimeoutStartSec=infinity
WatchdogSec=30min
ExecStopPost=+/bin/sh -c 'echo \$SERVICE_RESULT >$folder/stopped; [ ! -e $folder/.status ] || echo b >/proc/sysrq-trigger'
END
tar --owner=0 --group=0 -C "$root" -cf "$folder/disk.tar" .
