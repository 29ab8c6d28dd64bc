// SPDX-License-Identifier: GPL-2.0
/* bpf_for_each_map_elem() over 1,000,000 elements. */
#include "common.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1000000);
	__type(key, __u32);
	__type(value, __u64);
} each_array SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1000000);
	__type(key, __u32);
	__type(value, __u64);
} each_hash SEC(".maps");

static long in_elem(__u32 i, void *unused)
{
	return step();
}

/* n == 0: nothing but the walk takes time. */
static long on_elem(struct bpf_map *map, const __u32 *key, __u64 *value,
		    void *unused)
{
	*value += 1;
	if (ctl.n)
		bpf_loop(ctl.n, in_elem, NULL, 0);
	else
		ctl.steps++;
	return ctl.brake != 0;
}

static __always_inline int hold_task(void *map)
{
	struct task_struct *task;

	enter();
	task = bpf_task_from_pid(ctl.pid);
	got(task);
	if (!task)
		return 0;
	bpf_for_each_map_elem(map, on_elem, NULL, 0);
	bpf_task_release(task);
	leave();
	return 0;
}

static __always_inline int hold_cgroup(void *map)
{
	struct cgroup *cgrp;

	enter();
	cgrp = bpf_cgroup_from_id(ctl.cgroup_id);
	got(cgrp);
	if (!cgrp)
		return 0;
	bpf_for_each_map_elem(map, on_elem, NULL, 0);
	bpf_cgroup_release(cgrp);
	leave();
	return 0;
}

SEC("tp_btf/sys_enter")
int BPF_PROG(each_array_work, struct pt_regs *regs, long id)
{
	return id == 121 /* getpgid */ && from_our_process() ?
		       hold_task(&each_array) :
		       0;
}

SEC("fentry/__x64_sys_getpgid")
int BPF_PROG(each_hash_work)
{
	return from_our_process() ? hold_cgroup(&each_hash) : 0;
}

SEC("fentry/__x64_sys_getpgid")
int BPF_PROG(each_array_walk)
{
	return from_our_process() ? hold_task(&each_array) : 0;
}

SEC("syscall")
int each_hash_walk(void *unused)
{
	return hold_cgroup(&each_hash);
}
