#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# policy: what files may hold, with the place of every error; call graphs; what a policy would
# do to what is attached. None of it needs a kernel that enforces policies.
# shellcheck disable=SC2016 # programs for jq and bash, in single quotes
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
# shellcheck source-path=SCRIPTDIR source=tap.bash
. "$(dirname "${BASH_SOURCE[0]}")/tap.bash"

need jq
patched || skip_all 'this kernel has no watchdog'
need_bpftool
find_vmlinux
plan 116
export XDG_CACHE_HOME=$work/cache
mkdir "$XDG_CACHE_HOME"

head=$'version: 1\nname: test\nmode: enforce\n'
file=$work/test.yaml

# --- Files: name, what stands in it after the head, LINE:COLUMN and what is said ---
good() { # name, text
	printf '%s' "$2" >"$file"
	expect "good-$1" 0 '' policy check --syntax -q "$file"
}
bad() { # name, whole text, place, message
	printf '%s' "$2" >"$file"
	bpfwd policy check --syntax "$file"
	check "bad-$1" eval 'is "$status" 2 && has "$err" "$file:'"$3"': '"$4"'"'
}
good all "$(<"$here/../fuzz/seeds/full.yaml")"
good json "$(<"$here/../fuzz/seeds/json.yaml")"
good small "$head"
good empty-list "${head}hooks: []"
bad empty '' 1:1 'the file is empty'
bad no-yaml $'version: [1\nname: x' 2:5 'no YAML'
bad tab $'version: 1\nname: a\nmode: off\nhooks:\n\t- match: xdp/*' 5:1 'no YAML'
bad no-name $'version: 1\nmode: off\n' 1:1 'Missing required mapping field: name'
bad unknown-key "${head}hook: []" 4:1 'Unexpected key: hook'
bad unknown-deep-key "${head}hooks:"$'\n  - match: xdp/*\n    max_latncy: 1us' 6:5 'Unexpected key: max_latncy'
bad twice "${head}name: again" 4:1 'Mapping field already seen: name'
bad version $'version: 2\nname: a\nmode: off' 1:10 'version 2; this bpfwd knows version 1'
bad mode $'version: 1\nname: a\nmode: on' 3:7 'Invalid ENUM value: on'
bad mode-number $'version: 1\nname: a\nmode: 1' 3:7 'Invalid ENUM value: 1'
bad name $'version: 1\nname: a b\nmode: off' 2:7 'name may have letters'
bad name-length "version: 1"$'\n'"name: $(printf '%033d' 0)"$'\nmode: off' 2:7 'name has 33 characters, 32 are allowed'
bad no-unit "${head}defaults: {budget: 10}" 4:20 "budget '10' is no duration"
bad bad-unit "${head}defaults: {budget: 10q}" 4:20 "budget '10q' is no duration"
bad zero "${head}defaults: {budget: 0ms}" 4:20 "budget '0ms' is not between"
bad negative "${head}defaults: {budget: -1ms}" 4:20 "budget '-1ms' is no duration"
bad overflow "${head}defaults: {budget: 99999999999999h}" 4:20 "budget '99999999999999h' is not between"
bad no-limit "${head}hooks:"$'\n  - match: xdp/*' 5:5 'a rule without a limit'
bad kind "${head}hooks:"$'\n  - match: kprob/vfs_read\n    max_programs: 1' 5:12 "there is no kind of hook 'kprob'"
bad bracket "${head}hooks:"$'\n  - match: "xdp/[a"\n    max_programs: 1' 5:12 "match: a '[' without ']'"
bad caret "${head}hooks:"$'\n  - match: "xdp/[^a]"\n    max_programs: 1' 5:12 'match: negate with'
bad long-match "${head}hooks:"$'\n  - match: xdp/'"$(printf '%0130d' 0)"$'\n    max_programs: 1' 5:12 'match has 134 characters'
bad no-roots "${head}call_graphs:"$'\n  - name: a\n    roots: []\n    max_latency: 1us' 6:12 'Insufficient entries'
bad root "${head}call_graphs:"$'\n  - name: a\n    roots: [a b]\n    max_latency: 1us' 6:13 "'a b' is no name of a function"
bad depth "${head}call_graphs:"$'\n  - name: a\n    roots: [a]\n    depth: 65\n    max_latency: 1us' 7:12 'depth is at most 64'
bad graph-no-limit "${head}call_graphs:"$'\n  - name: a\n    roots: [a]' 5:5 'a call graph without a limit'
good graph-stop "${head}call_graphs:"$'\n  - {name: a, roots: [a], max_stop: 1us, unbounded: warn}'
good stop "${head}defaults: {max_stop: 1ms}"$'\nhooks:\n  - {match: "xdp/*", max_stop: 50us}\n  - {match: "tc/*", unbounded: allow}'
bad stop-no-unit "${head}defaults: {max_stop: 10}" 4:22 "max_stop '10' is no duration"
bad hook-stop-zero "${head}hooks:"$'\n  - match: xdp/*\n    max_stop: 0us' 6:15 "max_stop '0us' is not between"
bad hook-unbounded "${head}hooks:"$'\n  - match: xdp/*\n    unbounded: maybe' 6:16 'Invalid ENUM value: maybe'
bad two-graphs "${head}call_graphs:"$'\n  - {name: a, roots: [a], max_latency: 1us}\n  - {name: a, roots: [a], max_latency: 1us}' \
	6:12 'there are two call graphs a'
