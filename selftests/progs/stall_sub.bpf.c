// SPDX-License-Identifier: GPL-2.0
/* Static and global subprograms, four deep. */
#include "common.h"
#include "ringbuf.h"

#define LEVEL(name, below)                                \
	static __noinline int name(void)                  \
	{                                                 \
		__u64 i;                                  \
                                                          \
		for (i = 0; i < ctl.m && can_loop; i++) { \
			below;                            \
			if (ctl.brake)                    \
				break;                    \
		}                                         \
		return 0;                                 \
	}

LEVEL(static_4, step())
LEVEL(static_3, static_4())
LEVEL(static_2, static_3())
LEVEL(static_1, static_2())

/* Verified one by one, each with its own bound: no helper, no may_goto below the program itself. */
#define GLOBAL_LEVEL(name, below)                    \
	__noinline int name(void)                    \
	{                                            \
		int i;                               \
                                                     \
		for (i = 0; i < 100; i++) {          \
			if (i >= ctl.m || ctl.brake) \
				break;               \
			below;                       \
		}                                    \
		return i;                            \
	}

GLOBAL_LEVEL(global_4, step())
GLOBAL_LEVEL(global_3, global_4())
GLOBAL_LEVEL(global_2, global_3())
GLOBAL_LEVEL(global_1, global_2())

SEC("kprobe/__x64_sys_getpgid")
int sub_static(struct pt_regs *ctx)
{
	__u64 *rec, i;

	if (!from_our_process())
		return 0;
	enter();
	rec = bpf_ringbuf_reserve(&rb, sizeof(*rec), 0);
	got(rec);
	if (!rec)
		return 0;
	*rec = 0;
	for (i = 0; i < ctl.n && can_loop; i++) {
		static_1();
		if (ctl.brake)
			break;
	}
	bpf_ringbuf_submit(rec, 0);
	leave();
	return 0;
}

SEC("fentry/__x64_sys_getpgid")
int BPF_PROG(sub_global)
{
	struct task_struct *task;
	__u64 i;

	if (!from_our_process())
		return 0;
	enter();
	task = bpf_task_acquire(bpf_get_current_task_btf());
	got(task);
	if (!task)
		return 0;
	for (i = 0; i < ctl.n && can_loop; i++) {
		global_1();
		if (ctl.brake)
			break;
	}
	bpf_task_release(task);
	leave();
	return 0;
}
