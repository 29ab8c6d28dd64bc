// SPDX-License-Identifier: GPL-2.0
/* Callbacks of timers and work queues. */
#include "common.h"
#include "ringbuf.h"

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

static int timer_fires(void *map, int *key, struct timer_slot *slot)
{
	__u64 *rec;

	enter();
	rec = bpf_ringbuf_reserve(&rb, sizeof(*rec), 0);
	got(rec);
	if (!rec)
		return 0;
	*rec = 0;
	stall_loop_inlined();
	bpf_ringbuf_submit(rec, 0);
	leave();
	return 0;
}

static int work_runs(void *map, int *key, void *value)
{
	struct task_struct *task;

	enter();
	task = bpf_task_from_pid(ctl.pid);
	got(task);
	if (!task)
		return 0;
	stall_loop_called();
	bpf_task_release(task);
	leave();
	return 0;
}

SEC("syscall")
int timer_record(void *unused)
{
	__u32 key = 0;
	struct timer_slot *slot = bpf_map_lookup_elem(&timers, &key);

	if (!slot)
		return -1;
	bpf_timer_init(&slot->timer, &timers,
		       1 /* CLOCK_MONOTONIC */); /* or -EBUSY: done before */
	if (bpf_timer_set_callback(&slot->timer, timer_fires))
		return -2;
	/* Not at once: it would fire on top of this invocation. */
	return bpf_timer_start(&slot->timer, 1000000, 0);
}

SEC("syscall")
int wq_task(void *unused)
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
