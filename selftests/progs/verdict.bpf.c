// SPDX-License-Identifier: GPL-2.0
/*
 * Programs of each type, whose returned value counts. They stall; then they return, ended,
 * one of two values, as the test says.
 */
#include "common.h"

/* 0: the first value, else the second. */
volatile int second;

static __always_inline void stall(void)
{
	enter();
	stall_loop_called();
	leave();
}

/* Without any helper. */
static __always_inline void stall_without_calls(void)
{
	COUNT(started);
	while (can_loop)
		if (step())
			break;
	leave();
}

/* On a hook that only our test runs pass. */
#define VERDICT(section, name, context, a, b) \
	SEC(section)                          \
	int name(context *ctx)                \
	{                                     \
		stall();                      \
		return second ? b : a;        \
	}

/* On one that others pass as well, or that is passed again: they get what is always right. */
#define ARMED_VERDICT(section, name, context, a, b, pass) \
	SEC(section)                                      \
	int name(context *ctx)                            \
	{                                                 \
		if (!armed())                             \
			return pass;                      \
		stall();                                  \
		return second ? b : a;                    \
	}

#define TASK_VERDICT(section, name, context, a, b, pass) \
	SEC(section)                                     \
	int name(context *ctx)                           \
	{                                                \
		if (!from_our_process() || !armed())     \
			return pass;                     \
		stall();                                 \
		return second ? b : a;                   \
	}

/* clang-format off */
VERDICT("xdp", on_xdp, struct xdp_md, XDP_PASS, XDP_DROP)
VERDICT("tc", on_cls, struct __sk_buff, -1 /* TC_ACT_UNSPEC */, 2 /* TC_ACT_SHOT */)
VERDICT("action", on_act, struct __sk_buff, -1, 2)
VERDICT("socket", on_socket, struct __sk_buff, -1, 0)
VERDICT("flow_dissector", on_flow_dissector, struct __sk_buff, BPF_FLOW_DISSECTOR_CONTINUE, BPF_DROP)
VERDICT("lwt_in", on_lwt_in, struct __sk_buff, BPF_OK, BPF_DROP)
VERDICT("lwt_out", on_lwt_out, struct __sk_buff, BPF_OK, BPF_DROP)
VERDICT("lwt_xmit", on_lwt_xmit, struct __sk_buff, BPF_OK, BPF_DROP)
VERDICT("netfilter", on_netfilter, struct bpf_nf_ctx, 1 /* NF_ACCEPT */, 0 /* NF_DROP */)
VERDICT("syscall", on_syscall, void, 0, 5)
VERDICT("raw_tp", on_raw_tp, void, 0, 5)

ARMED_VERDICT("lwt_seg6local", on_seg6local, struct __sk_buff, BPF_OK, BPF_DROP, BPF_OK)
ARMED_VERDICT("sk_lookup", on_sk_lookup, struct bpf_sk_lookup, SK_PASS, SK_DROP, SK_PASS)
ARMED_VERDICT("sk_reuseport", on_reuseport, struct sk_reuseport_md, SK_PASS, SK_DROP, SK_PASS)
ARMED_VERDICT("sk_msg", on_sk_msg, struct sk_msg_md, SK_PASS, SK_DROP, SK_PASS)
ARMED_VERDICT("sk_skb/stream_verdict", on_sk_skb, struct __sk_buff, SK_PASS, SK_DROP, SK_PASS)
ARMED_VERDICT("sk_skb/stream_parser", on_parser, struct __sk_buff, ctx->len, 0, ctx->len)
ARMED_VERDICT("perf_event", on_perf_event, struct bpf_perf_event_data, 0, 1, 0)
ARMED_VERDICT("raw_tp.w/bpf_test_finish", on_writable, void, 0, 5, 0)

TASK_VERDICT("kprobe", on_kprobe, struct pt_regs, 0, 1, 0)
TASK_VERDICT("tracepoint", on_tracepoint, void, 0, 1, 0)
TASK_VERDICT("cgroup_skb/egress", on_cgroup_skb, struct __sk_buff, 1, 0, 1)
TASK_VERDICT("cgroup/sock_create", on_cgroup_sock, struct bpf_sock, 1, 0, 1)
TASK_VERDICT("cgroup/connect4", on_connect, struct bpf_sock_addr, 1, 0, 1)
TASK_VERDICT("cgroup/recvmsg4", on_recvmsg, struct bpf_sock_addr, 1, 1, 1)
TASK_VERDICT("cgroup/dev", on_cgroup_device, struct bpf_cgroup_dev_ctx, 1, 0, 1)
TASK_VERDICT("cgroup/sysctl", on_cgroup_sysctl, struct bpf_sysctl, 1, 0, 1)
TASK_VERDICT("cgroup/getsockopt", on_getsockopt, struct bpf_sockopt, 1, 0, 1)
TASK_VERDICT("cgroup/setsockopt", on_setsockopt, struct bpf_sockopt, 1, 0, 1)
TASK_VERDICT("lsm/task_getpgid", on_lsm, void, 0, -1 /* EPERM */, 0)
TASK_VERDICT("lsm.s/file_open", on_lsm_sleepable, void, 0, -1, 0)
TASK_VERDICT("lsm_cgroup/task_getscheduler", on_lsm_cgroup, void, 1, 0, 1)
TASK_VERDICT("lsm/inode_xattr_skipcap", on_lsm_bool, void, 0, 1, 0)
TASK_VERDICT("lsm/d_instantiate", on_lsm_void, void, 0, 0, 0)
TASK_VERDICT("fentry/bpf_fentry_test1", on_fentry, void, 0, 0, 0)
TASK_VERDICT("fmod_ret/bpf_modify_return_test", on_fmod_ret, void, 0, 5, 0)
TASK_VERDICT("iter/task", on_iter, struct bpf_iter__task, 0, 1, 0)
VERDICT("freplace", on_ext, struct xdp_md, XDP_PASS, XDP_DROP)
/* clang-format on */

SEC("struct_ops/test_1")
int on_struct_ops(void *ctx)
{
	stall_without_calls();
	return second ? 5 : 0;
}

SEC(".struct_ops")
struct bpf_dummy_ops dummy_ops = { .test_1 = (void *)on_struct_ops };

/* Runs, for the tracepoint. */
SEC("xdp")
int harmless(struct xdp_md *ctx)
{
	return XDP_PASS;
}

/* What an extension replaces; the loop is for the program to be terminable. */
__noinline int replaced(struct xdp_md *ctx)
{
	int ret = XDP_ABORTED;

	stall();
	/* The compiler must not know it: it would not use what an extension returns. */
	barrier_var(ret);
	return ret;
}

SEC("xdp")
int on_extended(struct xdp_md *ctx)
{
	return replaced(ctx);
}

/* The answer is in reply, and counts only if the program returns 1. */
SEC("sockops")
int on_sock_ops(struct bpf_sock_ops *ctx)
{
	if (ctx->op != BPF_SOCK_OPS_NEEDS_ECN || !from_our_process() ||
	    !armed())
		return 1;
	ctx->reply = 1;
	stall();
	return second ? 0 : 1;
}

SEC("lirc_mode2")
int on_lirc(__u32 *ctx)
{
	if (!armed())
		return 0;
	stall_without_calls();
	return second ? 1 : 0;
}

struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} sockets SEC(".maps");
