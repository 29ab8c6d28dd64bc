#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# top: keys, the terminal afterwards, and plain blocks off a terminal.
# shellcheck disable=SC2016 # programs for jq and bash, in single quotes
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
# shellcheck source-path=SCRIPTDIR source=tap.bash
. "$(dirname "${BASH_SOURCE[0]}")/tap.bash"

need jq python3 clang-19
patched || skip_all 'this kernel has no watchdog'
bpftool=${BPFTOOL:-$(dirname "$BPFWD")/bpftool}
[[ -x $bpftool ]] || skip_all "no bpftool at $bpftool"
infocmp -x xterm >/dev/null 2>&1 || skip_all 'no terminfo of xterm'
keep_settings
plan 30


for name in apple_program berry_program; do
	printf '__attribute__((section("socket"), used)) int %s(void *ctx) { return 0; }\n' $name
done | clang-19 -g -O2 -target bpf -x c -c - -o "$work/two.bpf.o" || exit 1
pins=/sys/fs/bpf/cli_$$
"$BPFWD" enable --budget 20ms >/dev/null
"$bpftool" prog loadall "$work/two.bpf.o" $pins || exit 1
at_exit "rm -r $pins"
apple=$("$BPFWD" ps apple_program -o csv -e id | tail -n 1)

# off a terminal
"$BPFWD" top -d 0.2 >"$work/blocks" 2>"$work/err" &
top=$!
for _ in {1..100}; do
	(( $(grep -c '^ *ID ' "$work/blocks") >= 2 )) && break
	sleep 0.1
done
kill -TERM $top
wait $top
check blocks-status is $? 0
check blocks-repeat [ "$(grep -c '^ *ID  *NAME  *HOOK' "$work/blocks")" -ge 2 ]
check blocks-have-the-time grep -Eqx '[0-9]{2}:[0-9]{2}:[0-9]{2}' "$work/blocks"
check blocks-are-plain [ -z "$(tr -d '\n' <"$work/blocks" | grep -P '[^\x20-\x7e]')" ]
"$BPFWD" top -d 0.2 -j 2>/dev/null | head -n 2 >"$work/docs"
check blocks-json jq -es 'length == 2 and all(.schema == "bpfwd.ps/1" and (.programs | length) == 2)' "$work/docs"

# on one: every step sends keys and waits for a text; the script says what it saw
on_tty() { # signal or - to leave with q, options --, steps...
	python3 "$here/pty_drive.py" "$work/screen" "$1" "$BPFWD" top "${@:2}" \
		>"$work/out" 2>"$work/err"
	status=$?
	out=$(<"$work/out") err=$(<"$work/err")
}
on_tty - -d 60 -- '=watchdog on, budget 20ms, 2 programs, 0 kills' '=apple_program' \
	'sname\n=apple_program' 'fberry*\n=bpfwd top' \
	'sno_such_column\n=no column .no_such_column.' \
	'f\n=apple_program' 'sname\n=apple_program' 'gK=end the runs of '"$apple"' apple_program' \
	'n\n=nothing was ended' 'j=q quit' 'k=q quit' \
	'Ky\n=cannot end the invocations of program '"$apple"' apple_program: it cannot be terminated'
check keys is "$status" 0
for step in 1 2 3 4 5 6 7 8 9 10 11 12; do
	check "step-$step" grep -qx "step $step: ok" "$work/out"
done
# the screen as it was last drawn after the filter: no other program
check filter-hides is "$(sed -n 's/^screen 4 has apple_program: //p' "$work/out")" no
check leaves-with-0 grep -qx 'exit 0' "$work/out"
check terminal-is-back grep -qx 'termios same' "$work/out"
check screen-is-back grep -qx 'alternate screen left' "$work/out"
# ends a run that is under way
find_spin
"$bpftool" prog loadall "$spin" ${pins}_spin autoattach || exit 1
at_exit "rm -r ${pins}_spin"
terminable=$("$BPFWD" ps spin_vfs_read -o csv -e terminable | tail -n 1)
[[ $terminable == @(yes|conditional) ]] || { echo "# spin_vfs_read is $terminable"; exit 1; }
# a budget that leaves the time to do it, on the other CPU
taskset -pc 0 $$ >/dev/null
"$BPFWD" set spin_vfs_read --budget 10s >/dev/null
timeout 100 taskset -c 1 cat /proc/version >/dev/null &
sleep 0.5
on_tty - -d 60 spin_vfs_read -- 'gKy\n=told [0-9]+ spin_vfs_read to end what runs'
check told-to-end grep -qx 'step 1: ok' "$work/out"
# the reads that come next stall as well
"$BPFWD" set spin_vfs_read --budget default >/dev/null
"$BPFWD" kill spin_vfs_read >/dev/null
wait
bpfwd events -j
check_json is-ended-by-request 'any(.event == "terminated" and .reason == "request" and .prog.name == "spin_vfs_read")'

for signal in TERM ABRT; do
	on_tty $signal -d 60 -- '=apple_program'
	check "terminal-is-back-after-$signal" is \
		"$(grep -Ex 'termios same|alternate screen left' "$work/out" | sort | tr '\n' ' ')" \
		'alternate screen left termios same '
done

# bad input
expect delay-too-short 2 'at least 100ms' top -d 0.01
expect delay-garbage 2 EINVAL top -d soon
expect column 2 "no column 'colour'" top -e colour
expect no-such-program 5 ENOENT top -d 0.2 id 4294967295
