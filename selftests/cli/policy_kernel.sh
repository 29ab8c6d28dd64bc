#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# policy: loaded into the kernel, what it denies, how it tells, how it goes away again.
# shellcheck disable=SC2016 # programs for jq and bash, in single quotes
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
# shellcheck source-path=SCRIPTDIR source=tap.bash
. "$(dirname "${BASH_SOURCE[0]}")/tap.bash"

need jq curl
patched || skip_all 'this kernel has no watchdog'
need_bpftool
find_vmlinux
export XDG_CACHE_HOME=$work/cache
mkdir "$XDG_CACHE_HOME"
head=$'version: 1\nname: test\nmode: enforce\n'
file=$work/test.yaml
printf '%s' "$head" >"$file"

# a policy must not look enforced where it is not
if "$BPFWD" policy show >/dev/null 2>&1; (( $? == 3 )); then
	plan 1
	expect cannot-enforce 3 'cannot enforce policies' policy load "$file"
	exit
fi
keep_settings
plan 71
at_exit '"$BPFWD" policy unload'
find_spin
pins=/sys/fs/bpf/cli_$$
at_exit "rm -rf $pins ${pins}_b"
attach() { # where; sets status and err
	"$bpftool" prog loadall "$spin" "$1" autoattach >"$work/out" 2>"$work/err"
	status=$?
	out=$(<"$work/out") err=$(<"$work/err")
	(( !status )) || rm -rf "$1"
}
mode() { "$BPFWD" policy show -j | jq -r .mode; }

# --- nothing is loaded ---
"$BPFWD" policy unload >/dev/null 2>&1
bpfwd policy show -j
check_json show-none '.[0] | .schema == "bpfwd.policy/1" and .loaded == false and .mode == "off"'
expect unload-none 1 'no policy to unload' policy unload
expect keep-none 1 'no policy to keep' policy keep

# --- load, deny, tell ---
printf '%shooks:\n  - match: kprobe/vfs_*\n    max_latency: 5us\n' "$head" >"$file"
bpfwd policy load "$file" --dry-run
check dry-run eval 'is "$status $(mode)" "0 off" && has "$out" "would load policy test"'
bpfwd policy load "$file"
check load eval 'is "$status $(mode)" "0 enforce" && has "$out" "policy test: mode enforce, 2 rules"'
check limit-below-the-model eval 'has "$err" "test.yaml:5: max_latency 5us is below" && has "$err" "that the built-in cost model has"'
attach $pins
check denied eval '(( status ))'
"$BPFWD" events --last denied -j >"$work/denied"
out=$(tail -n 1 "$work/denied")
check_json denied-event '.[0] | .event == "attach_denied" and .prog.name == "spin_vfs_read" and .prog.hook == "kprobe/vfs_read"
	and .reason == "over_latency" and .limit_ns == 5000 and .policy == "test" and .rule == "hooks[0]"
	and (.file | endswith("test.yaml")) and .line == 5 and .task.pid > 0'
told=$(jq .worst_ns <<<"$out")
check one-value is "$told" "$("$BPFWD" estimate "$spin" -j | jq '.programs[] | select(.name == "spin_vfs_read").worst_ns')"
bpfwd events --last denied
check denied-text eval 'has "$out" "DENIED" && has "$out" "why: worst case" && has "$out" "test.yaml:5" && has "$out" "try: bpfwd explain"'
check is-not-attached is "$("$BPFWD" ps -j name spin_vfs_read | jq -r .error.exit)" 5
bpfwd policy show -j
check_json counters '.[0] | .name == "test" and .mode == "enforce" and (.rules | map(select(.rule == "hooks[0]"))[0] | .denied >= 1 and .limit_ns == 5000)'
bpfwd metrics
check metric-decisions grep -Eqx 'bpfwd_attach_decisions_total\{policy="test",decision="deny"\} [1-9][0-9]*' <<<"$out"
check metric-violations grep -Eqx 'bpfwd_policy_violations\{policy="test"\} [0-9]+' <<<"$out"
check metric-limit grep -qxF 'bpfwd_hook_limit_seconds{policy="test",rule="hooks[0]"} 0.000005' <<<"$out"
check metric-mode grep -qxF 'bpfwd_policy_info{policy="test",mode="enforce"} 1' <<<"$out"
bpfwd policy show
check show-text eval 'has "$out" "policy test, mode enforce, 2 rules" && has "$out" "hook kprobe/vfs_* max_latency 5us on_exceed deny"'

bpfwd status -j
check_json status '.[0].policy | .name == "test" and .mode == "enforce" and .denied >= 1'
"$BPFWD" enable >/dev/null
attach $pins
bpfwd events -j --last 1
check_json events '.[0] | .event == "attach_denied" and .prog.name == "spin_vfs_read" and .prog.hook == "kprobe/vfs_read"
	and .rule == "hooks[0]" and .policy == "test" and .limit_ns == 5000'
