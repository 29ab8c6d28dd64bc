// SPDX-License-Identifier: GPL-2.0
/* One program for each way of being attached and held. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u32);
} jumps SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} socks SEC(".maps");

SEC("xdp")
int on_xdp(struct xdp_md *ctx)
{
	return XDP_PASS;
}

/* What attached_ext replaces. */
__noinline int replaced(struct __sk_buff *skb)
{
	return skb->len == 0;
}

SEC("tc")
int on_tc(struct __sk_buff *skb)
{
	return replaced(skb);
}

SEC("tcx/ingress")
int on_tcx(struct __sk_buff *skb)
{
	return -1;
}

SEC("cgroup_skb/egress")
int on_cgroup(struct __sk_buff *skb)
{
	return 1;
}

SEC("flow_dissector")
int on_netns(struct __sk_buff *skb)
{
	return BPF_FLOW_DISSECTOR_CONTINUE;
}

SEC("sk_skb/stream_verdict")
int on_sockmap(struct __sk_buff *skb)
{
	return 1;
}

SEC("kprobe/vfs_fsync")
int on_kprobe(void *ctx)
{
	return 0;
}

SEC("kprobe/vfs_fsync_range")
int by_tail_call(void *ctx)
{
	return 0;
}

SEC("kprobe.multi/vfs_f*sync*")
int on_functions(void *ctx)
{
	return 0;
}

SEC("fentry/vfs_fsync")
int on_fentry(void *ctx)
{
	return 0;
}
