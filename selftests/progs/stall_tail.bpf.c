// SPDX-License-Identifier: GPL-2.0
/* Tail calls: a chain that goes as far as the kernel lets it, and a loop around one. */
#include "common.h"

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 4);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} tails SEC(".maps");

/* The constant index gives a direct jump, the other an indirect one. */
SEC("tc")
int tail_direct(struct __sk_buff *skb)
{
	enter();
	got(true);
	stall_loop_inlined();
	bpf_tail_call_static(skb, &tails, 0);
	leave();
	return 0;
}

SEC("tc")
int tail_indirect(struct __sk_buff *skb)
{
	enter();
	got(true);
	stall_loop_called();
	bpf_tail_call(skb, &tails, ctl.flags);
	leave();
	return 0;
}

/* Target of tail_sub. */
SEC("tc")
int tail_target(struct __sk_buff *skb)
{
	step();
	return 0;
}

static __noinline int tail_in_sub(struct __sk_buff *skb)
{
	int ret = 1;

	barrier_var(ret);
	bpf_tail_call_static(skb, &tails, 1);
	step();
	return ret;
}

SEC("tc")
int tail_sub(struct __sk_buff *skb)
{
	__u64 i;

	enter();
	got(true);
	for (i = 0; i < ctl.n && can_loop; i++) {
		tail_in_sub(skb);
		stall_loop_inlined();
		if (ctl.brake)
			break;
	}
	leave();
	return 0;
}
