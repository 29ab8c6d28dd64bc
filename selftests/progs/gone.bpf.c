// SPDX-License-Identifier: GPL-2.0
/* Programs that outlive those who hold them, and tasks that do not outlive their program. */
#include "common.h"
#include "async.h"

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
	return begin_work(long_work);
}

/* The program of the callback before is not held any more, whether it runs or not. */
SEC("syscall")
int replaces(void *unused)
{
	__u32 key = 0;
	struct work_slot *slot = bpf_map_lookup_elem(&works, &key);

	if (!slot)
		return -1;
	return wq_set_callback(&slot->work, short_work);
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
