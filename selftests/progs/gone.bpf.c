// SPDX-License-Identifier: GPL-2.0
/* Programs that outlive those who hold them, and tasks that do not outlive their program. */
#include "common.h"

struct work_slot {
	struct bpf_wq work;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct work_slot);
} works SEC(".maps");

static int long_work(void *map, int *key, void *value)
{
	enter();
	stall_loop_inlined();
	leave();
	return 0;
}

static int short_work(void *map, int *key, void *value)
{
	COUNT(inner_finished);
	return 0;
}

SEC("syscall")
int starts(void *unused)
{
	__u32 key = 0;
	struct work_slot *slot = bpf_map_lookup_elem(&works, &key);

	if (!slot)
		return -1;
	bpf_wq_init(&slot->work, &works, 0);
	if (bpf_wq_set_callback_impl(&slot->work, long_work, 0, NULL))
		return -2;
	return bpf_wq_start(&slot->work, 0);
}

/* The program of the callback before is not held any more, whether it runs or not. */
SEC("syscall")
int replaces(void *unused)
{
	__u32 key = 0;
	struct work_slot *slot = bpf_map_lookup_elem(&works, &key);

	if (!slot)
		return -1;
	return bpf_wq_set_callback_impl(&slot->work, short_work, 0, NULL);
}

/* A pointer that was walked to may be NULL, and this helper does not ask. */
SEC("fentry/security_task_getpgid")
int BPF_PROG(oopses, struct task_struct *task)
{
	struct task_struct *none = task->oom_reaper_list;

	if (!from_our_process())
		return 0;
	enter();
	ctl.ret = (long)bpf_task_pt_regs(none);
	leave();
	return 0;
}
