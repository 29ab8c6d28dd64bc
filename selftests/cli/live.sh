#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A program that stalls: ps, set, kill and events show and do what they say.
# shellcheck disable=SC2016 # programs for jq and bash, in single quotes
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
# shellcheck source-path=SCRIPTDIR source=tap.bash
. "$(dirname "${BASH_SOURCE[0]}")/tap.bash"

need jq
patched || skip_all 'this kernel has no watchdog'
need_bpftool
keep_settings
plan 46

instances=/sys/kernel/tracing/instances
find_spin
pins=/sys/fs/bpf/cli_$$
# Here and on the other CPU: what shares a CPU with a stall may not run until it ends.
taskset -pc 0 $$ >/dev/null
stall() { timeout 20 taskset -c 1 cat /proc/version >/dev/null; }
one() { # jq expression of the one program
	"$BPFWD" ps name spin_vfs_read -j | jq -r ".programs[0] | $1"
}

expect enable 0 '' enable --budget 20ms --quarantine 0
"$bpftool" prog loadall "$spin" $pins autoattach || exit 1
at_exit "rm -r $pins"

# ps
expect ps 0 '' ps spin_vfs_read
check ps-columns is "$(head -n 1 <<<"$out" | sed 's,^ *,,; s,  *, ,g')" 'ID NAME HOOK BEST WORST SOURCE MAX BUDGET KILLS'
check ps-hook grep -q 'spin_vfs_read  *kprobe/vfs_read .* 20ms  *[0-9]*$' <<<"$out"
terminable=$(one .terminable)
check terminable grep -Eqx "yes|conditional" <<<"$terminable"
# else nothing would end the stalls below
[[ $terminable == @(yes|conditional) ]] || exit 1
before=$(one .terminations)
stall
# each of the reads of cat stalls
check counts [ "$(one .terminations)" -gt "$before" ]
check max-is-over-budget [ "$(one '.longest_run_ns > 20000000')" = true ]
expect ps-mark 0 '' ps spin_vfs_read
check ps-mark-shown grep -Eq ' [0-9.]+ms!  *20ms  *[1-9]' <<<"$out"
expect filter 0 '' ps -f 'kills>0' -e name
check filter-shows grep -qx spin_vfs_read <<<"$out"
expect csv 0 '' ps spin_vfs_read -o csv -e name,budget,kills
check csv-lines is "$out" $'name,budget_ns,terminations\nspin_vfs_read,20000000,'"$(one .terminations)"

# set
expect set-dry-run 0 '' set spin_vfs_read --budget 60ms --dry-run
check set-dry-run-shows-the-result has "$out" 60ms
check set-dry-run-changes-nothing is "$(one '.budget_ns, has("watchdog_budget_ns")' | tr '\n' ' ')" '20000000 false '
expect set-budget 0 '' set spin_vfs_read --budget 60ms
check own-budget is "$(one .watchdog_budget_ns)" 60000000
stall
check keeps-to-it [ "$(one '.longest_run_ns >= 60000000')" = true ]

# p99: each read is a run, and some of them are timed
check p99 [ "$(one '.sampled_runs > 0 and .p99_run_ns > 0 and .p99_run_ns <= .longest_run_ns')" = true ]
expect p99-column 0 '' ps spin_vfs_read -e p99,sampled
check p99-has-a-unit grep -Eqx ' *[0-9.]+[num]?s!?  *[1-9][0-9]*' <<<"$out"
check p99-in-top grep -q '^ *ID  *P99$' <("$BPFWD" top -d 0.2 -e id,p99 2>/dev/null | head -n 2)
check p99-metric grep -Eqx "bpfwd_program_run_p99_seconds{id=\"$(one .id)\"} 0\.[0-9]+" <("$BPFWD" metrics)
expect set-default 0 '' set name spin_vfs_read --budget default
check default-budget is "$(one '.budget_ns, has("watchdog_budget_ns")' | tr '\n' ' ')" '20000000 false '
expect verdict-refused 3 'cannot have this verdict' set spin_vfs_read --verdict deny
expect verdict 0 '' set spin_vfs_read --verdict pass
check its-verdict is "$(one .watchdog_verdict)" pass
expect verdict-default 0 '' set spin_vfs_read --verdict default
expect not-in-quarantine 1 ENOENT set spin_vfs_read --budget 30ms --release
check all-or-nothing is "$(one .budget_ns)" 20000000
expect quarantine 0 '' set spin_vfs_read --quarantine
kills=$(one .terminations)
stall
check quarantine-skips is "$(one '.terminations, .state' | tr '\n' ' ')" "$kills quarantined "
expect release 0 '' set spin_vfs_read --release

# kill: a budget that leaves the time to do it
expect long-budget 0 '' set spin_vfs_read --budget 20s
stall &
sleep 0.5
expect kill 0 '' kill name spin_vfs_read
check kill-says-it is "$out" \
	"$(one .id) spin_vfs_read: ended 1 run; it stays loaded and attached to kprobe/vfs_read"
# the read that comes next stalls as well, those behind it not for long
"$BPFWD" set spin_vfs_read --budget default >/dev/null
"$BPFWD" kill spin_vfs_read >/dev/null
wait

# events
bpfwd events -j
check_json events 'all(.schema == "bpfwd.event/1")
	and any(.event == "terminated" and .reason == "request")
	and any(.event == "terminated" and .reason == "budget" and .ran_ns >= .budget_ns
		and .prog.name == "spin_vfs_read" and .task.comm == "cat")
	and any(.event == "quarantined") and any(.event == "released")'
# those that are shown, not those that are read: an overrun is told with its end
check last-counts-what-is-shown is "$("$BPFWD" events -n 3 | grep '^[0-9]')" "$("$BPFWD" events | grep '^[0-9]' | tail -n 3)"
check_json seq-has-no-gap '. as $e | [range(1; length)] |
	all($e[.].seq - $e[. - 1].seq == ($e[.].lost // 1))'
"$BPFWD" events -F -j >"$work/follow" &
follower=$!
for _ in {1..50}; do
	[[ -d $instances/bpfwd-$follower ]] && break
	sleep 0.1
done
sleep 0.3
stall
sleep 0.5
kill -INT $follower
wait $follower
check follow jq -es 'any(.event == "terminated" and .prog.name == "spin_vfs_read")' "$work/follow"
check follow-removes-its-ring [ ! -e $instances/bpfwd-$follower ]
"$BPFWD" events -F >/dev/null &
killed=$!
sleep 1
kill -KILL $killed
wait $killed 2>/dev/null
"$BPFWD" enable >/dev/null
check killed-one-leaves-no-ring [ -z "$(find $instances -maxdepth 1 -name 'bpfwd-*')" ]
bpfwd disable
check history-stays [ -n "$("$BPFWD" events)" ]
rmdir $instances/bpfwd
expect no-history 1 'it is recorded from' events
