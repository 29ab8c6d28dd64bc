#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The package and its unit under a real systemd, in a file system and a PID namespace of its
# own: installed, started, restarted when it dies, reloaded, stopped, removed.
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
# shellcheck source-path=SCRIPTDIR source=tap.bash
. "$(dirname "${BASH_SOURCE[0]}")/tap.bash"

systemd=/lib/systemd/systemd
need unshare nsenter dpkg curl jq systemctl journalctl
[[ -x $systemd ]] || skip_all 'systemd is not installed'
patched || skip_all 'this kernel has no watchdog'
package=$(ls "$O"/deb/bpfwd_*.deb 2>/dev/null) || skip_all 'no package: make deb'
keep_settings
find_spin
plan 18

# What is written stays in memory; /run, /tmp and the like of the guest are not in it.
root=/run/systemd-root
mkdir -p $root
mount -t tmpfs -o mode=755 root $root
at_exit "umount -R -l $root"
mkdir $root/upper $root/work $root/all
mount -t overlay -o "lowerdir=/,upperdir=$root/upper,workdir=$root/work" overlay $root/all || exit 1
root+=/all
mount -t tmpfs run $root/run
mount -t tmpfs -o mode=1777 tmp $root/tmp

# before it runs: nothing is started by the package itself
cp "$package" $root/tmp/bpfwd.deb
chroot $root dpkg --install --force-depends /tmp/bpfwd.deb >"$work/dpkg" 2>&1
check installs is $? 0
check brings-policy test -s $root/etc/bpfwd/policy.d/00-monitor.yaml
mkdir -p $root/etc/systemd/system
cat >$root/etc/systemd/system/selftest.target <<'END'
[Unit]
Wants=bpfwd.service systemd-journald.service systemd-sysctl.service
DefaultDependencies=no
END
# nothing but what the test is about: no login, devices or network
for unit in systemd-{udevd,udev-trigger,logind,networkd,resolved,timesyncd,hwdb-update,sysusers}.service \
	getty.target dev-hugepages.mount dev-mqueue.mount; do
	ln -sf /dev/null "$root/etc/systemd/system/$unit"
done
mkdir -p $root/etc/sysctl.d

# systemd attaches programs to its cgroups, which are to go with it
cgroups() { find /sys/fs/cgroup -mindepth 1 -type d | sort; }
before=$(cgroups)
# shellcheck disable=SC2016 # for the shell in there
unshare --pid --fork --mount --uts --cgroup --kill-child bash -c '
	mount -t proc proc $0/proc
	mount --rbind /sys $0/sys
	mount --rbind /dev $0/dev
	exec chroot $0 env -i container=selftest PATH=$PATH '$systemd' --unit=selftest.target \
		--log-target=journal --show-status=no' $root </dev/null >"$work/systemd.log" 2>&1 &
unshare=$!
gone() {
	local n
	kill -KILL $unshare
	for ((n = 0; n < 50; n++)); do
		comm -13 <(echo "$before") <(cgroups) | sort -r | xargs -r rmdir && [[ $(cgroups) == "$before" ]] && return
		sleep 0.1
	done
}
at_exit gone
until_true 20 pgrep -P $unshare >"$work/pid" || { sed 's/^/# /' "$work/systemd.log"; exit 1; }
manager=$(pgrep -P $unshare)
inside() { nsenter -t "$manager" -p -m -u -C -r -w -- "$@"; }
property() { inside systemctl show -P "$1" bpfwd.service; }
is_active() { [[ $(property ActiveState) == active ]]; }
serves() { curl -sf --max-time 5 http://127.0.0.1:19612/metrics >"$work/metrics"; }
journal() { inside journalctl -q -u bpfwd.service -o json; }

# start: Type=notify says when it is ready
check active until_true 60 is_active
check by-notify is "$(property Type) $(property NotifyAccess)" 'notify main'
check status grep -q '^watchdog ' <<<"$(property StatusText)"
check serves until_true 20 serves
bpfwd policy show
check loads-policy has "$out" monitor
check no-more-rights is "$(inside sed -n 's/^NoNewPrivs:[[:space:]]*//p' "/proc/$(property ExecMainPID)/status")" 1

# what is persistent comes back by systemd-sysctl
inside bpfwd enable --budget 20ms --quarantine 0 --persist >/dev/null
echo 0 >$sysctls
inside systemctl restart systemd-sysctl.service
check persists is "$(<$sysctls) $(<${sysctls}_budget_us)" '1 20000'

# a stall is in the journal, with its fields
pins=/sys/fs/bpf/cli_$$
"$(dirname "$BPFWD")/bpftool" prog loadall "$spin" $pins autoattach || exit 1
at_exit "rm -r $pins"
taskset -c 1 cat /proc/version >/dev/null
killed() { journal | jq -es 'any(.EVENT == "terminated" and .PROG_NAME == "spin_vfs_read")'; }
check in-the-journal until_true 30 killed
rm -r $pins

# it comes back when it dies, and the policy stays in force meanwhile
pid=$(property ExecMainPID)
inside systemctl kill -s KILL bpfwd.service
again() { is_active && [[ $(property ExecMainPID) != "$pid" ]]; }
check restarts until_true 30 again
check counts-restart is "$(property NRestarts)" 1
bpfwd policy show
check policy-stays has "$out" monitor

# reload: a new file takes effect
sed 's/^name: .*/name: site/' $root/etc/bpfwd/policy.d/00-monitor.yaml >$root/etc/bpfwd/policy.d/10-site.yaml
inside systemctl reload bpfwd.service
reloaded() { bpfwd policy show; [[ $out == *site* ]]; }
check reloads until_true 30 reloaded

# stop, remove
inside systemctl stop bpfwd.service
check stops is "$(property ActiveState) $(property Result)" 'inactive success'
check stopped-listening eval '! serves'
inside dpkg --purge bpfwd >"$work/dpkg" 2>&1
check removes is $? 0
# shellcheck disable=SC2016 # for eval
check leaves-nothing eval '! ls -d $root/usr/sbin/bpfwd $root/usr/lib/systemd/system/bpfwd.service $root/etc/bpfwd 2>/dev/null'
"$BPFWD" policy unload >/dev/null 2>&1
true
