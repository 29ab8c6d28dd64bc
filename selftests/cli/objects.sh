#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Objects as they are in the world: what their loaders would set, what this kernel refuses,
# what they pin. Nothing stays behind.
# shellcheck disable=SC2016 # programs for jq, in single quotes
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
# shellcheck source-path=SCRIPTDIR source=tap.bash
. "$(dirname "${BASH_SOURCE[0]}")/tap.bash"

patched || skip_all 'this kernel makes no estimates'
need jq clang-19
need_bpftool
plan 35

# object NAME: the code from stdin, as $work/NAME.o
object() {
	{
		printf '#include "vmlinux.h"\n#include <bpf/bpf_helpers.h>\n#include <bpf/bpf_tracing.h>\n'
		cat
		echo 'char _license[] SEC("license") = "GPL";'
	} >"$work/$1.c"
	clang-19 -g -O2 -target bpf -D__TARGET_ARCH_x86 -I"$(dirname "$BPFWD")" -I"$(dirname "$BPFWD")/libbpf/include" \
		-c "$work/$1.c" -o "$work/$1.o" || exit 1
}
object pin <<'END'
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, int); __type(value, long);
	 __uint(pinning, LIBBPF_PIN_BY_NAME); } cli_pinned SEC(".maps");
SEC("xdp") int count(struct xdp_md *ctx)
{
	int k = 0;
	long *v = bpf_map_lookup_elem(&cli_pinned, &k);

	if (v)
		__sync_fetch_and_add(v, 1);
	return XDP_PASS;
}
END
object sized <<'END'
struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, int); __type(value, long); } later SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); } ring SEC(".maps");
static long visit(void *map, const int *key, long *value, void *ctx) { return 0; }
SEC("raw_tp/sys_enter") int walk(void *ctx)
{
	bpf_for_each_map_elem(&later, visit, NULL, 0);
	bpf_ringbuf_output(&ring, &ctx, 8, 0);
	return 0;
}
END
object constant <<'END'
const volatile unsigned int cpus = 4;
const volatile signed char small = -1;
int changed = 4;
static long round(unsigned int i, void *ctx) { return bpf_ktime_get_ns() == 1; }
SEC("raw_tp/sys_enter") int rounds(void *ctx)
{
	if (small != -1)
		return 0;
	return bpf_loop(cpus, round, NULL, 0) + changed;
}
END
object target <<'END'
SEC("fentry") int BPF_PROG(named_later) { return 0; }
END
object one_bad <<'END'
int leaf(void *ctx);
int unsafe(void *ctx);
struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 2); __uint(key_size, 4); __array(values, int (void *)); }
	table SEC(".maps") = { .values = { [0] = (void *)&leaf, [1] = (void *)&unsafe } };
SEC("raw_tp/sys_enter") int leaf(void *ctx) { return 0; }
SEC("raw_tp/sys_enter") int dispatch(void *ctx) { bpf_tail_call(ctx, &table, 0); return 0; }
SEC("raw_tp/sys_enter") int unsafe(void *ctx) { return *(volatile int *)0; }
SEC("fentry/no_such_function_here") int BPF_PROG(nowhere) { return 0; }
END
object bad_map <<'END'
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __uint(map_flags, 1 << 30); __type(key, int); __type(value, int); }
	impossible SEC(".maps");
SEC("raw_tp/sys_enter") int uses_it(void *ctx) { int k = 0; return bpf_map_lookup_elem(&impossible, &k) != NULL; }
SEC("raw_tp/sys_enter") int does_not(void *ctx) { return 0; }
END
object extern_kfunc <<'END'
extern int no_such_kfunc(int x) __ksym;
SEC("raw_tp/sys_enter") int calls(void *ctx) { return no_such_kfunc(1); }
END
object extern_function <<'END'
extern int no_such_function(int x);
SEC("raw_tp/sys_enter") int calls(void *ctx) { return no_such_function(1); }
END
maps() { "$bpftool" map show | grep -c 'name cli_pinned '; }
row() { jq -r --arg n "$1" ".programs[]? | select(.name == \$n) | $2" <<<"$out"; }

