// SPDX-License-Identifier: GPL-2.0
/*
 * One program per way to stall a CPU. Each would end by itself after some
 * tenths of a second, so that a watchdog that fails costs a run, not a VM.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

#define ELEMS_ARRAY 1000000
#define ELEMS_HASH 131072

/* the harness may change them; the verifier must not know them */
__u32 loop_nr = 250;
__u64 loop_flags;
__u64 sink;

static int cb_inner(__u64 i, void *ctx)
{
	sink += i;
	return 0;
}

static int cb_middle(__u64 i, void *ctx)
{
	bpf_loop(loop_nr, cb_inner, NULL, 0);
	return 0;
}

static int cb_outer(__u64 i, void *ctx)
{
	bpf_loop(loop_nr, cb_middle, NULL, 0);
	return 0;
}

SEC("tc") int loop_inlined(struct __sk_buff *skb)
{
	bpf_loop(loop_nr, cb_outer, NULL, 0);
	return 0;
}

/* flags unknown to the verifier: the helper is called, not inlined */
static int cb_middle_called(__u64 i, void *ctx)
{
	bpf_loop(loop_nr, cb_inner, NULL, loop_flags);
	return 0;
}

static int cb_outer_called(__u64 i, void *ctx)
{
	bpf_loop(loop_nr, cb_middle_called, NULL, loop_flags);
	return 0;
}

SEC("tc") int loop_called(struct __sk_buff *skb)
{
	bpf_loop(loop_nr, cb_outer_called, NULL, loop_flags);
	return 0;
}

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, ELEMS_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
} array SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, ELEMS_HASH);
	__type(key, __u32);
	__type(value, __u64);
} hash SEC(".maps");

static long cb_elem(struct bpf_map *map, __u32 *key, __u64 *val, void *ctx)
{
	__u64 v = *val + *key;
	int i;

	/* some work per element: less than a kill takes, more than nothing */
#pragma unroll
	for (i = 0; i < 24; i++)
		v = v * 31 + i;
	sink += v;
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

SEC("tc") int iter_num(struct __sk_buff *skb)
{
	int i, j, k;

	bpf_for(i, 0, 300) bpf_for(j, 0, 300) bpf_for(k, 0, 300) sink += k;
	return 0;
}

SEC("tc") int may_goto(struct __sk_buff *skb)
{
	__u64 n = 0;

	for (;;) {
		asm volatile goto("may_goto %l[out]" : : : : out);
		n += loop_nr;
		sink += n;
	}
out:
	return 0;
}

SEC("tc") int may_goto_call(struct __sk_buff *skb)
{
	for (;;) {
		asm volatile goto("may_goto %l[out]" : : : : out);
		sink += bpf_get_smp_processor_id() + bpf_jiffies64();
	}
out:
	return 0;
}

struct {
	__uint(type, BPF_MAP_TYPE_USER_RINGBUF);
	__uint(max_entries, 1 << 21);
} user_rb SEC(".maps");

static long cb_sample(struct bpf_dynptr *dynptr, void *ctx)
{
	__u64 *v = bpf_dynptr_data(dynptr, 0, sizeof(*v));

	if (v)
		sink += *v;
	bpf_loop(loop_nr, cb_inner, NULL, 0);
	return 0;
}

SEC("tc") int user_ringbuf(struct __sk_buff *skb)
{
	bpf_user_ringbuf_drain(&user_rb, cb_sample, NULL, 0);
	return 0;
}

/* four deep, each frame in a loop of its own */
static __noinline int sub4(__u32 n)
{
	int i;

	bpf_for(i, 0, n) sink += i;
	return 0;
}

static __noinline int sub3(__u32 n)
{
	int i, sum = 0;

	bpf_for(i, 0, n) sum += sub4(n);
	return sum;
}

static __noinline int sub2(__u32 n)
{
	int i, sum = 0;

	bpf_for(i, 0, n) sum += sub3(n);
	return sum;
}

static __noinline int sub1(__u32 n)
{
	int i, sum = 0;

	bpf_for(i, 0, n) sum += sub2(n);
	return sum;
}

SEC("tc") int subprogs(struct __sk_buff *skb)
{
	return sub1(70) & 1;
}

__noinline int gsub2(__u32 n)
{
	int i;

	bpf_for(i, 0, n) sink += i;
	return 0;
}

__noinline int gsub1(__u32 n)
{
	int i, sum = 0;

	bpf_for(i, 0, n) sum += gsub2(n);
	return sum;
}

SEC("tc") int subprogs_global(struct __sk_buff *skb)
{
	int i, sum = 0;

	bpf_for(i, 0, 300) sum += gsub1(300);
	return sum & 1;
}

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} chain SEC(".maps");

/* 33 times itself, a third of a budget each */
SEC("tc") int tail_call(struct __sk_buff *skb)
{
	bpf_loop(loop_nr * 128, cb_inner, NULL, 0);
	bpf_tail_call(skb, &chain, 0);
	return 0;
}

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

/* interrupts are off while it holds the lock: only another CPU's NMI ends it */
SEC("tc") int spin_lock(struct __sk_buff *skb)
{
	struct lock_elem *e;
	__u32 key = 0;
	__u64 n = 0;

	e = bpf_map_lookup_elem(&locks, &key);
	if (!e)
		return 1;
	bpf_spin_lock(&e->lock);
	for (;;) {
		asm volatile goto("may_goto %l[out]" : : : : out);
		n += loop_nr;
		e->n = n;
	}
out:
	bpf_spin_unlock(&e->lock);
	return 0;
}
