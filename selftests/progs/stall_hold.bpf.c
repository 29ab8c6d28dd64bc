// SPDX-License-Identifier: GPL-2.0
/* What else a program can hold: allocated objects, references to them, RCU and preemption. */
#include "common.h"

struct node {
	__u64 key;
	struct bpf_refcount ref;
};

struct slot {
	struct node __kptr *node;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct slot);
} slots SEC(".maps");

/* Puts an object into the map: its reference count is 1 then. */
SEC("syscall")
int obj_setup(void *unused)
{
	__u32 key = 0;
	struct slot *slot = bpf_map_lookup_elem(&slots, &key);
	struct node *node, *old;

	if (!slot)
		return -1;
	node = obj_new(struct node);
	if (!node)
		return -1;
	node->key = 1;
	old = bpf_kptr_xchg(&slot->node, node);
	if (old)
		obj_drop(old);
	return 0;
}

/* Its reference count, 1 where nothing leaked. */
SEC("syscall")
int obj_probe(void *unused)
{
	__u32 key = 0, count = 0;
	struct slot *slot = bpf_map_lookup_elem(&slots, &key);
	struct node *node;

	if (!slot)
		return -1;
	node = bpf_kptr_xchg(&slot->node, NULL);
	if (!node)
		return -1;
	bpf_probe_read_kernel(&count, sizeof(count), &node->ref);
	node = bpf_kptr_xchg(&slot->node, node);
	if (node)
		obj_drop(node);
	return count;
}

/* An object of its own: the runner counts what is allocated and freed. */
SEC("syscall")
int hold_obj(void *unused)
{
	struct node *node;

	enter();
	node = obj_new(struct node);
	got(node);
	if (!node)
		return 0;
	stall_loop_inlined();
	obj_drop(node);
	leave();
	return 0;
}

/* A further reference to the object in the map. */
SEC("fentry/__x64_sys_getpgid")
int BPF_PROG(hold_ref)
{
	struct node *node, *ref;
	struct slot *slot;
	__u32 key = 0;

	if (!from_our_process())
		return 0;
	slot = bpf_map_lookup_elem(&slots, &key);
	if (!slot)
		return 0;
	enter();
	node = bpf_kptr_xchg(&slot->node, NULL);
	got(node);
	if (!node)
		return 0;
	ref = refcount_acquire(node);
	node = bpf_kptr_xchg(&slot->node, node);
	if (node)
		obj_drop(node);
	stall_loop_called();
	obj_drop(ref);
	leave();
	return 0;
}

SEC("syscall")
int hold_rcu(void *unused)
{
	enter();
	bpf_rcu_read_lock();
	got(true);
	stall_loop_inlined();
	bpf_rcu_read_unlock();
	leave();
	return 0;
}

SEC("syscall")
int hold_preempt(void *unused)
{
	enter();
	bpf_preempt_disable();
	got(true);
	stall_loop_called();
	bpf_preempt_enable();
	leave();
	return 0;
}

/* All at once, in the order in which they must come back. */
SEC("syscall")
int hold_all(void *unused)
{
	struct task_struct *task;
	struct cgroup *cgrp;
	struct node *node;

	enter();
	task = bpf_task_from_pid(ctl.pid);
	if (!task)
		goto refused;
	cgrp = bpf_cgroup_from_id(ctl.cgroup_id);
	if (!cgrp)
		goto drop_task;
	node = obj_new(struct node);
	if (!node)
		goto drop_cgroup;
	bpf_rcu_read_lock();
	bpf_preempt_disable();
	got(true);
	stall_loop_inlined();
	bpf_preempt_enable();
	bpf_rcu_read_unlock();
	obj_drop(node);
	bpf_cgroup_release(cgrp);
	bpf_task_release(task);
	leave();
	return 0;

drop_cgroup:
	bpf_cgroup_release(cgrp);
drop_task:
	bpf_task_release(task);
refused:
	got(false);
	return 0;
}
