// SPDX-License-Identifier: GPL-2.0
/*
 * A short program for each way of attaching, all with the same bound: one call
 * that the cost model of the test says what it takes. The names of the hooks are
 * those that the kernel is to give them.
 */
#include "common.h"

#define tick() bpf_ktime_get_ns()

#define RUNS(section, name, context, verdict) \
	SEC(section)                          \
	int name(context *ctx)                \
	{                                     \
		tick();                       \
		COUNT(started);               \
		return verdict;               \
	}

/* clang-format off */
RUNS("kprobe/bpf_fentry_test1", p_kprobe, struct pt_regs, 0)
RUNS("kretprobe/bpf_fentry_test1", p_kretprobe, struct pt_regs, 0)
RUNS("kprobe.multi/bpf_fentry_test?", p_kprobe_multi, struct pt_regs, 0)
RUNS("kprobe.session/bpf_fentry_test1", p_kprobe_session, struct pt_regs, 0)
RUNS("fsession/bpf_fentry_test1", p_fsession, void, 0) /* newer kernels */
RUNS("kprobe", p_probe, struct pt_regs, 0)
RUNS("uprobe.multi//proc/self/exe:policy_uprobe_target", p_uprobe_multi, struct pt_regs, 0)
RUNS("tp/sched/sched_process_exit", p_tp, void, 0)
RUNS("tp/syscalls/sys_enter_getpgid", p_syscall_tp, void, 0)
RUNS("raw_tp/sys_enter", p_raw_tp, void, 0)
RUNS("perf_event", p_perf_event, void, 0)
RUNS("xdp", p_xdp, struct xdp_md, XDP_PASS)
RUNS("xdp", p_xdp_long, struct xdp_md, bpf_ktime_get_ns() ? XDP_PASS : XDP_DROP)
RUNS("xdp", p_xdp_other, struct xdp_md, XDP_PASS)
RUNS("xdp/devmap", p_devmap, struct xdp_md, XDP_PASS)
RUNS("xdp/cpumap", p_cpumap, struct xdp_md, XDP_PASS)
RUNS("tc", p_tc, struct __sk_buff, -1)
RUNS("tc", p_tc_long, struct __sk_buff, bpf_ktime_get_ns() ? -1 : 0)
RUNS("action", p_action, struct __sk_buff, 0)
RUNS("cgroup_skb/egress", p_cgroup_skb, struct __sk_buff, 1)
RUNS("cgroup_skb/egress", p_cgroup_skb_long, struct __sk_buff, bpf_ktime_get_ns() ? 1 : 0)
RUNS("cgroup/sock_create", p_cgroup_sock, struct bpf_sock, 1)
RUNS("cgroup/connect4", p_connect4, struct bpf_sock_addr, 1)
RUNS("cgroup/dev", p_cgroup_dev, struct bpf_cgroup_dev_ctx, 1)
RUNS("cgroup/sysctl", p_cgroup_sysctl, struct bpf_sysctl, 1)
RUNS("cgroup/getsockopt", p_getsockopt, struct bpf_sockopt, 1)
RUNS("sockops", p_sockops, struct bpf_sock_ops, 0)
RUNS("sk_lookup", p_sk_lookup, struct bpf_sk_lookup, SK_PASS)
RUNS("sk_lookup", p_sk_lookup_long, struct bpf_sk_lookup, bpf_ktime_get_ns() ? SK_PASS : SK_DROP)
RUNS("flow_dissector", p_flow_dissector, struct __sk_buff, BPF_OK)
RUNS("sk_msg", p_sk_msg, struct sk_msg_md, SK_PASS)
RUNS("sk_msg", p_sk_msg_long, struct sk_msg_md, bpf_ktime_get_ns() ? SK_PASS : SK_DROP)
RUNS("sk_skb/stream_parser", p_sk_skb_parser, struct __sk_buff, ctx->len)
RUNS("sk_skb/verdict", p_sk_skb_any, struct __sk_buff, SK_PASS)
RUNS("sk_skb/stream_verdict", p_sk_skb_verdict, struct __sk_buff, SK_PASS)
RUNS("sk_reuseport", p_sk_reuseport, struct sk_reuseport_md, SK_PASS)
RUNS("socket", p_socket, struct __sk_buff, 0)
RUNS("lwt_in", p_lwt_in, struct __sk_buff, BPF_OK)
RUNS("lwt_out", p_lwt_out, struct __sk_buff, BPF_OK)
RUNS("lwt_xmit", p_lwt_xmit, struct __sk_buff, BPF_OK)
RUNS("lwt_seg6local", p_seg6local, struct __sk_buff, BPF_OK)
RUNS("lirc_mode2", p_lirc, __u32, 0)
RUNS("netfilter", p_netfilter, struct bpf_nf_ctx, 1)
RUNS("netfilter", p_netfilter_long, struct bpf_nf_ctx, bpf_ktime_get_ns() ? 1 : 0)
RUNS("syscall", p_syscall, void, 0)
/* clang-format on */

SEC("tp_btf/sys_enter")
int BPF_PROG(p_tp_btf, struct pt_regs *regs, long id)
{
	tick();
	return 0;
}

SEC("fentry/bpf_fentry_test1")
int BPF_PROG(p_fentry, int a)
{
	tick();
	return 0;
}

