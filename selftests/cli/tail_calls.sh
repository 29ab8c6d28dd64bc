#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Programs with tail calls: their bound with what the arrays hold, what policies make of it, and
# how long runs took in an interval.
# shellcheck disable=SC2016 # programs for jq, in single quotes
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
# shellcheck source-path=SCRIPTDIR source=tap.bash
. "$(dirname "${BASH_SOURCE[0]}")/tap.bash"

patched || skip_all 'this kernel makes no estimates'
need jq clang-19
need_bpftool
keep_settings
plan 29

object() { # NAME: the code from stdin, as $work/NAME.o
	{
		printf '#include "vmlinux.h"\n#include <bpf/bpf_helpers.h>\n'
		cat
		echo 'char _license[] SEC("license") = "GPL";'
	} >"$work/$1.c"
	clang-19 -g -O2 -target bpf -D__TARGET_ARCH_x86 -I"$(dirname "$BPFWD")" -I"$(dirname "$BPFWD")/libbpf/include" \
		-c "$work/$1.c" -o "$work/$1.o" || exit 1
}
object filled <<'END'
int leaf(void *ctx);
int middle(void *ctx);
struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 3); __uint(key_size, 4); __array(values, int (void *)); }
	table SEC(".maps") = { .values = { [0] = (void *)&leaf, [2] = (void *)&leaf } };
struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 1); __uint(key_size, 4); __array(values, int (void *)); }
	first SEC(".maps") = { .values = { [0] = (void *)&middle } };
volatile __u64 sum;
SEC("raw_tp/sys_enter") int leaf(void *ctx) { sum += bpf_ktime_get_ns(); return 0; }
SEC("raw_tp/sys_enter") int middle(void *ctx) { bpf_tail_call(ctx, &table, 0); return 0; }
SEC("raw_tp/sys_enter") int dispatch(void *ctx) { bpf_tail_call(ctx, &first, 0); return 0; }
END
object one_bad <<'END'
int leaf(void *ctx);
int unsafe(void *ctx);
struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 2); __uint(key_size, 4); __array(values, int (void *)); }
	table SEC(".maps") = { .values = { [0] = (void *)&leaf, [1] = (void *)&unsafe } };
SEC("raw_tp/sys_enter") int leaf(void *ctx) { return 0; }
SEC("raw_tp/sys_enter") int dispatch(void *ctx) { bpf_tail_call(ctx, &table, 0); return 0; }
SEC("raw_tp/sys_enter") int unsafe(void *ctx) { return *(volatile int *)0; }
END
row() { jq -r --arg n "$1" ".programs[]? | select(.name == \$n) | $2" <<<"$out"; }

# --- objects ---
bpfwd estimate "$work/filled.o" -j
check estimate-status is "$status" 0
leaf=$(row leaf .worst_ns) middle=$(row middle .tail_ns) dispatch=$(row dispatch .tail_ns)
check leaf-needs-none is "$(row leaf '"\(.tail_ns) \(.bounded)"')" 'null true'
check chain [ "$leaf" -lt "$middle" ]
check longer-chain [ "$middle" -lt "$dispatch" ]
check other-bound is "$(row dispatch '"\(.bounded) \(.reason)"')" 'false tail_call'
bpfwd estimate "$work/filled.o"
check table grep -Eq '^ *filled.o +dispatch +0ns +inf +[0-9.]+.s +tail_call' <<<"$out"
# what libbpf could not fill says nothing
bpfwd estimate "$work/one_bad.o" -j
check not-filled is "$(row dispatch '"\(.reason) \(.tail_ns)"')" 'tail_call null'

bpfwd explain "$work/filled.o"
check explain has "$out" 'with its tail calls '
check explain-entries grep -Eq '^ +[0-9.]+.s\*  table\[0\] and 1 more: [0-9]+ leaf$' <<<"$out"
bpfwd explain "$work/filled.o" -j
check explain-json is "$(row dispatch '"\(.tail_ns) \(.tail_calls[0].name) \(.tail_calls[0].worst_ns)"')" "$dispatch middle $middle"

