#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# bash completion: what is offered is what is loaded now and what the tool tells.
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
# shellcheck source-path=SCRIPTDIR source=tap.bash
. "$(dirname "${BASH_SOURCE[0]}")/tap.bash"

need clang-19
(( EUID == 0 )) || skip_all 'loads programs'
need_bpftool
plan 12

printf '__attribute__((section("socket"), used)) int complete_me(void *ctx) { return 0; }\n' |
	clang-19 -g -O2 -target bpf -x c -c - -o "$work/one.bpf.o" || exit 1
pins=/sys/fs/bpf/cli_$$
"$bpftool" prog loadall "$work/one.bpf.o" $pins || exit 1
at_exit "[ ! -e $pins ] || rm -r $pins"
id=$("$BPFWD" ps complete_me -o csv -e id 2>/dev/null | tail -n 1)

# shellcheck source=/dev/null
. "$here/../../watchdog/dist/bpfwd.bash"
compopt() { :; }
offered() { # words..., the last one is being typed
	COMP_WORDS=(bpfwd "$@") COMP_CWORD=$#
	_bpfwd "$BPFWD"
	out=${COMPREPLY[*]} err='' status=0
}
is() { [[ $out == "$1" ]] || { echo "$out, expected $1"; return 1; }; }
has() { [[ " $out " == *" $1 "* ]] || { echo "no $1 in: $out"; return 1; }; }

offered ''
check commands has events
offered 'do'
check command is doctor
offered --col
check common-option is --color=
offered --color = ''
check values is 'auto always never'
offered ps compl
check live-name is complete_me
offered kill "$id"
check live-id is "$id"
offered set name ''
check name-only has complete_me
offered set tag ''
check tag has "$("$BPFWD" ps complete_me -o csv -e tag 2>/dev/null | tail -n 1)"
offered ps -e id,budg
check column is id,budget
offered top -s kil
check sort-column is 'kills kills-'
offered ps --schem
check option is --schema
rm -r $pins
offered kill compl
check gone-is-not-offered is ''