bpfwd events --last 1
check events-text eval 'has "$out" "DENIED" && has "$out" "worst case"'
"$BPFWD" disable >/dev/null

# --- diff ---
expect diff-same 0 '' policy diff -q "$file"
sed 's/5us/6us/' "$file" >"$work/other.yaml"
bpfwd policy diff "$work/other.yaml"
check diff is "$status $(grep -c '^[-+]' <<<"$out")" '4 2'
bpfwd policy diff "$work/other.yaml" -j
check_json diff-json '.[0] | .schema == "bpfwd.policy-diff/1" and .same == false and (.changes | length) == 2'

# --- a bad one changes nothing ---
sed 's/5us/5/' "$file" >"$work/bad.yaml"
expect bad-changes-nothing 2 'no duration' policy load "$work/bad.yaml"
check still-there is "$("$BPFWD" policy show -j | jq -r '.name + " " + .mode')" 'test enforce'

# --- monitor: attached, and told ---
sed 's/enforce/monitor/' "$file" >"$work/monitor.yaml"
bpfwd policy load "$work/monitor.yaml"
check load-monitor is "$status $(mode)" '0 monitor'
attach $pins
check monitor-admits is "$status" 0
out=$("$BPFWD" events --last denied -j | tail -n 1)
check_json would-deny '.[0] | .event == "attach_would_deny" and .prog.name == "spin_vfs_read"'
bpfwd policy check "$file" -j
check check-knows-it is "$status" 4
check_json check-by-charges '.[0] | .programs | any(.name == "spin_vfs_read" and .decision == "deny")'

# --- what is attached stays, and is listed ---
bpfwd policy load "$file"
check existing-is-listed has "$err" 'stays attached:'
check existing-stays is "$("$BPFWD" ps -j name spin_vfs_read | jq '.programs | length')" 1
sed "s/^hooks/defaults: {existing: detach}\nhooks/" "$file" >"$work/detach.yaml"
bpfwd policy load "$work/detach.yaml"
check existing-is-detached has "$err" 'detached: '
check detached-is-loaded is "$("$BPFWD" ps -j name spin_vfs_read | jq '.programs | length')" 1
check nothing-stays eval '! grep -q "stays attached" "$work/err"'
out=$("$BPFWD" events --last denied -j | tail -n 1)
check_json detached-event '.[0] | .event == "detached" and .prog.name == "spin_vfs_read" and .prog.hook == "kprobe/vfs_read" and .rule == "hooks[0]"'
bpfwd events --last denied
check detached-text eval 'has "$out" "DETACHED" && has "$out" "was attached before the policy"'
bpfwd policy show
check shows-detach has "$out" 'existing detach'
bpfwd policy check "$work/detach.yaml" -j
check_json nothing-to-detach '.[0].detach == 0'
rm -r $pins

# --- number of programs ---
printf '%shooks:\n  - match: kprobe/*\n    max_programs: 1\n' "$head" >"$file"
"$BPFWD" policy load "$file" >/dev/null
attach $pins
check first-is-admitted is "$status" 0
attach ${pins}_b
check second-is-not eval '(( status ))'
out=$("$BPFWD" events --last denied -j | tail -n 1)
check_json over-programs '.[0].reason == "over_programs"'
rm -r $pins
attach ${pins}_b
check given-back is "$status" 0
rm -r ${pins}_b

# --- exemptions, by the name of the task that attaches, too ---
printf '%shooks:\n  - {match: "kprobe/*", max_latency: 5us}\nexempt:\n  - {match: {name: "spin_*", comm: bpftool}, from: [latency], reason: test}\n' \
	"$head" >"$file"
"$BPFWD" policy load "$file" >/dev/null
attach $pins
check exempt is "$status" 0
rm -rf $pins

# --- how long a program goes on when it is to be ended ---
printf '%sdefaults: {max_stop: 2s}\nhooks:\n  - {match: "kprobe/*", max_stop: 1us}\n' "$head" >"$file"
"$BPFWD" policy load "$file" >/dev/null
attach $pins
check stop-denies eval '(( status ))'
out=$("$BPFWD" events --last denied -j | tail -n 1)
check_json stop-event '.[0] | .reason == "over_stop" and .rule == "hooks[0]" and .limit_ns == 1000 and .stop_ns > 1000
	and (.why | test("^stop bound .* is above max_stop 1us$"))'
bpfwd policy show
check stop-show eval 'has "$out" "unbounded auto" && has "$out" "max_stop 2s" && has "$out" "hook kprobe/* max_stop 1us on_exceed deny"'
bpfwd metrics
check metric-max-stop grep -qxF 'bpfwd_policy_max_stop_seconds{policy="test",rule="hooks[0]"} 0.000001' <<<"$out"
sed -i 's/1us/1s/' "$file"
"$BPFWD" policy load "$file" >/dev/null
attach $pins
check stop-admits is "$status" 0
rm -rf $pins

