#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# top: each key, sizes, the terminal afterwards, and plain blocks off a terminal.
# shellcheck disable=SC2016 # programs for jq and bash, in single quotes
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
# shellcheck source-path=SCRIPTDIR source=tap.bash
. "$(dirname "${BASH_SOURCE[0]}")/tap.bash"

need jq python3 clang-19
need_bpftool
infocmp -x xterm >/dev/null 2>&1 || skip_all 'no terminfo of xterm'
keep_settings
plan 111

# Two programs: one runs at each read, one never. The columns are the same on any kernel.
printf '%s\n' '__attribute__((section("kprobe/vfs_read"), used)) int apple_program(void *ctx) { return 0; }' \
	'__attribute__((section("socket"), used)) int berry_program(void *ctx) { return 0; }' \
	'__attribute__((section("license"), used)) char gpl[] = "GPL";' |
	clang-19 -g -O2 -target bpf -x c -c - -o "$work/two.bpf.o" || exit 1
pins=/sys/fs/bpf/cli_$$
if patched; then "$BPFWD" enable --budget 20ms >/dev/null; fi
"$bpftool" prog loadall "$work/two.bpf.o" $pins autoattach 2>/dev/null || exit 1
at_exit "rm -r $pins"
( exec >/dev/null; while :; do cat /proc/version; sleep 0.2; done ) &
reader=$!
at_exit "kill $reader"
apple=$("$BPFWD" ps apple_program -o csv -e id | tail -n 1)
columns=id,name,hook,avg,runs,rate,cpu%,insns,verified,jited,type,tag

# off a terminal
"$BPFWD" top -d 0.2 >"$work/blocks" 2>"$work/err" &
top=$!
two_blocks() { [ "$(grep -c '^ *ID  *NAME  *HOOK' "$work/blocks")" -ge 2 ]; }
check blocks-repeat until_true 60 two_blocks
kill -TERM $top
wait $top
check blocks-status is $? 0
check blocks-have-the-time grep -Eqx '[0-9]{2}:[0-9]{2}:[0-9]{2}' "$work/blocks"
check blocks-are-plain [ -z "$(tr -d '\n' <"$work/blocks" | grep -P '[^\x20-\x7e]')" ]
"$BPFWD" top -d 0.2 -j 2>/dev/null | head -n 2 >"$work/docs"
check blocks-json jq -es 'length == 2 and all(.schema == "bpfwd.ps/1" and (.programs | length) == 2)' "$work/docs"

