#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# policy: rules by namespaces, BPF tokens and the BTF of a program; and `check` as the kernel does.
# shellcheck disable=SC2016 # in single quotes: evaluated later
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
plan 30
at_exit '"$BPFWD" policy unload'
find_spin
pin=/sys/fs/bpf/who_$$
at_exit "rm -rf $pin"
head=$'version: 1\nname: test\nmode: enforce\n'
file=$work/test.yaml
must() { "$@" >"$work/must" 2>&1 || { echo "Bail out! $*: $(<"$work/must")"; exit 1; }; }

printf '%shooks:\n  - {match: "*", deny: true}\nexempt:\n  - {match: {name: spin_vfs_read, uid: 0}, from: [latency], reason: r}\n' "$head" >"$file"
expect load-for-btf 0 '' policy load -q "$file"
must "$bpftool" prog loadall "$spin" $pin autoattach
btf=$("$BPFWD" ps -j -e +btf spin_vfs_read | jq -r '.programs[0].btf_digest')
check digest-of-btf eval '[[ $btf =~ ^[0-9a-f]{64}$ ]]'
rm -rf $pin
# of what the kernel computes, under the name that the tool has for it
match() { printf '%shooks:\n  - {match: "*", deny: true}\nexempt:\n  - {match: {%s}, from: [latency], reason: r}\n' "$head" "$1" >"$file"; }
attaches() {
	expect "load-$1" 0 '' policy load -q "$file"
	"$bpftool" prog loadall "$spin" $pin autoattach 2>/dev/null
	status=$?
	rm -rf $pin
	check "$1" eval "(( ${2}status ))"
}
match "btf: $btf"
attaches exempt-by-btf '!'
match "btf: ${btf/%?/0}"
[[ ${btf: -1} == 0 ]] && match "btf: ${btf/%?/1}"
attaches not-by-another-btf ''
match 'user_ns: initial, pid_ns: initial, token: none'
attaches exempt-by-namespace '!'
match 'user_ns: /proc/self/ns/user, pid_ns: /proc/1/ns/pid'
attaches exempt-by-path '!'
expect same-policy 0 'the kernel has the same policy' policy diff "$file"
match 'user_ns: other'
attaches not-in-another-namespace ''
match 'token: any'
attaches not-by-a-token ''
match 'token: /sys/fs/bpf'
attaches not-by-a-token-of-it ''
expect same-bpffs 0 'the kernel has the same policy' policy diff "$file"
match 'pid_ns: /proc/999999/ns/pid'
expect no-namespace 0 'there is no namespace of PIDs /proc/999999/ns/pid: the rule is left out' policy load "$file"
match 'user_ns: /dev/null'
expect is-no-namespace 2 '/dev/null is no user namespace' policy load "$file"
match "btf: $btf"
expect btf-is-a-hint 0 'chooses its name, BTF and its own comm' policy load "$file"

# --- who is exempt, of what is attached: the kernel knows, and check asks it ---
must "$BPFWD" policy unload
must "$bpftool" prog loadall "$spin" $pin autoattach
match 'user_ns: initial, pid_ns: /proc/self/ns/pid, token: none'
expect check-exempt 0 '(1 of them exempt)' policy check "$file"
match 'user_ns: other'
expect check-not-exempt 4 '1 denied' policy check "$file"
match 'cgroup: /'
expect check-by-group 0 '(1 of them exempt)' policy check "$file"
rm -rf $pin

# --- a packet runs what is in its control group and above, and not what is beside that ---
object=$(dirname "$BPFWD")/selftests/attached.bpf.o groups=/sys/fs/cgroup
must mkdir -p $groups/place-a/below $groups/place-b
at_exit "rmdir $groups/place-a/below $groups/place-a $groups/place-b"
must "$bpftool" prog loadall "$object" $pin
must "$bpftool" cgroup attach $groups/place-a egress pinned $pin/on_cgroup multi
must "$bpftool" cgroup attach $groups/place-a/below egress pinned $pin/on_cgroup multi
must "$bpftool" cgroup attach $groups/place-b egress pinned $pin/on_cgroup multi
printf '%sdefaults: {existing: detach, unbounded: allow}\nhooks:\n  - {match: cgroup_skb/*, max_programs: 1}\n' "$head" >"$file"
expect two-at-one 4 '1 detached' policy check "$file"
"$BPFWD" policy check -j "$file" >"$work/two" 2>/dev/null
check one-of-them is "$(jq '[.programs[] | select(.decision == "detach")] | length' "$work/two")" 1
bpfwd policy load "$file"
check load-two is "$status" 0
check kernel-detaches eval 'has "$err" "detached: "'
for group in place-a place-a/below; do "$bpftool" cgroup show $groups/$group; done >"$work/left"
check one-is-left is "$(grep -c on_cgroup "$work/left")" 1
check not-beside-it is "$("$bpftool" cgroup show $groups/place-b | grep -c on_cgroup)" 1
rm -rf $pin
