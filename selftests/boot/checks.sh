#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# What holds after a boot by systemd, with policies that stand on call graphs; see init.sh.
#   checks.sh FOLDER MODULE
# shellcheck disable=SC2016 # for eval
folder=$1 module=$2
read -r boot <"$folder/boot"
suite=boot_$boot BPFWD=/usr/sbin/bpfwd
# shellcheck source-path=SCRIPTDIR source=../cli/tap.bash
. "$(dirname "${BASH_SOURCE[0]}")/../cli/tap.bash"

property() { systemctl show -P "$1" "${2:-bpfwd.service}"; }
journal() { journalctl -q -b -o cat -u bpfwd.service; }
said() { journal | grep -q -- "$1"; }
serves() { curl -sf --max-time 60 http://127.0.0.1:19612/metrics >"$work/metrics"; }
sample() { serves && sed -n "s/^$1 //p" "$work/metrics"; }
failed_is() { is "$(sample bpfwd_policy_load_failed)" "$1"; }
has_policy() { "$BPFWD" policy show | grep -q "$1"; }
nanoseconds() { property "$1" "$2"; }

if (( boot == 1 )); then plan 17; else plan 15; fi
check active is "$(property ActiveState) $(property ActiveState bpfwd.socket)" 'active active'
check no-circle eval '! journalctl -q -b -o cat _PID=1 | grep -i "ordering cycle"'
check before-the-network [ "$(nanoseconds ActiveEnterTimestampMonotonic bpfwd.service)" -le \
	"$(nanoseconds ActiveEnterTimestampMonotonic network-pre.target)" ]
check before-sysinit [ "$(nanoseconds ActiveEnterTimestampMonotonic bpfwd.service)" -le \
	"$(nanoseconds ActiveEnterTimestampMonotonic sysinit.target)" ]
check serves serves
check by-the-socket said 'metrics on http://127.0.0.1:19612/metrics'
capabilities=$(sed -n 's/^CapPrm:[[:space:]]*//p' "/proc/$(property MainPID)/status")
check gives-up-raw-io is $(( 0x$capabilities >> 17 & 1 )) 0
check no-devices eval '! nsenter -t "$(property MainPID)" -m dd if=/dev/vport0p1 count=0 2>/dev/null ||
	is "$(property DevicePolicy)" closed'

if (( boot == 1 )); then
	# the module that one of them is about is not there: the others are in force, and it is said
	check fails-alone failed_is 0
	check files is "$(sample bpfwd_policy_files)" 3
	check says-why said '20-late.yaml.*no function bpf_test_modorder_retx, nor another root'
	check others has_policy read-path
	check not-yet eval '! has_policy module'
	# it comes: all of them are in force, by nobody's doing
	insmod "$module"
	check follows-modules until_true 120 has_policy module
	check reads-memory said 'call graphs from /proc/kcore'
	check counts-again until_true 60 failed_is 0
	check is-kept [ -s "$(echo /var/cache/bpfwd/callgraph-*-modules)" ]
else
	check in-force has_policy read-path
	check all-are-in-force has_policy module
	check reads-what-was-kept said 'call graphs from /var/cache/.*(cached)'
	# one that is bad takes nothing away
	echo nonsense: >/etc/bpfwd/policy.d/30-bad.yaml
	systemctl restart bpfwd.service
	check starts-with-a-bad-one is "$? $(property ActiveState)" '0 active'
	check bad-one-counts failed_is 1
	check policy-stays eval 'has_policy read-path && said "the policy stays as it was: .*30-bad.yaml:1:1"'
	rm /etc/bpfwd/policy.d/30-bad.yaml
	systemctl reload bpfwd.service
	check reload-mends until_true 60 failed_is 0
fi
echo 0 >"$folder/.status"
tar -C /run/disk --exclude=./var/log --exclude=./tmp --exclude=./run -cf "$folder/disk.tar.new" . &&
	mv "$folder/disk.tar.new" "$folder/disk.tar"
