#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# enable, disable, status: units, --dry-run, --persist, all or nothing.
# shellcheck disable=SC2016 # programs for jq and bash, in single quotes
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
# shellcheck source-path=SCRIPTDIR source=tap.bash
. "$(dirname "${BASH_SOURCE[0]}")/tap.bash"

need jq
patched || skip_all 'this kernel has no watchdog'
keep_settings
plan 31

read_sysctl() { cat "$sysctls$1"; }

expect disable 0 '' disable
check is-off is "$(read_sysctl '')" 0
expect enable 0 '' enable --budget 12.5ms --period 2ms --quarantine 3
check says-it is "$out" 'watchdog on: budget 12.5ms, period 2ms, quarantine after 3 kills'
check sets-switch is "$(read_sysctl '')" 1
check sets-budget is "$(read_sysctl _budget_us)" 12500
check sets-period is "$(read_sysctl _period_us)" 2000
check sets-quarantine is "$(read_sysctl _quarantine)" 3
expect estimates 0 '' enable --slack 250 --min-budget 2ms
check sets-slack is "$(read_sysctl _slack_percent)" 250
check sets-min-budget is "$(read_sysctl _budget_min_us)" 2000
bpfwd status -j
check_json estimates-json '.[0] | .slack_percent == 250 and .min_budget_ns == 2000000'
expect user-budget 0 '' enable --user-budget 2s
check says-user-budget has "$out" 'budget 12.5ms, for user space 2s,'
check sets-user-budget is "$(read_sysctl _budget_user_us)" 2000000
bpfwd status
check status-user-budget grep -qx '  *2s for runs that user space waits for' <<<"$out"
expect again 0 '' enable
check keeps-the-rest is "$(read_sysctl _budget_us)" 12500
bpfwd status -j
check_json status '.[0] | .enabled and .budget_ns == 12500000 and .period_ns == 2000000
	and .quarantine_after == 3'
bpfwd status
check status-units grep -q '^budget  *12.5ms by default' <<<"$out"

expect release-all 0 '' set --release-all
check says-released is "$out" 'all programs in quarantine run again'
expect release-all-alone 2 'takes no program' set 1 --release-all

before=$(settings)
expect dry-run 0 '' enable --budget 1s --dry-run
check dry-run-says-it is "$out" \
	'would be: watchdog on: budget 1s, period 2ms, quarantine after 3 kills'
check dry-run-changes-nothing is "$(settings)" "$before"
bpfwd enable --budget 20ms -j
check_json enable-json '.[0] | .schema == "bpfwd.enable/1" and .budget_ns == 20000000'

# /etc of its own: the real one is not ours to write
etc() { # options of mount, bpfwd arguments...
	local options=$1
	shift
	unshare -m bash -c 'mkdir -p "$1" && mount -t tmpfs -o "$2" none /etc/sysctl.d || exit 9
		"$3" "${@:4}" || exit
		cp /etc/sysctl.d/* "$1"' -- "$work/etc" "$options" "$BPFWD" "$@" \
		>"$work/out" 2>"$work/err"
	status=$?
	out=$(<"$work/out") err=$(<"$work/err")
}
if [[ -d /etc/sysctl.d ]] && { etc rw status; [[ $status != 9 ]]; }; then
	etc rw enable --budget 30ms --persist
	check persist-writes grep -qx 'kernel.bpf_watchdog_budget_us = 30000' \
		"$work/etc/60-bpfwd.conf"
	check persist-one-file is "$(ls "$work/etc")" 60-bpfwd.conf
	before=$(settings)
	etc ro enable --budget 40ms --persist
	check persist-fails is "$status" 1
	check persist-failed-changes-nothing is "$(settings)" "$before"
else
	for name in writes one-file fails failed-changes-nothing; do
		skip "persist-$name" 'no mount namespace'
	done
fi
