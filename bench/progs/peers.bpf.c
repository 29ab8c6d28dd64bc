// SPDX-License-Identifier: GPL-2.0
/*
 * The programs of stall.bpf.c as they would have to be written to end themselves: each looks at the
 * clock every CHECK_TURNS turns, and throws. The verifier refuses bpf_throw() where
 * something is held, an iterator included, and in callbacks.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

#define CHECK_TURNS 64

extern void bpf_throw(u64 cookie) __ksym;

/* the harness sets them */
__u32 loop_nr = 250;
__u64 loop_flags;
__u64 budget_ns;
/* and reads these */
__u64 began_at, decided_at;
__u64 sink, turns;

/* the clock as the program sees it: what is left is the way back to user space */
SEC("tc") int empty(struct __sk_buff *skb)
{
	began_at = bpf_ktime_get_ns();
	return 0;
}

static __always_inline bool over(void)
{
	__u64 now;

	if (++turns % CHECK_TURNS)
		return false;
	now = bpf_ktime_get_ns();
	if (now - began_at < budget_ns)
		return false;
	decided_at = now;
	return true;
}

SEC("tc") int may_goto(struct __sk_buff *skb)
{
	__u64 n = 0;

	began_at = bpf_ktime_get_ns();
	for (;;) {
		asm volatile goto("may_goto %l[out]" : : : : out);
		n += loop_nr;
		sink += n;
		if (over())
			bpf_throw(0);
	}
out:
	return 0;
}

SEC("tc") int may_goto_call(struct __sk_buff *skb)
{
	began_at = bpf_ktime_get_ns();
	for (;;) {
		asm volatile goto("may_goto %l[out]" : : : : out);
		sink += bpf_get_smp_processor_id() + bpf_jiffies64();
		if (over())
			bpf_throw(0);
	}
out:
	return 0;
}

/* --- what the verifier refuses --- */

static int cb_inner(__u64 i, void *ctx)
{
	sink += i;
	if (over())
		bpf_throw(0);
	return 0;
}

static int cb_outer(__u64 i, void *ctx)
{
	bpf_loop(loop_nr, cb_inner, NULL, 0);
	return 0;
}

SEC("tc") int loop_inlined(struct __sk_buff *skb)
{
	began_at = bpf_ktime_get_ns();
	bpf_loop(loop_nr, cb_outer, NULL, 0);
	return 0;
}

SEC("tc") int loop_called(struct __sk_buff *skb)
{
	began_at = bpf_ktime_get_ns();
	bpf_loop(loop_nr, cb_inner, NULL, loop_flags);
	return 0;
}

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u64);
} array SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u64);
} hash SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_USER_RINGBUF);
	__uint(max_entries, 4096);
} user_rb SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} chain SEC(".maps");

struct lock_elem {
	struct bpf_spin_lock lock;
	__u64 n;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct lock_elem);
} locks SEC(".maps");

static long cb_elem(struct bpf_map *map, __u32 *key, __u64 *val, void *ctx)
{
	sink += *val;
	if (over())
		bpf_throw(0);
	return 0;
}

SEC("tc") int for_each_array(struct __sk_buff *skb)
{
	bpf_for_each_map_elem(&array, cb_elem, NULL, 0);
	return 0;
}

SEC("tc") int for_each_hash(struct __sk_buff *skb)
{
	bpf_for_each_map_elem(&hash, cb_elem, NULL, 0);
	return 0;
}

static long cb_sample(struct bpf_dynptr *dynptr, void *ctx)
{
	if (over())
		bpf_throw(0);
	return 0;
}

SEC("tc") int user_ringbuf(struct __sk_buff *skb)
{
	bpf_user_ringbuf_drain(&user_rb, cb_sample, NULL, 0);
	return 0;
}

SEC("tc") int iter_num(struct __sk_buff *skb)
{
	int i;

	bpf_for(i, 0, 300)
	{
		sink += i;
		if (over())
			bpf_throw(0);
	}
	return 0;
}

static __noinline int sub1(__u32 n)
{
	int i;

	bpf_for(i, 0, n)
	{
		sink += i;
		if (over())
			bpf_throw(0);
	}
	return 0;
}

SEC("tc") int subprogs(struct __sk_buff *skb)
{
	return sub1(70) & 1;
}

__noinline int gsub1(__u32 n)
{
	int i;

	bpf_for(i, 0, n)
	{
		sink += i;
		if (over())
			bpf_throw(0);
	}
	return 0;
}

SEC("tc") int subprogs_global(struct __sk_buff *skb)
{
	return gsub1(300) & 1;
}

SEC("tc") int tail_call(struct __sk_buff *skb)
{
	bpf_loop(loop_nr * 128, cb_inner, NULL, 0);
	bpf_tail_call(skb, &chain, 0);
	return 0;
}

SEC("tc") int spin_lock(struct __sk_buff *skb)
{
	struct lock_elem *e;
	__u32 key = 0;

	e = bpf_map_lookup_elem(&locks, &key);
	if (!e)
		return 1;
	bpf_spin_lock(&e->lock);
	for (;;) {
		asm volatile goto("may_goto %l[out]" : : : : out);
		e->n += loop_nr;
		if (over())
			bpf_throw(0);
	}
out:
	bpf_spin_unlock(&e->lock);
	return 0;
}