# on one: each step sends keys and waits until the screen is as it says
play() { # name, signal or - to leave with q, options --, and of each step its name and the step
	local name=$1 signal=$2 options=() names=() steps=() n
	shift 2
	while [[ $1 != -- ]]; do options+=("$1"); shift; done
	shift
	while (( $# )); do names+=("$1") steps+=("$2"); shift 2; done
	python3 -B "$here/pty_drive.py" "$work/screen" "$signal" "$BPFWD" top "${options[@]}" -- "${steps[@]}" \
		>"$work/out" 2>"$work/err"
	status=$?
	out=$(<"$work/out") err=$(<"$work/err")
	for ((n = 0; n < ${#names[@]}; n++)); do
		check "$name-${names[n]}" grep -qx "step $(( n + 1 )): ok" "$work/out"
	done
}
terminal_is_back() { # name
	check "$1-terminal-is-back" is "$(grep -Ex 'termios same|alternate screen left' "$work/out" | sort | tr '\n' ' ')" \
		'alternate screen left termios same '
}

apple_first='apple_program(.|\n)*berry_program' berry_first='berry_program(.|\n)*apple_program'
play keys - -d 60 -e $columns -- \
	state '=2 programs' \
	s "sname\\n=$apple_first" r "r=$berry_first" r-again "r=$apple_first" \
	gt '>=sort: hook ' gt-number '>=sort: avg-' lt '<=sort: hook ' lt-text '<=sort: name ' \
	lt-wraps '<<=sort: tag ' gt-wraps '>=sort: id-' \
	s-wrong 'sno_such_column\n=no column .no_such_column.' s-wrong-changes-nothing 'k=sort: id-' s-again "sname\\n=$apple_first" \
	slash '/berry*\n!apple_program' slash-is-told '=filter: berry' slash-none '/\n=apple_program' \
	f 'fapple*\n!berry_program' f-by-value 'finsns>999\n!apple_program' f-none 'f\n=berry_program' \
	f-wrong 'fnope>1\n=no column .nope.' asks '/zzz=: zzz$' esc-gives-up '{esc}=berry_program' asks-again '/zy\x7fx=: zx$' \
	esc-again '{esc}=apple_program' \
	K "gK=end the runs of $apple apple_program" K-no 'n\n=nothing was ended' \
	help '?=^KEYS' help-stays '>=^KEYS' help-down 'j!^KEYS' help-up 'k=^KEYS' help-leaves 'q=berry_program'
check leaves-with-0 grep -qx 'exit 0' "$work/out"
terminal_is_back q

# the detail of the program under the cursor, which runs; then of the other one
PTY_SIZE=110x20 play detail - -d 0.5 -e $columns -- \
	totals '=^all: [0-9.]+[kM]? runs/s, [0-9.e-]+% of a CPU; measuring: about [0-9.e-]+% for statistics, [0-9.]+% for bpfwd' \
	sorted 'sname\n=sort: name ' of-the-first "g\\n=^$apple apple_program\$" graph '=^SHARE OF A CPU' \
	graph-in-words '=now [0-9.e-]+%, at most [0-9.e-]+% in [1-9][0-9]* looks' \
	G 'G=^WORST PATH' pgup '{pgup}{pgup}{pgup}{pgup}='"^$apple apple_program\$" down '{down}!'"^$apple apple_program\$" \
	home '{home}='"^$apple apple_program\$" right '{right}!WHAT IT IS' left '{left}=WHAT IT IS' esc '{esc}=^ *ID' \
	cursor-stays "r\\n=^$apple apple_program\$" q-r 'qr=^ *ID' j 'j\n=^[0-9]+ berry_program$' q 'q=^ *ID' k "k\\n=^$apple apple_program\$" q-again 'q=^ *ID' \
	G-of-rows 'G\n=^[0-9]+ berry_program$' q-once-more 'q=^ *ID' arrow "{up}\\n=^$apple apple_program\$" back 'q=^ *ID' \
	end-of-rows '{end}\n=^[0-9]+ berry_program$' q-from-end 'q=^ *ID' g "g\\n=^$apple apple_program\$" q-at-last 'q=^ *ID'
PTY_SIZE=110x70 LC_ALL=C.UTF-8 play whole - -d 0.5 apple_program -- trend '=TREND\n.*[▁-█]{2}$' \
	histogram '\n=^  +[0-9.]+[mun]?s to [0-9.]+[mun]?s +[1-9][0-9]* #' place '=^ATTACHED TO\n  kprobe/vfs_read$' \
	worst '=^WORST PATH\n  (estimate  best|this kernel does not estimate)' back 'q=TREND'

# sizes: nothing is drawn beyond the edge; what does not fit is scrolled to, by whole columns
PTY_SIZE=90x24 play size - -d 60 -e $columns -- 90 '=^ *ID  NAME .*>$' \
	80x24 '{resize 80x24}=^ *ID  NAME .*>$' right '{right}{right}{right}{right}{right}=VERIFIED' mark '=^<' \
	l 'l!INSNS' h 'h=INSNS' left '{left}{left}{left}{left}{left}=HOOK' whole '!^ *ID.* VERIF?I?F?I?E?>$' \
	wide '{resize 200x24}=TAG +TREND' narrow '{resize 20x5}=\Abpfwd top.*\n *ID.*>$' narrow-fits '=\A(.{1,20}\n){4}.{1,20}\Z' \
	narrow-row 'sname\nG=^ *[0-9]+  berry' narrow-scrolls 'l=^<.*HOOK' narrow-detail '\n=^WHAT IT IS$' \
	low '{resize 20x2}=^q back' back '{resize 80x24}q=sort: name'
terminal_is_back narrow
PTY_TERM='' play no TERM -d 0.2 -- terminal '=^bpfwd: this terminal can do too little: .TERM is not set$' blocks '=^ *ID  NAME  '
PTY_TERM=dumb play dumb TERM -d 0.2 -- terminal '=can do too little: .TERM is dumb$' blocks '=^ *ID  NAME  '

# the program of a detail goes: back to the table, which says so
printf '__attribute__((section("socket"), used)) int leaves_soon(void *ctx) { return 0; }\n' |
	clang-19 -g -O2 -target bpf -x c -c - -o "$work/leaves.bpf.o" && "$bpftool" prog load "$work/leaves.bpf.o" $pins/leaves || exit 1
( until [ -e "$work/go" ]; do sleep 0.2; done; rm $pins/leaves ) &
play gone - -d 0.5 -- detail '/leaves*\n\n=^[0-9]+ leaves_soon$' gone "{touch $work/go}=^program [0-9]+ has gone"

if patched; then
	play ends - -d 60 -- refused 'sname\ngKy\n='"cannot end the invocations of program $apple apple_program: it cannot be terminated"
	# ends a run that is under way: of one cat, not of those that the reader starts
	kill $reader
	find_spin
	"$bpftool" prog loadall "$spin" ${pins}_spin autoattach || exit 1
	at_exit "rm -r ${pins}_spin"
	terminable=$("$BPFWD" ps spin_vfs_read -o csv -e terminable | tail -n 1)
	[[ $terminable == @(yes|conditional) ]] || { echo "# spin_vfs_read is $terminable"; exit 1; }
	# a budget that leaves the time to do it, on the other CPU
	taskset -pc 0 $$ >/dev/null
	"$BPFWD" set spin_vfs_read --budget 10s >/dev/null
	timeout 100 taskset -c 1 cat /proc/version >/dev/null &
	stalled=$!
	sleep 0.5
	play told - -d 60 spin_vfs_read -- to-end 'gKy\n=told [0-9]+ spin_vfs_read to end what runs'
	# the reads that come next stall as well
	"$BPFWD" set spin_vfs_read --budget default >/dev/null
	"$BPFWD" kill spin_vfs_read >/dev/null
	wait $stalled
	bpfwd events -j
	check_json is-ended-by-request 'any(.event == "terminated" and .reason == "request" and .prog.name == "spin_vfs_read")'
	PTY_SIZE=110x90 play last - -d 0.5 spin_vfs_read -- ends '\n=^LAST ENDS\n  .*KILLED [0-9]+ spin_vfs_read' back 'q=TREND'
	# what reads is slow as long as it is there
	rm -r ${pins}_spin
else
	for name in ends-refused told-to-end is-ended-by-request last-ends last-back; do
		skip "$name" 'this kernel has no watchdog'
	done
fi

for signal in TERM ABRT; do
	play "signal-$signal" $signal -d 60 -- apple '=apple_program'
	terminal_is_back $signal
done

# 1,000 more: all of them are there, and the keys still answer
for i in {000..249}; do
	printf '__attribute__((section("socket"), used)) int many_%s(void *ctx) { return 0; }\n' "$i"
done | clang-19 -g -O2 -target bpf -x c -c - -o "$work/many.bpf.o" || exit 1
for i in 1 2 3 4; do
	"$bpftool" prog loadall "$work/many.bpf.o" "${pins}_many$i" || exit 1
	at_exit "rm -r ${pins}_many$i"
done
play many - -d 60 -e $columns -- state '=1002 programs' last 'sname\nG=many_249' first 'g=apple_program' \
	page '{pgdn}!apple_program' filter '/many_01*\n!many_020' back '/\ng=apple_program'

# bad input
expect delay-too-short 2 'at least 100ms' top -d 0.01
expect delay-garbage 2 EINVAL top -d soon
expect column 2 "no column 'colour'" top -e colour
expect no-such-program 5 ENOENT top -d 0.2 id 4294967295