SEC("fexit/bpf_fentry_test1")
int BPF_PROG(p_fexit, int a, int ret)
{
	tick();
	return 0;
}

SEC("fmod_ret/bpf_modify_return_test")
int BPF_PROG(p_fmod_ret, int a, int *b, int ret)
{
	tick();
	return ret;
}

SEC("lsm/ptrace_traceme")
int BPF_PROG(p_lsm, struct task_struct *parent)
{
	tick();
	return 0;
}

SEC("lsm_cgroup/ptrace_traceme")
int BPF_PROG(p_lsm_cgroup, struct task_struct *parent)
{
	tick();
	return 1;
}

SEC("iter/task")
int p_iter(struct bpf_iter__task *ctx)
{
	tick();
	return 0;
}

SEC("iter/task")
int p_iter_long(struct bpf_iter__task *ctx)
{
	tick();
	tick();
	return 0;
}

__noinline int policy_replaced(struct __sk_buff *skb)
{
	volatile int ret = skb->len;

	return ret;
}

SEC("tc")
int p_target(struct __sk_buff *skb)
{
	tick();
	return policy_replaced(skb);
}

SEC("freplace/policy_replaced")
int p_freplace(struct __sk_buff *skb)
{
	tick();
	return 2;
}

/* A dispatcher, as libxdp makes them. */
__noinline int policy_part0(struct xdp_md *ctx)
{
	volatile int ret = ctx->rx_queue_index;

	return ret ? XDP_DROP : XDP_PASS;
}

__noinline int policy_part1(struct xdp_md *ctx)
{
	volatile int ret = ctx->rx_queue_index;

	return ret ? XDP_DROP : XDP_PASS;
}

SEC("xdp")
int p_dispatch(struct xdp_md *ctx)
{
	tick();
	return policy_part0(ctx) == XDP_PASS ? policy_part1(ctx) : XDP_DROP;
}

SEC("freplace/policy_part0")
int p_part(struct xdp_md *ctx)
{
	tick();
	return XDP_PASS;
}

SEC("fentry/p_part")
int p_on_part(void *ctx)
{
	tick();
	return 0;
}

/* Takes longer, and has no bound. */
SEC("syscall")
int p_twice(void *ctx)
{
	tick();
	tick();
	return 0;
}

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u32);
} prog_array SEC(".maps");

SEC("xdp")
int p_unbounded(struct xdp_md *ctx)
{
	tick();
	bpf_tail_call(ctx, &prog_array, 0);
	return XDP_PASS;
}

static long p_nothing(__u32 i, void *unused)
{
	return 0;
}

/* A way out that can be forced, and one that cannot, as what is compared is used: see
 * endless.bpf.c.
 */
SEC("tc")
int p_tc_open(struct __sk_buff *ctx)
{
	enter();
	for (;;) {
		bpf_loop(1, p_nothing, NULL, 0);
		ctl.steps++;
		if (ctl.brake)
			break;
	}
	return -1;
}

SEC("tc")
int p_tc_endless(struct __sk_buff *ctx)
{
	__u32 brake;

	enter();
	for (;;) {
		bpf_loop(1, p_nothing, NULL, 0);
		ctl.steps++;
		brake = ctl.brake;
		if (brake)
			break;
	}
	ctl.ret = brake;
	return -1;
}

/* Ended by a budget that is lower than it takes. */
SEC("syscall")
int p_stall(void *ctx)
{
	enter();
	stall_loop_called();
	leave();
	return 0;
}

/* The same, on hooks from which the kernel can detach it, and cannot. */
SEC("tp/syscalls/sys_enter_getpgid")
int p_stall_tp(void *ctx)
{
	if (!from_our_process())
		return 0;
	enter();
	stall_loop_called();
	leave();
	return 0;
}

SEC("iter/bpf_map")
int p_stall_iter(void *ctx)
{
	enter();
	stall_loop_called();
	leave();
	return 0;
}

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct bpf_devmap_val);
} devmap SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP_HASH);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct bpf_devmap_val);
} devmap_hash SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_CPUMAP);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct bpf_cpumap_val);
} cpumap SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u64);
} sockmap SEC(".maps");

SEC("struct_ops")
void BPF_PROG(p_cong_avoid, struct sock *sk, __u32 ack, __u32 acked)
{
	tick();
}

SEC("struct_ops")
__u32 BPF_PROG(p_ssthresh, struct sock *sk)
{
	tick();
	return 2;
}

SEC("struct_ops")
__u32 BPF_PROG(p_undo_cwnd, struct sock *sk)
{
	tick();
	return 2;
}

SEC(".struct_ops")
struct tcp_congestion_ops cong = {
	.cong_avoid = (void *)p_cong_avoid,
	.ssthresh = (void *)p_ssthresh,
	.undo_cwnd = (void *)p_undo_cwnd,
	.name = "bpf_policy",
};

SEC(".struct_ops.link")
struct tcp_congestion_ops cong_link = {
	.cong_avoid = (void *)p_cong_avoid,
	.ssthresh = (void *)p_ssthresh,
	.undo_cwnd = (void *)p_undo_cwnd,
	.name = "bpf_policy_link",
};
