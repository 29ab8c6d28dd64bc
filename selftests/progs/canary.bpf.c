// SPDX-License-Identifier: GPL-2.0
/* Loaded and run after each test: does the kernel still work, did anything leak? */
#include "common.h"
#include "percpu.h"

/* What the runner compares before and after. */
struct {
	__u32 preempt_count;
	__u32 rcu_nesting;
	__u32 task_refs;
	__u32 sum;
} seen SEC(".data.seen");

static long add(__u32 i, void *unused)
{
	seen.sum += i;
	return 0;
}

SEC("syscall")
int canary(void *unused)
{
	struct task_struct *task = bpf_get_current_task_btf();

	seen.preempt_count = preempt_count();
	seen.rcu_nesting = task->rcu_read_lock_nesting;
	seen.task_refs = task->rcu_users.refs.counter;
	seen.sum = 0;
	bpf_loop(100, add, NULL, 0);
	return seen.sum;
}

/* Allocated objects: what was taken from the allocator and what went back. */
__u64 obj_allocs SEC(".data.obj");
__u64 obj_frees SEC(".data.obj");
static void *dropped;

SEC("fexit/bpf_obj_new_impl")
int BPF_PROG(count_alloc, __u64 id, void *meta, void *ret)
{
	if (ret)
		__sync_fetch_and_add(&obj_allocs, 1);
	if (ret == dropped)
		dropped = NULL;
	return 0;
}

SEC("kprobe/__bpf_obj_drop_impl")
int count_free(struct pt_regs *ctx)
{
	if ((void *)PT_REGS_PARM1(ctx) != dropped)
		__sync_fetch_and_add(&obj_frees, 1);
	return 0;
}

/* Linux 7.3 has this function, too, and the one above may be inlined into it. */
SEC("kprobe/bpf_obj_drop")
int count_drop(struct pt_regs *ctx)
{
	dropped = (void *)PT_REGS_PARM1(ctx);
	__sync_fetch_and_add(&obj_frees, 1);
	return 0;
}