bad type "${head}programs:"$'\n  - match: {type: kprobes}\n    budget: 1ms' 5:19 "there is no type of program 'kprobes'"
bad match-nothing "${head}programs:"$'\n  - match: {}\n    budget: 1ms' 5:12 'match says nothing'
bad quarantine "${head}programs:"$'\n  - match: {name: a}\n    quarantine: {after: 0}' 6:17 'after is 1 or more'
bad window "${head}programs:"$'\n  - match: {name: a}\n    quarantine: {after: 1025, window: 1s}' 6:17 'within a window, after is at most 1024'
good detach "${head}defaults: {existing: detach, on_overrun: detach}"
bad existing "${head}defaults: {existing: deny}" 4:22 'Invalid ENUM value: deny'
bad no-reason "${head}exempt:"$'\n  - match: {name: a}\n    from: [latency]\n    reason: " "' 7:13 'a reason is required'
bad until "${head}exempt:"$'\n  - match: {name: a}\n    from: [latency]\n    reason: a\n    until: tomorrow' \
	8:12 "until 'tomorrow' is no date"
bad from "${head}exempt:"$'\n  - match: {name: a}\n    from: [time]\n    reason: a' 6:11 'Unknown flag: time'
bad alias "${head}hooks: &a []" 4:8 'a policy has no anchors'
bad documents "$head---"$'\n'"$head" 4:1 'a file holds one policy'
bad deep "${head}hooks: [[[[[[[[[[]]]]]]]]]]" 4:15 'nested too deep'
head -c 2000000 /dev/zero | tr '\0' '#' >"$file"
expect bad-large 2 'a policy has at most' policy check --syntax "$file"
expect bad-missing 1 ENOENT policy check --syntax "$work/nothing.yaml"
expect bad-device 1 'no regular file' policy check --syntax /dev/zero
expect no-such-verb 2 "no policy command 'judge'" policy judge
expect bad-for 2 'bad for' policy load --for 10

# --- Folders: order, names, what is no policy ---
mkdir "$work/d"
printf '%s' "$head" >"$work/d/10-a.yaml"
printf 'version: 1\nname: test\nmode: monitor\n' >"$work/d/20-b.yaml"
printf 'nonsense: [' >"$work/d/30-c.yaml.bak"
printf 'nonsense: [' >"$work/d/.40-d.yaml"
bpfwd policy check --syntax "$work/d"
check later-file-wins eval 'is "$status $err" "0 bpfwd: 1 policies, mode monitor"'
sed -i 's/name: test/name: other/' "$work/d/20-b.yaml"
bpfwd policy check --syntax "$work/d"
check strongest-mode eval 'is "$status $err" "0 bpfwd: 2 policies, mode enforce"'

