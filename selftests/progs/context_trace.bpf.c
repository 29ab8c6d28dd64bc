// SPDX-License-Identifier: GPL-2.0
/* Programs of tracing that run in the contexts which other tests do not have. */
#include "context.h"

#define SYSCALL "__x64_sys_getpgid"

/* clang-format off */
TASK_CONTEXT("kprobe.multi/" SYSCALL, trace_multi, struct pt_regs, 0)
TASK_CONTEXT("kprobe.session/" SYSCALL, trace_session, struct pt_regs, 0)
TASK_CONTEXT("uprobe", trace_uprobe, struct pt_regs, 0)
TASK_CONTEXT("uretprobe", trace_uretprobe, struct pt_regs, 0)
TASK_CONTEXT("uprobe.s", trace_uprobe_sleepable, struct pt_regs, 0)
/* In a hard interrupt, that of the clock. */
CONTEXT("perf_event", trace_perf_event, void, 0)
CONTEXT("raw_tp.w/bpf_test_finish", trace_writable, void, 0)
CONTEXT("iter/task", trace_iter, struct bpf_iter__task, 0)
/* clang-format on */

SEC("fentry.s/" SYSCALL)
int BPF_PROG(trace_fentry_sleepable)
{
	if (from_our_process() && armed())
		stall_with_record();
	return 0;
}

SEC("fmod_ret/bpf_modify_return_test")
int BPF_PROG(trace_fmod_ret, int a, int *b, int ret)
{
	if (armed())
		stall_with_record();
	return 0;
}

/* Interrupts off, and the lock of the run queue is held. */
SEC("tp_btf/sched_switch")
int BPF_PROG(trace_switch, bool preempt, struct task_struct *prev,
	     struct task_struct *next)
{
	if (ctl.tgid && prev->tgid == ctl.tgid && armed())
		stall_with_record();
	return 0;
}

/* Its test run passes bpf_test_finish(). */
SEC("tc")
int packet(struct __sk_buff *skb)
{
	return 0;
}

/* --- What else is on the stack between a program and its helpers ----------------------------- */

#define HOOKED(name)                 \
	SEC("syscall")               \
	int name(void *unused)       \
	{                            \
		stall_with_record(); \
		return 0;            \
	}

HOOKED(hooked_fentry)
HOOKED(hooked_fexit)
HOOKED(hooked_fgraph)
HOOKED(hooked_kretprobe)
HOOKED(hooked_both)

SEC("kretprobe/bpf_loop")
int on_kretprobe(struct pt_regs *ctx)
{
	COUNT(inner_finished);
	return 0;
}

SEC("fentry/bpf_loop")
int BPF_PROG(on_fentry)
{
	COUNT(inner_started);
	return 0;
}

SEC("fexit/bpf_loop")
int BPF_PROG(on_fexit)
{
	COUNT(inner_finished);
	return 0;
}

/* A global function, and what takes its place. */
__noinline int replaced(struct __sk_buff *skb)
{
	volatile int ret = skb->len;

	return ret;
}

static __always_inline int call_replaced(struct __sk_buff *skb)
{
	__u64 *rec;
	int ret;

	enter();
	rec = bpf_ringbuf_reserve(&rb, sizeof(*rec), 0);
	got(rec);
	if (!rec)
		return 0;
	*rec = 0;
	ret = replaced(skb);
	ctl.ret = ret;
	bpf_ringbuf_submit(rec, 0);
	leave();
	return 0;
}

/* Cannot run for long by itself, so it has no image. */
SEC("tc")
int frame_short(struct __sk_buff *skb)
{
	return call_replaced(skb);
}

static long once(__u32 i, void *unused)
{
	return step();
}

SEC("tc")
int frame_freplace(struct __sk_buff *skb)
{
	bpf_loop(1, once, NULL, 0);
	return call_replaced(skb);
}

SEC("freplace/replaced")
int extension(struct __sk_buff *skb)
{
	COUNT(inner_started);
	stall_loop_called();
	COUNT(inner_finished);
	return 2;
}
