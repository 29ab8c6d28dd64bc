#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A kernel without the watchdog: every command says what is missing and exits with 3.
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
# shellcheck source-path=SCRIPTDIR source=tap.bash
. "$(dirname "${BASH_SOURCE[0]}")/tap.bash"

patched && skip_all 'this kernel has the watchdog'
plan 17

for command in status enable disable 'set 1 --budget 1ms' 'kill 1' events 'events -F' serve; do
	# shellcheck disable=SC2086 # words
	expect "${command// /-}" 3 'no BPF watchdog' $command
done
expect ps 3 '/proc/sys/kernel/bpf_watchdog is missing' ps
check ps-prints-what-it-can grep -q '^ID  *NAME  *HOOK' <<<"$out"
expect metrics 3 'no BPF watchdog' metrics
check metrics-says-it grep -qx 'bpfwd_watchdog_enabled 0' <<<"$out"
check metrics-unknown-is-absent [ -z "$(grep -E '^bpfwd_(watchdog_budget|program_budget)' <<<"$out")" ]
expect doctor 3 '' doctor
check doctor-names-it grep -q '^watchdog  *no: not in this kernel' <<<"$out"
expect enable-dry-run 3 'no BPF watchdog' enable --dry-run
expect calibrate-kernel 3 'this kernel makes no estimates' calibrate show kernel
