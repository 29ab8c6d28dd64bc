// SPDX-License-Identifier: GPL-2.0
/* struct_ops: a congestion control of TCP, and a scheduler. */
#include "context.h"

SEC("struct_ops")
void BPF_PROG(ops_cong_avoid, struct sock *sk, __u32 ack, __u32 acked)
{
	if (armed())
		stall_with_record();
}

SEC("struct_ops")
__u32 BPF_PROG(ops_ssthresh, struct sock *sk)
{
	return 2;
}

SEC("struct_ops")
__u32 BPF_PROG(ops_undo_cwnd, struct sock *sk)
{
	return 2;
}

SEC(".struct_ops.link")
struct tcp_congestion_ops cong = {
	.cong_avoid = (void *)ops_cong_avoid,
	.ssthresh = (void *)ops_ssthresh,
	.undo_cwnd = (void *)ops_undo_cwnd,
	.name = "bpfwd_cong",
};

void scx_bpf_dispatch(struct task_struct *p, __u64 dsq_id, __u64 slice,
		      __u64 enq_flags) __ksym __weak;
/* Its name since Linux 6.13. */
void scx_bpf_dsq_insert(struct task_struct *p, __u64 dsq_id, __u64 slice,
			__u64 enq_flags) __ksym __weak;

/* The lock of the run queue is held. What it is ended with must still be dispatched. */
SEC("struct_ops")
void BPF_PROG(ops_enqueue, struct task_struct *p, __u64 enq_flags)
{
	if (ctl.tgid && p->tgid == ctl.tgid && armed())
		stall_with_record();
	if (bpf_ksym_exists(scx_bpf_dsq_insert))
		scx_bpf_dsq_insert(p, SCX_DSQ_GLOBAL, 20000000, enq_flags);
	else
		scx_bpf_dispatch(p, SCX_DSQ_GLOBAL, 20000000, enq_flags);
}

SEC(".struct_ops.link")
struct sched_ext_ops sched = {
	.enqueue = (void *)ops_enqueue,
	.name = "bpfwd_sched",
};