# --- Call graphs ---
graph() { printf '%scall_graphs:\n  - {name: read, roots: [%s], depth: %s, max_latency: 10us}\n' "$head" "$1" "$2" >"$file"; }
# each function that is said to run programs of a hook is there, if it was configured, and no
# hook of one word is the name of a function, which it would stand for as well
table=$here/../../watchdog/callgraph/hooks.c
functions() {
	local function config suffix='(\.[^ ]*)?([[:space:]]|$)'
	sed -n 's/^\t{ "\([^"]*\)", "\([A-Z0-9_]*\)",.*/\1 \2/p' "$table" >"$work/functions"
	zcat /proc/config.gz >"$work/config"
	(( $(wc -l <"$work/functions") > 40 )) || { echo 'no table'; return 1; }
	while read -r function config; do
		# Linux 7.3 asks no program any more about what TLS has decrypted.
		[[ $function != sk_psock_tls_strp_read || $(uname -r) == 6.* ]] || continue
		if grep -qxF "CONFIG_$config=y" "$work/config" &&
			! grep -Eq " [tTwW] $function$suffix" /proc/kallsyms; then
			echo "$function, which CONFIG_$config brings, is not there"
			return 1
		fi
	done <"$work/functions"
}
words() {
	local word
	for word in $(sed -n '/^static const struct cg_hook/,/^};/s/^\t{ "[^"]*", "[^"]*",//p; /^\t  [{ ]/p' "$table" |
		grep -o '"[a-z_0-9]*"' | tr -d '"' | sort -u); do
		# A static function of net/core/filter.c, inlined or not: see bpfwd.policy(5).
		[[ $word != sk_lookup ]] || continue
		! grep -Eq " [tTwW] $word$" /proc/kallsyms || { echo "$word is a function"; return 1; }
	done
	[[ -n $word ]] || { echo 'no hook of one word'; return 1; }
}
if [[ -r /proc/config.gz ]]; then
	check hooks-have-functions functions
else
	skip hooks-have-functions 'this kernel does not tell its configuration'
fi
check hooks-are-no-functions words
if [[ -z $vmlinux ]]; then
	for t in path path-tracepoint path-lsm path-json no-path depth root-missing cached cache-ignored foreign \
		unknown-pointer observe observe-what leaves-no-ring observed path-xdp path-tcx path-cgroup path-sockops \
		no-path-xdp kcore kcore-agrees kcore-calls \
		known page-cache receive root-left stops syscall-entry; do
		skip "graph-$t" 'no vmlinux of this kernel'
	done
