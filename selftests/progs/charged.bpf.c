// SPDX-License-Identifier: GPL-2.0
/* Whose time it is, and how much of it a program may have. */
#include "common.h"
#include "async.h"

#define TC_ACT_OK 0
#define TC_ACT_SHOT 2

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u64);
} updated SEC(".maps");

/* Four updates, each of which another program looks at for a while. */
SEC("syscall")
int updates(void *unused)
{
	__u64 value = 1;
	__u32 i;

	enter();
	bpf_for(i, 0, ctl.flags + 4)
	{
		if (bpf_map_update_elem(&updated, &i, &value, 0))
			break;
		ctl.steps++;
	}
	leave();
	return 0;
}

static long watches_turn(__u32 i, void *unused)
{
	return ctl.brake != 0;
}

SEC("kprobe/htab_map_update_elem")
int watches(struct pt_regs *ctx)
{
	if (!from_our_process())
		return 0;
	COUNT(inner_started);
	if (bpf_loop(ctl.m, watches_turn, NULL, 0) == ctl.m)
		COUNT(inner_full);
	return 0;
}

/* As long as the runner says: user space waits for it. */
SEC("syscall")
int waited_for(void *unused)
{
	enter();
	if (bpf_loop(ctl.n, watches_turn, NULL, 0) == ctl.n)
		COUNT(full);
	leave();
	return 0;
}

/* The same, of a type that runs elsewhere otherwise. */
SEC("socket")
int tested(struct __sk_buff *skb)
{
	enter();
	if (bpf_loop(ctl.n, watches_turn, NULL, 0) == ctl.n)
		COUNT(full);
	leave();
	return 0;
}

/* The same where a system call passes by. */
SEC("fentry/__x64_sys_getpgid")
int BPF_PROG(passed_by)
{
	if (!from_our_process())
		return 0;
	enter();
	if (bpf_loop(ctl.n, watches_turn, NULL, 0) == ctl.n)
		COUNT(full);
	leave();
	return 0;
}

static int softirq_fires(void *map, int *key, struct timer_slot *slot)
{
	enter();
	stall_loop_inlined();
	leave();
	return 0;
}

SEC("syscall")
int softirq(void *unused)
{
	return begin_timer(softirq_fires, 2000000, 0);
}

/* Each packet is sent several times again, and each of these is one as well. */
SEC("tcx/egress")
int sends(struct __sk_buff *skb)
{
	__u32 i;

	if (skb->mark != ctl.tgid)
		return TC_ACT_OK;
	COUNT(started);
	bpf_for(i, 0, ctl.m) bpf_clone_redirect(skb, skb->ifindex, 0);
	return TC_ACT_SHOT;
}

/* Each time, the packet is looked into by a program that takes a while. */
SEC("tcx/egress")
int hashes(struct __sk_buff *skb)
{
	__u32 i;

	if (skb->mark != ctl.tgid)
		return TC_ACT_OK;
	COUNT(started);
	bpf_for(i, 0, ctl.n)
	{
		bpf_set_hash_invalid(skb);
		bpf_get_hash_recalc(skb);
		ctl.steps++;
	}
	return TC_ACT_SHOT;
}

SEC("flow_dissector")
int dissects(struct __sk_buff *skb)
{
	bpf_loop(ctl.m, watches_turn, NULL, 0);
	COUNT(inner_started);
	return BPF_OK;
}
