// SPDX-License-Identifier: GPL-2.0
/* Programs that are put into quarantine, and the ways round it. */
#include "common.h"

struct timer_slot {
	struct bpf_timer timer;
};

struct work_slot {
	struct bpf_wq work;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct timer_slot);
} timers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct work_slot);
} works SEC(".maps");

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
	__u32 key = 0;
	struct timer_slot *slot = bpf_map_lookup_elem(&timers, &key);

	if (!slot)
		return -1;
	bpf_timer_init(&slot->timer, &timers, 1 /* CLOCK_MONOTONIC */);
	if (bpf_timer_set_callback(&slot->timer, timer_fires))
		return -2;
	return bpf_timer_start(&slot->timer, 1000000, 0);
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
	__u32 key = 0;
	struct work_slot *slot = bpf_map_lookup_elem(&works, &key);

	if (!slot)
		return -1;
	bpf_wq_init(&slot->work, &works, 0);
	if (bpf_wq_set_callback_impl(&slot->work, work_runs, 0, NULL))
		return -2;
	return bpf_wq_start(&slot->work, 0);
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
