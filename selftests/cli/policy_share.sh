#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# policy: shares of CPU time, and who has loaded a program: what is said of them, and where.
# shellcheck disable=SC2016 # programs for jq, in single quotes
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
# shellcheck source-path=SCRIPTDIR source=tap.bash
. "$(dirname "${BASH_SOURCE[0]}")/tap.bash"

need jq
patched || skip_all 'this kernel has no watchdog'
need_bpftool
if "$BPFWD" policy show >/dev/null 2>&1; (( $? == 3 )); then
	skip_all 'this kernel cannot enforce policies'
fi
keep_settings
plan 28
at_exit '"$BPFWD" policy unload'
find_spin
pin=/sys/fs/bpf/share_$$
at_exit "rm -rf $pin"
# programs are patched while others run them, which not all emulators bear
cpu=/sys/devices/system/cpu/cpu1/online
if [[ -w $cpu ]] && grep -q 'QEMU TCG' /proc/cpuinfo; then
	echo 0 >$cpu
	at_exit "echo 1 >$cpu"
fi
head=$'version: 1\nname: test\nmode: enforce\n'
file=$work/test.yaml
stall() { # until it is throttled, or not any more
	local n
	for ((n = 0; n < 20; n++)); do
		cat /proc/self/comm >/dev/null
		[[ $("$BPFWD" ps -j -e +throttled,throttles spin_vfs_read | jq '.programs[0].throttles') == 0 ]] || return 0
	done
	return 1
}

# --- without anything to measure ---
printf '%sprograms:\n  - match: {name: spin_*}\n    max_time: 20ms per 60s\n' "$head" >"$file"
"$BPFWD" disable >/dev/null
echo 0 >/proc/sys/kernel/bpf_stats_enabled
expect check-unmeasured 0 'shares of CPU time are not measured' policy check "$file"
expect load-unmeasured 0 'shares of CPU time are not measured' policy load "$file"
bpfwd status
check status-unmeasured has "$out" 'its shares are not measured'
bpfwd status -j
check_json status-unmeasured-json '.[0].policy.shares_unmeasured'
echo 1 >/proc/sys/kernel/bpf_stats_enabled
bpfwd status
check measured-by-statistics eval '! has "$out" "not measured"'
echo 0 >/proc/sys/kernel/bpf_stats_enabled

# --- throttled ---
"$BPFWD" enable --budget 10ms >/dev/null
expect load 0 '' policy load -q "$file"
bpfwd policy show
check show-share eval 'has "$out" "TAKEN  SHARE  WINDOW  OVER" && has "$out" "max_time 20ms per 60s on_share throttle"'
"$bpftool" prog loadall "$spin" $pin autoattach
check throttled stall
bpfwd ps -j -e +state,throttled,throttles,seen spin_vfs_read
check_json ps '.[0].programs[0] | .state == "throttled" and .throttled == true and .throttles == 1 and .seen_ns > 10000000'
bpfwd policy show -j
check_json show '.[0].rules | map(select(.rule == "programs[0]"))[0] | .over_share == 1 and .share_taken_ns > 20000000
	and .share_ns == 20000000 and .share_window_ns == 60000000000'
bpfwd events -j --last 100
check_json event 'map(select(.event == "throttled"))[-1] | .prog.name == "spin_vfs_read" and .reason == "over_share" and .policy == "test"
	and .rule == "programs[0]" and .there_ns > 20000000 and .limit_ns == 20000000'
bpfwd events --last 100
check event-text eval 'grep -q "THROTTLED .* spin_vfs_read .*: it took .*ms of CPU time in a window, the share is 20ms" <<<"$out"'
bpfwd events --last denied
check denied-text eval 'has "$out" "THROTTLED" && has "$out" "takes too much" && has "$out" "the share is 20ms (policy test, rule programs[0]"'
out=$("$BPFWD" events --last denied -j | tail -n 1)
check_json denied-json '.[0] | .event == "throttled" and .limit_ns == 20000000 and .there_ns > .limit_ns'
bpfwd metrics
check metric-over grep -qxF 'bpfwd_policy_over_share_total{policy="test",rule="programs[0]"} 1' <<<"$out"
check metric-share grep -qxF 'bpfwd_policy_share_seconds{policy="test",rule="programs[0]"} 0.02' <<<"$out"
check metric-throttled grep -Eqx 'bpfwd_program_throttled\{id="[0-9]+"\} 1' <<<"$out"
check metric-throttles grep -Eqx 'bpfwd_program_throttles_total\{id="[0-9]+"\} 1' <<<"$out"
out=$("$bpftool" prog show name spin_vfs_read)
check bpftool eval '[[ $out =~ seen_ns\ [0-9]+\ \ throttles\ 1\ \ throttled ]]'
bpfwd status -j
check_json status '.[0].throttled == 1'
id=$("$BPFWD" ps -j spin_vfs_read | jq '.programs[0].id')
expect release 0 '' set "$id" --release -q
bpfwd ps -j -e +state,throttled spin_vfs_read
check_json released '.[0].programs[0] | .state == "active" and .throttled == false'
rm -rf $pin

# --- who ---
printf '%shooks:\n  - {match: "*", deny: true}\nexempt:\n  - {match: {uid: root}, from: [latency], reason: r}\n' "$head" >"$file"
expect load-uid 0 '' policy load -q "$file"
"$bpftool" prog loadall "$spin" $pin autoattach 2>/dev/null
check exempt-by-uid is "$?" 0
rm -rf $pin
sed -i 's/uid: root/uid: 4000000/' "$file"
"$BPFWD" policy load -q "$file" >/dev/null
"$bpftool" prog loadall "$spin" $pin autoattach 2>/dev/null
status=$?
check not-exempt eval '(( status ))'
rm -rf $pin
sed -i 's/uid: 4000000/cgroup: \/no.slice/' "$file"
expect no-cgroup 0 'there is no control group /no.slice: the rule is left out' policy load "$file"
sed -i 's/cgroup: \/no.slice/name: x/' "$file"
expect names-are-hints 0 'uid, cgroup and tag cannot be chosen, nor user_ns, pid_ns and token' policy load "$file"
sed -i 's/name: x/uid: 7, name: x/' "$file"
bpfwd policy load "$file"
check with-uid-none eval '! has "$err" "chooses its name"'
