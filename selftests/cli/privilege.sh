#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# No privilege: every command says so and exits with 3, and nothing is changed.
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
# shellcheck source-path=SCRIPTDIR source=tap.bash
. "$(dirname "${BASH_SOURCE[0]}")/tap.bash"

need setpriv
(( EUID == 0 )) || skip_all 'starts as root'
before=$(settings)
chmod 755 "$work"
# a copy, for the path to the tool may be closed to others
for program in "$BPFWD"{,-serve}; do install -m 755 "$program" "$work/bpfwd${program#"$BPFWD"}"; done
BPFWD=$work/bpfwd
tool=$BPFWD
unprivileged() { setpriv --reuid=65534 --regid=65534 --clear-groups "$tool" "$@"; }
BPFWD=unprivileged
bpfwd doctor
[[ $status == 126 || $status == 127 ]] && skip_all "nobody cannot run $tool"
plan 15

reason='run it as root'
patched || reason='no BPF watchdog'
expect ps 3 'needs CAP_SYS_ADMIN' ps
expect metrics 3 'needs CAP_SYS_ADMIN' metrics
expect top 3 'needs CAP_SYS_ADMIN' top
for command in 'enable --budget 20ms' disable 'set 1 --budget 1ms' 'kill 1' events 'events -F' 'serve --listen none' 'policy show' 'policy load' 'events --last denied'; do
	if [[ $command == disable ]] && patched && [[ $(<"$sysctls") == 0 ]]; then
		skip disable 'it is off'
		continue
	fi
	# serve measures on any kernel
	[[ $command != serve* ]] || want='run it as root'
	# shellcheck disable=SC2086 # words
	expect "${command// /-}" 3 "${want:-$reason}" $command
	want=''
done
bpfwd doctor
check doctor-names-it grep -q 'no CAP_SYS_ADMIN' <<<"$out"
check nothing-changed [ "$before" = "$(settings)" ]
