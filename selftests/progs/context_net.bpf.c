// SPDX-License-Identifier: GPL-2.0
/* A program of each type that sees packets or sockets. */
#include "context.h"

/* clang-format off */
CONTEXT("tc", net_cls, struct __sk_buff, -1)
CONTEXT("action", net_act, struct __sk_buff, -1)
CONTEXT("lwt_in", net_lwt_in, struct __sk_buff, BPF_OK)
CONTEXT("lwt_out", net_lwt_out, struct __sk_buff, BPF_OK)
CONTEXT("lwt_xmit", net_lwt_xmit, struct __sk_buff, BPF_OK)
CONTEXT("lwt_seg6local", net_seg6local, struct __sk_buff, BPF_OK)
CONTEXT("netfilter", net_netfilter, struct bpf_nf_ctx, 1 /* NF_ACCEPT */)
CONTEXT("sk_lookup", net_sk_lookup, struct bpf_sk_lookup, SK_PASS)
CONTEXT("sk_reuseport", net_reuseport, struct sk_reuseport_md, SK_PASS)
CONTEXT("sk_msg", net_sk_msg, struct sk_msg_md, SK_PASS)
CONTEXT("sk_skb/stream_parser", net_parser, struct __sk_buff, ctx->len)
CONTEXT("sk_skb/stream_verdict", net_verdict, struct __sk_buff, SK_PASS)
CONTEXT("flow_dissector", net_dissector, struct __sk_buff, BPF_FLOW_DISSECTOR_CONTINUE)
CONTEXT("xdp/cpumap", net_cpumap, struct xdp_md, XDP_PASS)
/* clang-format on */

struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} sockets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_CPUMAP);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct bpf_cpumap_val);
} cpus SEC(".maps");

/* Sends what comes to the kernel thread of a CPU, where net_cpumap sees it. */
SEC("xdp")
int net_to_cpu(struct xdp_md *ctx)
{
	return bpf_redirect_map(&cpus, 0, XDP_PASS);
}

/* Has next to no helpers: a loop that is none. */
static __noinline int lirc_inner(void)
{
	__u64 i;

	for (i = 0; i < ctl.m * ctl.m && can_loop; i++)
		if (step())
			break;
	return 0;
}

SEC("lirc_mode2")
int net_lirc(__u32 *ctx)
{
	__u64 i;

	if (!armed())
		return 0;
	enter();
	got(true);
	for (i = 0; i < ctl.n && can_loop; i++) {
		lirc_inner();
		if (ctl.brake)
			break;
	}
	leave();
	return 0;
}