else
	calls_of() { sed -n 's/.* functions, \([0-9]*\) direct calls.*/\1/p' <<<"$1"; }
	near() { # a, b, percent
		(( 100 * ($1 > $2 ? $1 - $2 : $2 - $1) <= $3 * $2 && $2 )) || { echo "$1 is not near $2"; return 1; }
	}
	path() { bpfwd policy check --vmlinux "$vmlinux" --path "$@" "$file"; }
	graph __x64_sys_read 12
	path kprobe/vfs_read
	check graph-path is "$status $out" '0 test:read: __x64_sys_read -> ksys_read -> vfs_read'
	path tp/raw_syscalls/sys_enter
	check graph-path-tracepoint eval 'is "$status" 0 && [[ $out =~ (syscall_trace_enter|trace_syscall_enter)" -> tp:sys_enter" ]]'
	path lsm/file_permission
	check graph-path-lsm eval 'is "$status" 0 && has "$out" "security_file_permission -> bpf_lsm_file_permission"'
	path fentry/vfs_read -j
	check_json graph-path-json '.[0] | .schema == "bpfwd.policy-path/1" and .hook == "fentry/vfs_read"
		and (.call_graphs[0].path | endswith("-> vfs_read"))'
	graph netif_receive_skb 12
	path xdp/lo
	check graph-path-xdp eval 'is "$status" 0 && has "$out" "__netif_receive_skb_core" && has "$out" "-> bpf_dispatcher_xdp_func -> xdp/*"'
	path tcx/ingress/lo
	check graph-path-tcx eval 'is "$status" 0 && [[ $out == *"-> __netif_receive_skb_core"*" -> tcx/ingress/*" ]]'
	graph tcp_v4_rcv 12
	path cgroup_skb/ingress
	check graph-path-cgroup eval 'is "$status" 0 && has "$out" "sk_filter_trim_cap -> __cgroup_bpf_run_filter_skb -> cgroup_skb/*"'
	path sockops
	check graph-path-sockops eval 'is "$status" 0 && has "$out" "-> __cgroup_bpf_run_filter_sock_ops -> sockops"'
	graph __x64_sys_read 12
	path xdp/lo
	check graph-no-path-xdp is "$status $out" '4 test:read: not part of it by direct calls'
	path kprobe/vfs_write
	check graph-no-path is "$status $out" '4 test:read: not part of it by direct calls'
	graph __x64_sys_read 1
	path kprobe/vfs_read
	check graph-depth is "$status" 4
	graph no_such_function 3
	bpfwd policy check "$file"
	check graph-root-missing eval 'has "$err" "this kernel has no function no_such_function, nor another root: it limits nothing"'
	graph "no_such_function, __x64_sys_read" 3
	path kprobe/vfs_read
	check graph-root-left eval 'is "$status" 0 && has "$out" "ksys_read -> vfs_read"'
	# where pointers lead that everybody goes through, and where a path ends
	graph __x64_sys_read 0
	path kprobe/v9fs_file_read_iter
	check graph-known eval 'is "$status" 0 && has "$out" "vfs_read -> v9fs_file_read_iter"'
	path kprobe/filemap_read
	check graph-page-cache is "$status" 0
	path tp/sched/sched_switch
	check graph-stops is "$status" 4
	path raw_tp/sys_enter
	check graph-syscall-entry is "$status" 0
	graph net_rx_action 0
	path kprobe/tcp_v4_rcv
	check graph-receive eval 'is "$status" 0 && has "$out" "ip_protocol_deliver_rcu -> tcp_v4_rcv"'
	graph __x64_sys_read 12
	cache=$(ls "$XDG_CACHE_HOME"/bpfwd/callgraph-*)
	bpfwd policy check --path kprobe/vfs_read "$file"
	check graph-cached is "$status $out" '0 test:read: __x64_sys_read -> ksys_read -> vfs_read'
	# calls through pointers, as far as they are seen
	path kprobe/proc_reg_read_iter
	check graph-unknown-pointer is "$status" 4
	"$BPFWD" policy observe --for 4s "proc_*" >"$work/observed" 2>&1 &
	observer=$!
	while kill -0 $observer 2>/dev/null; do cat /proc/version >/dev/null; done
	wait $observer
	check graph-observe eval 'is $? 0 && grep -Eqx "[1-9][0-9]* calls through pointers that were not known" "$work/observed"'
	bpfwd policy observe --for 1s no_such_function_at_all
	check graph-observe-what eval 'is "$status" 2 && has "$err" "no function to trace is called"'
	check graph-leaves-no-ring [ -z "$(ls -d /sys/kernel/tracing/instances/bpfwd-observe-* 2>/dev/null)" ]
	path kprobe/proc_reg_read_iter
	check graph-observed eval 'is "$status" 0 && has "$out" "ksys_read -> vfs_read -> proc_reg_read_iter"'
	# the code in memory: some calls are others than in the file, since the kernel patches itself
	graph "__x64_sys_read, netif_receive_skb" 12
	bpfwd policy check --vmlinux "$vmlinux" "$file"
	calls=$(calls_of "$err")
	export XDG_CACHE_HOME=$work/kcore
	mkdir "$XDG_CACHE_HOME"
	if [[ -r /proc/kcore ]]; then
		bpfwd policy check "$file"
		check graph-kcore eval 'is "$status" 0 && has "$err" "call graphs from /proc/kcore"'
		check graph-kcore-calls near "$(calls_of "$err")" "$calls" 5
		for hook in kprobe/vfs_read tp/sched/sched_switch lsm/file_permission xdp/lo tcx/ingress/lo fentry/vfs_write sk_msg; do
			bpfwd policy check --path $hook "$file"
			echo "$hook $status"
			XDG_CACHE_HOME=$work/cache path $hook
			echo "$hook $status" >&3
		done >"$work/by-kcore" 3>"$work/by-vmlinux"
		check graph-kcore-agrees diff "$work/by-vmlinux" "$work/by-kcore"
	else
		for t in kcore kcore-calls kcore-agrees; do skip graph-$t 'no /proc/kcore'; done
	fi
	export XDG_CACHE_HOME=$work/cache
	graph __x64_sys_read 12
	# an index that leads out of the arrays
	printf '\377\377\377\177' | dd of="$cache" bs=1 seek=2000000 conv=notrunc status=none
	path kprobe/vfs_read
	check graph-cache-ignored is "$status $out" '0 test:read: __x64_sys_read -> ksys_read -> vfs_read'
	bpfwd policy check --vmlinux "$BPFWD" --path kprobe/vfs_read "$file"
	check graph-foreign eval 'is "$status" 1 && has "$err" "build ids differ"'