# --- call graphs ---
if [[ -n $vmlinux ]]; then
	printf '%scall_graphs:\n  - {name: read, roots: [__x64_sys_read], max_latency: 10us}\n' "$head" >"$file"
	bpfwd policy load "$file" --vmlinux "$vmlinux"
	check load-graph is "$status" 0
	attach $pins
	check graph-denies eval '(( status ))'
	out=$("$BPFWD" events --last denied -j | tail -n 1)
	check_json graph-event '.[0] | .reason == "over_latency" and .rule == "read" and .limit_ns == 10000'
	bpfwd metrics
	check metric-graph grep -qxF 'bpfwd_call_graph_limit_seconds{policy="test",call_graph="read"} 0.00001' <<<"$out"
	# a hook that is no function: by the family that the call graph reaches
	xdp() { # root of the call graph
		printf '%scall_graphs:\n  - {name: path, roots: [%s], max_latency: 1ns}\n' "$head" "$1" >"$file"
		"$BPFWD" policy load "$file" --vmlinux "$vmlinux" >/dev/null || return
		"$bpftool" net attach xdpgeneric pinned "$xdp" dev lo
	}
	xdp=${pins}_xdp
	at_exit "$bpftool net detach xdpgeneric dev lo; rm -f $xdp"
	"$bpftool" prog load "$(dirname "$BPFWD")/selftests/tiny_xdp.bpf.o" "$xdp"
	out=$(xdp netif_receive_skb 2>&1)
	status=$?
	check graph-denies-xdp eval '(( status )) && grep -Eq "ermission denied|BPF runtime policy" <<<"$out"'
	out=$("$BPFWD" events --last denied -j | tail -n 1)
	check_json graph-event-xdp '.[0] | .reason == "over_latency" and .rule == "path" and .prog.hook == "xdp/lo"'
	out=$(xdp __x64_sys_read 2>&1)
	status=$?
	check other-graph-allows-xdp is "$status" 0
	bpfwd policy check "$file"
	check other-graph-check is "$status" 0
else
	for t in load-graph graph-denies graph-event metric-graph graph-denies-xdp graph-event-xdp \
		other-graph-allows-xdp other-graph-check; do skip $t 'no vmlinux of this kernel'; done
fi

# --- for a while, and kept ---
"$BPFWD" policy unload >/dev/null 2>&1
sed 's/5us/7us/' "$work/monitor.yaml" >"$file"
"$BPFWD" policy load "$file" >/dev/null
bpfwd policy load "$work/other.yaml" --for 10m
check load-for eval 'is "$status $(mode)" "0 enforce" && has "$out" "for 600 s"'
bpfwd policy show -j
check_json says-when '.[0].returns_in_s | . > 0 and . <= 600'
"$BPFWD" policy load "$work/other.yaml" --for 2s >/dev/null
check returns until_true 20 eval '[[ $(mode) == monitor ]]'
"$BPFWD" policy load "$work/other.yaml" --for 10m >/dev/null
expect keep 0 '' policy keep -q
bpfwd policy show -j
check_json kept '.[0] | .mode == "enforce" and (has("returns_in_s") | not)'
expect unload 0 '' policy unload -q
check unloaded is "$(mode)" off

# --- serve ---
mkdir "$work/policy.d"
cp "$work/monitor.yaml" "$work/policy.d/10.yaml"
"$BPFWD" serve --listen none --policy "$work/policy.d" 2>"$work/serve" &
serve=$!
at_exit "kill -KILL $serve"
check serve-loads until_true 20 eval '[[ $(mode) == monitor ]]'
cp "$work/other.yaml" "$work/policy.d/10.yaml"
kill -HUP $serve
check reloads until_true 20 eval '[[ $(mode) == enforce ]]'
echo 'nonsense: [' >"$work/policy.d/10.yaml"
kill -HUP $serve
check bad-reload-is-said until_true 20 grep -q 'the policy stays as it was: .*10.yaml' "$work/serve"
check bad-reload-keeps is "$(mode)" enforce
kill -TERM $serve
wait $serve
# what is wrong with a policy is an alert, and no reason to leave
"$BPFWD" serve --listen 127.0.0.1:19614 --policy "$work/policy.d" 2>"$work/serve" &
serve=$!
at_exit "kill -KILL $serve"
failed() { curl -sf --max-time 20 http://127.0.0.1:19614/metrics | sed -n 's/^bpfwd_policy_load_failed //p'; }
check bad-policy-is-a-metric until_true 30 eval '[[ $(failed) == 1 ]]'
curl -sf http://127.0.0.1:19614/healthz >"$work/health"
check healthy-with-a-bad-policy jq -e '.ok and (.policy_error | test("10.yaml:[0-9]+:"))' "$work/health"
cp "$work/other.yaml" "$work/policy.d/10.yaml"
kill -HUP $serve
check mended-policy-counts until_true 30 eval '[[ $(failed) == 0 ]]'
kill -TERM $serve
wait $serve
