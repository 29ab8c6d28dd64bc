// SPDX-License-Identifier: GPL-2.0
/* Programs that take a given time of a CPU, which they add up themselves. */
#include "common.h"
#include "async.h"

static long until(__u32 i, void *end)
{
	return bpf_ktime_get_ns() >= *(__u64 *)end;
}

/* n: so many ns. What others take meanwhile is in it. */
static __always_inline void busy(__u64 *took)
{
	__u64 from = bpf_ktime_get_ns(), end = from + ctl.n;

	COUNT(started);
	bpf_loop(1 << 23, until, &end, 0);
	__sync_fetch_and_add(took, bpf_ktime_get_ns() - from);
	COUNT(finished);
}

/* Of each of them, in the order below. */
__u64 took[10];

SEC("raw_tp/sys_enter")
int at_enter(void *ctx)
{
	if (from_our_process())
		busy(&took[0]);
	return 0;
}

SEC("raw_tp/sys_enter")
int also_at_enter(void *ctx)
{
	if (from_our_process())
		busy(&took[1]);
	return 0;
}

SEC("raw_tp/sys_exit")
int at_exit(void *ctx)
{
	if (from_our_process())
		busy(&took[2]);
	return 0;
}

SEC("tcx/ingress")
int packet(struct __sk_buff *skb)
{
	if (from_our_process())
		busy(&took[5]);
	return -1; /* TCX_NEXT */
}

SEC("cgroup_skb/egress")
int in_group(struct __sk_buff *skb)
{
	if (from_our_process())
		busy(&took[8]);
	return 1;
}

SEC("cgroup_skb/egress")
int in_other_group(struct __sk_buff *skb)
{
	if (from_our_process())
		busy(&took[9]);
	return 1;
}

/* It must not be skipped by itself. */
SEC("lsm/bpf")
int BPF_PROG(closes, int cmd, union bpf_attr *attr, unsigned int size)
{
	if (from_our_process() && ctl.armed)
		busy(&took[3]);
	return 0;
}

static long until_awake(__u32 i, void *end)
{
	char byte;

	bpf_copy_from_user(&byte, 1, (void *)ctl.user_ptr);
	return bpf_ktime_get_ns() >= *(__u64 *)end;
}

/* Others can have the CPU meanwhile. */
SEC("syscall")
int sleeps(void *unused)
{
	__u64 end = bpf_ktime_get_ns() + ctl.n;

	COUNT(started);
	bpf_loop(1 << 23, until_awake, &end, 0);
	COUNT(finished);
	return 0;
}

/* A timer that takes n ns, and starts itself again after m ns. */
static int fires(void *map, int *key, struct timer_slot *slot)
{
	if (ctl.brake)
		return 0;
	bpf_timer_start(&slot->timer, ctl.n + ctl.m, 0);
	busy(&took[4]);
	return 0;
}

SEC("syscall")
int storm(void *unused)
{
	return begin_timer(fires, 1000000, 0);
}

/* The same of a program that can be detached. */
SEC("tcx/ingress")
int starts(struct __sk_buff *skb)
{
	if (from_our_process())
		begin_timer(fires, 1000000, 0);
	return -1; /* TCX_NEXT */
}

SEC("uprobe.multi//proc/self/exe:policy_left_target")
int at_offset(struct pt_regs *ctx)
{
	if (from_our_process())
		busy(&took[6]);
	return 0;
}