# what it pins
bpfwd estimate "$work/pin.o" -j
check pin is "$status $(row count .bounded)" '0 true'
check pins-nothing [ ! -e /sys/fs/bpf/cli_pinned ]
"$bpftool" map create /sys/fs/bpf/cli_pinned type array key 4 value 8 entries 1 name cli_pinned
at_exit 'rm /sys/fs/bpf/cli_pinned'
id=$("$bpftool" -j map show pinned /sys/fs/bpf/cli_pinned | jq .id)
# another size: it could not be reused, and would be in the way
rm /sys/fs/bpf/cli_pinned
"$bpftool" map create /sys/fs/bpf/cli_pinned type array key 4 value 16 entries 3 name cli_pinned
bpfwd estimate "$work/pin.o" -j
check pinned-one-is-not-used is "$status $(row count .bounded)" '0 true'
check pinned-one-stays [ "$("$bpftool" -j map show pinned /sys/fs/bpf/cli_pinned | jq .id)" != "$id" ]
check no-map-left is "$(maps)" 1

# what the loader sets
bpfwd estimate "$work/sized.o"
check size-status is "$status" 0
check size-note has "$err" 'the loader sets the size of map later; taken as 1024 (--map-size later=N)'
check ring-note has "$err" 'map ring; taken as 262144'
bpfwd estimate "$work/sized.o" --map-size later=10 --map-size ring=4096 -j
small=$(row walk .worst_ns)
bpfwd estimate "$work/sized.o" --map-size later=100000 -j
check size-counts [ "$(row walk .worst_ns)" -gt $(( small * 10 )) ]
expect size-of-nobody 2 "no object has a map 'latr'" estimate "$work/sized.o" --map-size latr=3
expect size-is-no-number 2 "bad number of entries 'x'" estimate "$work/sized.o" --map-size later=x
expect size-without-name 2 "'3' is not NAME=N" estimate "$work/sized.o" --map-size 3
bpfwd estimate "$work/constant.o" -j
small=$(row rounds .worst_ns)
bpfwd estimate "$work/constant.o" --global cpus=400 -j
check constant-bounds-a-loop [ "$(row rounds .worst_ns)" -gt $(( small * 10 )) ]
bpfwd estimate "$work/constant.o" --global cpus=400 --global small=-2 -j
check constant-decides-a-branch [ "$(row rounds .worst_ns)" -lt "$small" ]
expect constant-of-nobody 2 "no object has a variable 'cpu'" estimate "$work/constant.o" --global cpu=3
expect constant-too-large 2 "'0x100000000' is no number of 4 bytes, as cpus is" estimate "$work/constant.o" --global cpus=0x100000000
expect constant-too-small 2 "'-129' is no number of 1 bytes, as small is" estimate "$work/constant.o" --global small=-129
expect constant-is-no-number 2 "'x' is no number of 4 bytes" estimate "$work/constant.o" --global cpus=x
expect variable-is-no-constant 2 "'changed' is no constant: programs may change it" estimate "$work/constant.o" --global changed=5
bpfwd estimate "$work/target.o" -j
check no-target-status is "$status $(row named_later .reason)" '1 not_loaded'
check no-target-why has "$(row named_later .reason_text)" '--target PROG=FUNC'
bpfwd estimate "$work/target.o" --target named_later=vfs_read -j
check target is "$status $(row named_later .bounded)" '0 true'
bpfwd estimate "$work/target.o" --target named_later=no_such_function_here -j
check target-that-is-not-there has "$status $(row named_later .at)" "1 the kernel has no 'no_such_function_here' to attach to"
expect target-of-nobody 2 "no object has a program 'x'" estimate "$work/target.o" --target x=vfs_read
bpfwd explain "$work/target.o" --target named_later=vfs_read
check explain-takes-it is "$status" 0

# what this kernel refuses
bpfwd estimate "$work/one_bad.o" -j
check one-bad-status is "$status" 1
check one-bad-others is "$(row leaf .bounded) $(row dispatch .reason)" 'true tail_call'
check verifiers-word has "$(row unsafe .at)" "invalid mem access"
check libbpfs-word has "$(row nowhere .at)" "failed to find kernel BTF type ID of 'no_such_function_here'"
check errors-say-how-many has "$err$out" '2 of 4 programs do not load on this kernel'
bpfwd estimate "$work/bad_map.o" -j
check bad-map is "$status $(row does_not .bounded)" '1 true'
check bad-map-is-named has "$(row uses_it .at)" "map 'impossible': failed to create"
bpfwd estimate "$work/extern_kfunc.o" -j
check extern-kfunc has "$status $(row calls .at)" "1 extern (func ksym) 'no_such_kfunc': not found"
bpfwd estimate "$work/extern_function.o"
check extern-function has "$status $err" "extern 'no_such_function'"
bpfwd check "$work/one_bad.o" --policy "$here/../../watchdog/dist/00-monitor.yaml"
check check-says-why has "$status $err" 'nowhere does not load: failed to find kernel BTF type ID'