fi

# neither a file nor memory
graph __x64_sys_read 12
if unshare -m true 2>/dev/null && [[ -e /proc/kcore ]]; then
	export XDG_CACHE_HOME=$work/none
	mkdir "$XDG_CACHE_HOME"
	unshare -m bash -c 'mount --bind /dev/null /proc/kcore && exec "$0" policy check "$1"' "$BPFWD" "$file" >"$work/out" 2>"$work/err"
	status=$? out=$(<"$work/out") err=$(<"$work/err")
	check graph-no-code eval 'is "$status" 3 && has "$err" "the kernel'"'"'s code cannot be read" &&
		has "$err" "there is no vmlinux of the running kernel" && has "$err" "try: --vmlinux FILE"'
	export XDG_CACHE_HOME=$work/cache
else
	skip graph-no-code 'no /proc/kcore to hide'
fi

# --- What is attached ---
find_spin
pins=/sys/fs/bpf/cli_$$
"$bpftool" prog loadall "$spin" $pins autoattach || exit 1
at_exit "[ ! -e $pins ] || rm -r $pins"
printf '%s' "$head" >"$file"
expect nothing-denied 0 '' policy check -q "$file"
printf '%shooks:\n  - match: kprobe/vfs_*\n    max_latency: 5us\n' "$head" >"$file"
bpfwd policy check "$file" -j
check judged is "$status" 4
check_json judged-json '.[0] | .schema == "bpfwd.policy-check/1" and .deny == 1 and (.programs | map(select(.name == "spin_vfs_read"))[0] |
	.decision == "deny" and .reason == "over_latency" and .limit_ns == 5000 and .cost_ns > 5000 and .hook == "kprobe/vfs_read"
	and .rule == "hooks[0]" and .policy == "test" and (.at | endswith("test.yaml:5")))'
bpfwd policy check "$file"
check judged-text has "$out" 'rule hooks[0], '"$file:5"
sed "s/^hooks/defaults: {existing: detach}\nhooks/" "$file" >"$work/detach.yaml"
bpfwd policy check "$work/detach.yaml" -j
check_json would-detach '.[0] | .detach == 1 and .deny == 0 and any(.programs[]; .name == "spin_vfs_read" and .decision == "detach")'
bpfwd policy check "$work/detach.yaml"
check would-detach-text eval 'is "$status" 4 && has "$out" "detached when it is loaded" && has "$err" "1 detached"'
sed -i 's/enforce/monitor/' "$file"
bpfwd policy check "$file" -j
check_json monitor-denies-nothing '.[0] | .deny == 0 and .would_deny == 1'
printf '%shooks:\n  - {match: "kprobe/*", max_latency: 5us}\nexempt:\n  - {match: {name: "spin_*"}, from: [latency], reason: test}\n' "$head" >"$file"
bpfwd policy check "$file" -j
check exempt is "$status" 0
sed -i 's/reason: test/reason: test, until: 2001-01-01/' "$file"
bpfwd policy check "$file"
check expired eval 'is "$status" 4 && has "$err" "this exemption has expired"'
printf '%sdefaults: {unbounded: deny}\nhooks:\n  - {match: "kprobe/*", max_latency: 1000h, max_programs: 1}\n' "$head" >"$file"
bpfwd policy check "$file" -j
check number-of-programs eval 'is "$status" 4; jq -e ".programs[0].reason == \"over_latency\"" <<<"$out"'
# how long it goes on when it is to be ended: its stop bound, as ps shows it
stop=$("$BPFWD" ps -j -e name,stop name spin_vfs_read | jq '.programs[0].stop_bound_ns')
printf '%shooks:\n  - {match: "kprobe/*", max_stop: %sns}\n' "$head" $((stop - 1)) >"$file"
bpfwd policy check "$file" -j
check stop-judged is "$status" 4
check_json stop-json ".[0].programs | map(select(.name == \"spin_vfs_read\"))[0] | .decision == \"deny\" and .reason == \"over_stop\"
	and .stop_ns == $stop and .limit_ns == $stop - 1 and (.terminable | type) == \"string\" and (.why | test(\"^stop bound .* is above max_stop \"))"
