// SPDX-License-Identifier: GPL-2.0
/*
 * Programs with tail calls. Nothing takes time but tick(), in the model that the tests load,
 * and each tick that is executed is counted: so what a run took is known exactly.
 */
#include "common.h"

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u32);
} one SEC(".maps"), two SEC(".maps");

__u64 ticks;
__u32 choice; /* of an array, or of an entry */
volatile __u64 now;

static __always_inline void tick(void)
{
	ticks++;
	now = bpf_ktime_get_ns();
}

SEC("tc")
int leaf(struct __sk_buff *skb)
{
	tick();
	return 0;
}

SEC("tc")
int leaf3(struct __sk_buff *skb)
{
	tick();
	tick();
	tick();
	return 0;
}

static long turn(__u32 i, void *unused)
{
	tick();
	return 0;
}

SEC("tc")
int loops(struct __sk_buff *skb)
{
	bpf_loop(100, turn, NULL, 0);
	return 0;
}

/* To itself, once it is in the array. */
SEC("tc")
int self(struct __sk_buff *skb)
{
	tick();
	bpf_tail_call(skb, &one, 0);
	return 0;
}

SEC("tc")
int first(struct __sk_buff *skb)
{
	tick();
	bpf_tail_call(skb, &one, 0);
	return 0;
}

SEC("tc")
int second(struct __sk_buff *skb)
{
	tick();
	tick();
	bpf_tail_call(skb, &two, 0);
	return 0;
}

/* What is left of it if the calls fail. */
SEC("tc")
int falls(struct __sk_buff *skb)
{
	bpf_tail_call(skb, &one, 0);
	tick();
	bpf_tail_call(skb, &two, 0);
	tick();
	return 0;
}

/* Any entry of the array. */
SEC("tc")
int any(struct __sk_buff *skb)
{
	tick();
	bpf_tail_call(skb, &one, choice);
	return 0;
}

/* One call, of two arrays. */
SEC("tc")
int either(struct __sk_buff *skb)
{
	void *map = &one;

	tick();
	if (choice)
		map = &two;
	asm volatile("" : "+r"(map));
	bpf_tail_call(skb, map, 0);
	return 0;
}

/* The caller goes on after what it runs. */
static __noinline int tail_sub(struct __sk_buff *skb)
{
	int ret = 1;

	bpf_tail_call(skb, &one, 0);
	barrier_var(ret);
	return ret;
}

SEC("tc")
int from_sub(struct __sk_buff *skb)
{
	int ret = 0;

	for (int i = 0; i < 3; i++) {
		ret += tail_sub(skb);
		tick();
	}
	return ret;
}

__noinline int tail_global(struct __sk_buff *skb)
{
	int ret = 1;

	bpf_tail_call(skb, &one, 0);
	barrier_var(ret);
	return ret;
}

SEC("tc")
int from_global(struct __sk_buff *skb)
{
	int ret = tail_global(skb) + tail_global(skb);

	tick();
	return ret;
}

/* It has no tail call from a subprogram, but what it calls has. */
SEC("tc")
int to_sub(struct __sk_buff *skb)
{
	tick();
	bpf_tail_call(skb, &two, 0);
	return 0;
}

struct call {
	struct __sk_buff *skb;
};

static int call_turn(__u32 i, struct call *c)
{
	int ret = 0;

	bpf_tail_call(c->skb, &one, 0);
	barrier_var(ret);
	return ret;
}

/* Loaded on its own: whether it may is up to the verifier. */
SEC("?tc")
int from_callback(struct __sk_buff *skb)
{
	struct call c = { .skb = skb };

	bpf_loop(2, call_turn, &c, 0);
	return 0;
}
