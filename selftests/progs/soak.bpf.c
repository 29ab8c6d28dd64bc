// SPDX-License-Identifier: GPL-2.0
/* Holds what a program can hold, and is ended a million times. */
#include "common.h"

struct node {
	__u64 key;
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 64 * 1024);
} soak_rb SEC(".maps");

SEC("tc")
int soak(struct __sk_buff *skb)
{
	struct task_struct *task;
	struct node *node;
	__u64 *rec;

	ctl.started++;
	rec = bpf_ringbuf_reserve(&soak_rb, sizeof(*rec), 0);
	if (!rec)
		goto out;
	*rec = 0;
	task = bpf_task_from_pid(ctl.pid);
	if (!task)
		goto discard;
	node = obj_new(struct node);
	if (!node)
		goto release;
	bpf_rcu_read_lock();
	stall_loop_called();
	bpf_rcu_read_unlock();
	obj_drop(node);
release:
	bpf_task_release(task);
discard:
	bpf_ringbuf_discard(rec, BPF_RB_NO_WAKEUP);
out:
	ctl.finished++;
	return 0;
}
