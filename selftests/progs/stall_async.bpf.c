// SPDX-License-Identifier: GPL-2.0
/* Callbacks of timers and work queues. */
#include "common.h"
#include "async.h"
#include "ringbuf.h"

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
	return begin_timer(timer_fires, 1000000, 0);
}

SEC("syscall")
int wq_task(void *unused)
{
	return begin_work(work_runs);
}