sed -i "s/max_stop: .*ns/max_stop: ${stop}ns/" "$file"
expect stop-just-right 0 '' policy check -q "$file"
# whatever a rule calls the place
printf '%shooks:\n  - {match: fentry/vfs_read, deny: true}\n' "$head" >"$file"
bpfwd policy check "$file" -j
check_json deny-place '.[0].programs | map(select(.name == "spin_vfs_read"))[0] | .decision == "deny" and .reason == "over_programs"'
# rules that are not what they look like
printf '%shooks:\n  - {match: kprobe/no_such_function, deny: true}\n' "$head" >"$file"
bpfwd policy check "$file"
check unmatched eval 'is "$status" 2 && has "$err" "$file:5: match kprobe/no_such_function fits no hook" && has "$err" "--allow-unmatched"'
bpfwd policy check --allow-unmatched "$file"
check allow-unmatched is "$status" 0
printf '%shooks:\n  - {match: "*/vfs_*", max_programs: 9}\n  - {match: kprobe/vfs_read, deny: true}\n  - {match: lsm.s/file_open, deny: true}\nexempt:\n  - {match: {name: x}, from: [latency], reason: r}\n' "$head" >"$file"
bpfwd policy check "$file"
check dead-rule has "$err" "$file:6: this rule never applies: */vfs_*, $file:5, comes first"
check other-spelling has "$err" "$file:7: match lsm.s/file_open is taken as lsm/file_open"
check exempt-by-name has "$err" "$file:9: whoever loads a program chooses its name"
if [[ -n $vmlinux ]]; then
	graph __x64_sys_read 12
	bpfwd policy check --vmlinux "$vmlinux" "$file"
	check graph-judged eval 'is "$status" 4 && has "$out" "path: __x64_sys_read -> ksys_read -> vfs_read"'
else
	skip graph-judged 'no vmlinux of this kernel'
fi

# --- Objects ---
rm -r $pins
printf '%shooks:\n  - {match: "kprobe/*", max_latency: 5us}\n' "$head" >"$file"
bpfwd check "$spin" --policy "$file" -j
check object is "$status" 4
check_json object-json '.[0] | .schema == "bpfwd.check/1" and .deny == 1 and (.programs | length) == 1 and .programs[0].decision == "deny"'
check object-not-attached is "$("$BPFWD" ps -j name spin_vfs_read | jq -r .error.exit)" 5
sed -i 's/5us/9000h/' "$file"
expect object-admitted 0 '' check "$spin" --policy "$file" -q
printf '%sdefaults: {max_stop: 1ns}\n' "$head" >"$file"
bpfwd check "$spin" --policy "$file"
check object-stop eval 'is "$status" 4 && has "$out" "why: stop bound" && has "$out" "is above max_stop 1ns" && grep -q "^ID .* STOP" <<<"$out"'
# no bound, and no end
endless=$(dirname "$BPFWD")/selftests/endless.bpf.o
if [[ -e $endless ]]; then
	printf '%s' "$head" >"$file"
	bpfwd check "$endless" --only no_exit --policy "$file"
	check object-endless eval 'is "$status" 4 && has "$out" "it has no bound of its time, and cannot be ended (no_endless)"'
	printf '%sdefaults: {unbounded: allow}\n' "$head" >"$file"
	expect object-endless-allowed 0 '' check "$endless" --only no_exit --policy "$file" -q
else
	skip object-endless 'no endless.bpf.o'
	skip object-endless-allowed 'no endless.bpf.o'
fi
expect object-missing 1 'cannot read' check "$work/no.bpf.o" --policy "$file"
expect check-what 2 'check what?' check --policy "$file"
