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
