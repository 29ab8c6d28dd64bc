// SPDX-License-Identifier: GPL-2.0
/* The members of a struct_ops are programs of their own, each with its bounds. */
#include "common.h"

#define tick() bpf_ktime_get_ns()

static long turn(__u32 i, void *unused)
{
	tick();
	return 0;
}

SEC("struct_ops")
void BPF_PROG(ops_cong_avoid, struct sock *sk, __u32 ack, __u32 acked)
{
	if (acked > 1)
		bpf_loop(7, turn, NULL, 0);
	tick();
}

SEC("struct_ops")
__u32 BPF_PROG(ops_ssthresh, struct sock *sk)
{
	tick();
	tick();
	return 2;
}

SEC("struct_ops")
__u32 BPF_PROG(ops_undo_cwnd, struct sock *sk)
{
	return 2;
}

SEC(".struct_ops")
struct tcp_congestion_ops ops = {
	.cong_avoid = (void *)ops_cong_avoid,
	.ssthresh = (void *)ops_ssthresh,
	.undo_cwnd = (void *)ops_undo_cwnd,
	.name = "estimate_ops",
};
