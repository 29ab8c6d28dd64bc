#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# policy check says of what is attached what the kernel makes of it when the policy is loaded.
# shellcheck disable=SC2016 # programs for jq, in single quotes
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
# shellcheck source-path=SCRIPTDIR source=tap.bash
. "$(dirname "${BASH_SOURCE[0]}")/tap.bash"

need jq tc ip
patched || skip_all 'this kernel has no watchdog'
need_bpftool
if "$BPFWD" policy show >/dev/null 2>&1; (( $? == 3 )); then
	skip_all 'this kernel cannot enforce policies'
fi
rounds=4
plan $(( 5 + 2 * rounds ))
object=$(dirname "$BPFWD")/selftests/tiny_egress.bpf.o
pins=/sys/fs/bpf/existing_$$
top=/sys/fs/cgroup/existing_$$
groups=(. a a/b a/b/c d d/e f) # those above first
at_exit '"$BPFWD" policy unload'
at_exit "rm -rf $pins; for ((i = ${#groups[@]}; i--;)); do rmdir $top/\${groups[i]}; done"
for g in "${groups[@]}"; do mkdir -p "$top/$g"; done
mkdir "$pins"
"$BPFWD" policy unload >/dev/null 2>&1
head=$'version: 1\nname: test\nmode: enforce\n'
file=$work/test.yaml

load() { # name
	"$bpftool" prog loadall "$object" "$pins/$1" >/dev/null
}
id_of() { # name, program
	"$bpftool" prog show pinned "$pins/$1/$2" -j | jq .id
}
# By the tool: ids of programs that are detached.
told() {
	"$BPFWD" policy check "$file" -j | jq -c '[.programs[] | select(.decision == "detach") | .id] | unique'
}

# --- one is put in quarantine, and makes room ---
ip link add ex0 type dummy && ip link add ex1 type dummy
at_exit 'ip link del ex0; ip link del ex1'
load p && load q
filter() { # device, name
	tc qdisc add dev "$1" clsact 2>/dev/null
	tc filter add dev "$1" egress bpf da object-pinned "$pins/$2/egress_tc"
}
filter ex0 p && filter ex0 q && filter ex1 p
p=$(id_of p egress_tc)
printf '%sdefaults: {existing: detach, unbounded: allow}\nhooks:\n  - {match: tc/ex0, max_programs: 1}\n  - {match: tc/ex1, deny: true}\n' \
	"$head" >"$file"
bpfwd policy check "$file" -j
check_json check-room '.[0] | [.programs[] | select(.hook | startswith("tc/ex"))] | length == 3'
check check-quarantine is "$(told)" "[$p]"
bpfwd policy load "$file"
check quarantine is "$("$BPFWD" ps -j -e +state | jq -c '[.programs[] | select(.name == "egress_tc" and .state == "quarantined") | .id]')" "[$p]"
# it is in no sum any more
bpfwd policy check "$file" -j
check_json is-skipped '.[0] | .detach == 0 and .deny == 0'
"$BPFWD" policy unload >/dev/null
"$BPFWD" set "$p" --release >/dev/null
bpfwd policy check "$file" -j
check_json released '.[0].detach == 2'
tc qdisc del dev ex0 clsact
tc qdisc del dev ex1 clsact
rm -r "${pins:?}"/*

# --- control groups, as it happens ---
worst=$("$BPFWD" estimate "$object" -j | jq '.programs[] | select(.name == "egress_long").worst_ns')
RANDOM=14
for ((round = 1; round <= rounds; round++)); do
	all=()
	for ((i = 0; i < 7; i++)); do
		kind=egress_short
		(( RANDOM % 2 )) || kind=egress_long
		load "$i" || break
		"$bpftool" cgroup attach "$top/${groups[RANDOM % ${#groups[@]}]}" cgroup_inet_egress \
			pinned "$pins/$i/$kind" multi
		all+=("$(id_of "$i" $kind)")
	done
	limit=$(( worst + RANDOM % (3 * worst) ))
	printf '%sdefaults: {existing: detach, unbounded: allow}\nhooks:\n  - {match: cgroup_skb/egress, max_latency: %dns, max_programs: %d}\n' \
		"$head" $limit $(( 2 + RANDOM % 3 )) >"$file"
	says=$(told)
	"$BPFWD" policy load "$file" >"$work/out" 2>"$work/err"
	left=$(for g in "${groups[@]}"; do "$bpftool" cgroup show "$top/$g" -j; done | jq -c '.[].id' | sort -n | jq -sc .)
	gone=$(jq -nc --argjson left "$left" '$ARGS.positional - $left | sort' --jsonargs "${all[@]}")
	out="told $says, gone $gone of ${all[*]}, limit $limit" err=$(<"$work/err")
	check "as-told-$round" is "$says" "$gone"
	check "rest-fits-$round" is "$(told)" '[]'
	"$BPFWD" policy unload >/dev/null
	for g in "${groups[@]}"; do
		for id in $("$bpftool" cgroup show "$top/$g" -j | jq '.[].id'); do
			"$bpftool" cgroup detach "$top/$g" cgroup_inet_egress id "$id"
		done
	done
	rm -r "${pins:?}"/*
done
