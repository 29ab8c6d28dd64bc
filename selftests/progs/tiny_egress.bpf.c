// SPDX-License-Identifier: GPL-2.0
/* What packets that leave may run: little, or more of it. */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>

SEC("cgroup_skb/egress")
int egress_short(struct __sk_buff *skb)
{
	return 1;
}

SEC("cgroup_skb/egress")
int egress_long(struct __sk_buff *skb)
{
	return bpf_ktime_get_ns() ? 1 : 0;
}

SEC("tc")
int egress_tc(struct __sk_buff *skb)
{
	return -1;
}

char LICENSE[] SEC("license") = "GPL";
