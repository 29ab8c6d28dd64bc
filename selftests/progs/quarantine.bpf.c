// SPDX-License-Identifier: GPL-2.0
/* Programs that are put into quarantine, and the ways round it. */
#include "common.h"
#include "async.h"

/* Starts itself again before it stalls: what ends it does not stop that. */
static int timer_fires(void *map, int *key, struct timer_slot *slot)
{
	if (ctl.brake)
		return 0;
	bpf_timer_start(&slot->timer, 1000000, 0);
	enter();
	stall_loop_inlined();
	leave();
	return 0;
}

SEC("syscall")
int timer_again(void *unused)
{
	return begin_timer(timer_fires, 1000000, 0);
}

static int work_runs(void *map, int *key, void *value)
{
	struct work_slot *slot = value;

	if (ctl.brake)
		return 0;
	bpf_wq_start(&slot->work, 0);
	enter();
	stall_loop_inlined();
	leave();
	return 0;
}

SEC("syscall")
int work_again(void *unused)
{
	return begin_work(work_runs);
}

SEC("lsm/bpf")
int BPF_PROG(on_bpf, int cmd, union bpf_attr *attr, unsigned int size)
{
	if (!from_our_process())
		return 0;
	enter();
	if (ctl.armed)
		stall_loop_inlined();
	leave();
	return 0;
}

/* Nobody can open anything while it is ended each time, the files that would undo it included. */
SEC("lsm/file_open")
int BPF_PROG(on_open, struct file *file)
{
	if (!from_our_process())
		return 0;
	enter();
	if (ctl.armed)
		stall_loop_inlined();
	leave();
	return 0;
}

/* Many times in one call of the kernel. */
SEC("tc")
int burst(struct __sk_buff *skb)
{
	enter();
	stall_loop_inlined();
	leave();
	return 0;
}

/* The same where no work can run in between. */
SEC("raw_tp/sys_enter")
int calls_often(void *unused)
{
	int i;

	COUNT(inner_started);
	for (i = 0; i < 30; i++)
		bpf_strncmp("often", 5, "often");
	COUNT(inner_finished);
	return 0;
}

SEC("fentry/bpf_strncmp")
int BPF_PROG(burst_inside)
{
	if (!ctl.armed)
		return 0;
	enter();
	stall_loop_inlined();
	leave();
	return 0;
}

/* --- What others tail-call --- */

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
} tails SEC(".maps");

#define TAIL_RETURNS 7
#define TAIL_FALLS 9

SEC("tc")
int tail_target(struct __sk_buff *skb)
{
	COUNT(started);
	return TAIL_RETURNS;
}

/* By a jump that is patched. */
SEC("tc")
int tail_direct(struct __sk_buff *skb)
{
	bpf_tail_call_static(skb, &tails, 1);
	return TAIL_FALLS;
}

/* By what the array has at the moment. */
SEC("tc")
int tail_indirect(struct __sk_buff *skb)
{
	bpf_tail_call(skb, &tails, (skb->mark & 1) + 1);
	return TAIL_FALLS;
}

static __noinline int tail_from_sub(struct __sk_buff *skb)
{
	volatile int ret = TAIL_FALLS;

	bpf_tail_call_static(skb, &tails, 1);
	return ret;
}

/* And goes on behind it. */
SEC("tc")
int tail_sub(struct __sk_buff *skb)
{
	return tail_from_sub(skb) + 1;
}