# --- policies ---
yaml() { # mode, limit, more of defaults
	printf 'version: 1\nname: tails\nmode: %s\ndefaults:\n  unbounded: deny\n%s\nhooks:\n  - match: raw_tp/*\n    max_latency: %s\n' \
		"$1" "$3" "$2" >"$work/$1.yaml"
}
yaml enforce "${dispatch}ns" '  tail_calls: entries'
file=$work/enforce.yaml
bpfwd check "$work/filled.o" --policy "$file" -j
check admits is "$(row dispatch .decision)" deny # leaf and middle are there before it
yaml enforce "$((dispatch + middle + leaf))ns" '  tail_calls: entries'
bpfwd check "$work/filled.o" --policy "$file" -j
check admits-all is "$status $(row dispatch .decision)" '0 allow'
bpfwd check "$work/one_bad.o" --policy "$file" -j
check not-filled-is-unbounded is "$(row dispatch '"\(.decision) \(.reason)"')" 'deny unbounded'
yaml enforce 1h '  tail_calls: unbounded'
bpfwd check "$work/filled.o" --policy "$file" -j
check unbounded is "$(row dispatch '"\(.decision) \(.reason)"')" 'deny unbounded'
yaml enforce 1h '  tail_calls: sometimes'
expect bad-word 2 'sometimes' policy check "$file"

# --- what is loaded ---
pins=/sys/fs/bpf/cli_$$
"$bpftool" prog loadall "$work/filled.o" $pins pinmaps ${pins}_maps || exit 1
at_exit "rm -rf $pins ${pins}_maps"
bpfwd ps name dispatch -e +tail -j
check ps is "$(row dispatch '"\(.estimate_tail_ns) \(.estimate_source)"')" "$dispatch built-in"
id=$(row dispatch .id)
bpfwd metrics
check metric eval 'grep -q "^bpfwd_program_estimate_tail_seconds{id=\"$id\"} 0\\.0" <<<"$out"'
check bpftool [ "$("$bpftool" -j prog show id "$id" | jq .estimate.tail_ns)" = "$dispatch" ]
check bpftool-plain eval '"$bpftool" prog show id "$id" | grep -q "reason tail_call .* tail_ns $dispatch "'
"$bpftool" map delete pinned ${pins}_maps/first key 0 0 0 0
bpfwd ps name dispatch -e +tail -j
own=$(row dispatch .estimate_tail_ns)
check emptied [ "$own" -lt "$middle" ]
bpfwd explain id "$id"
check explain-empty has "$out" 'as its arrays are now: empty'

# --- an update that is denied ---
yaml enforce "$((own + leaf / 2))ns" '  tail_calls: entries'
at_exit '"$BPFWD" policy unload'
bpfwd policy load "$file"
check loaded is "$status" 0
bpfwd policy show
check shown has "$out" 'tail_calls entries'
object link <<'END'
struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 1); __uint(key_size, 4); __uint(value_size, 4); } jumps SEC(".maps");
SEC("raw_tp/sys_enter") int jumper(void *ctx) { bpf_tail_call(ctx, &jumps, 0); return 0; }
END
"$bpftool" prog loadall "$work/link.o" ${pins}_link pinmaps ${pins}_link_maps autoattach
check attached is $? 0
at_exit "rm -rf ${pins}_link ${pins}_link_maps"
if "$bpftool" map update pinned ${pins}_link_maps/jumps key 0 0 0 0 value pinned $pins/leaf 2>"$work/denied"; then
	echo 'it was not denied' >"$work/denied"
fi
check update-denied grep -q "Permission denied" "$work/denied"
bpfwd events --last denied -j
out=$(tail -n 1 <<<"$out")
check_json denial '.[0] | .event == "attach_denied" and .prog.name == "leaf" and .reason == "over_latency" and .rule == "hooks[0]"'
"$BPFWD" policy unload
"$bpftool" map update pinned ${pins}_link_maps/jumps key 0 0 0 0 value pinned $pins/leaf
check update-allowed is $? 0

# --- how long runs took in an interval ---
"$BPFWD" enable >/dev/null
{ for ((i = 0; i < 40; i++)); do head -c 2000000 /dev/zero | dd bs=100 of=/dev/null; done; } 2>/dev/null &
busy=$!
at_exit "kill $busy"
bpfwd ps jumper 1s 3 -e id,p99_now,p99 -o jsonl
check p99-now [ "$(jq -s 'map(.p99_now_ns) | (.[0] == null) and (.[1] > 0) and (.[2] > 0)' <<<"$out")" = true ]
kill $busy
wait $busy 2>/dev/null
bpfwd ps jumper -e p99_now -o csv
check p99-now-needs-an-interval is "$out" p99_now_ns
