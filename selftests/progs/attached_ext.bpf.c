// SPDX-License-Identifier: GPL-2.0
/* Replaces a function of attached.bpf.c, and takes days. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

__u64 n;

static long turn(__u32 i, void *unused)
{
	__sync_fetch_and_add(&n, 1);
	return 0;
}

static long turns(__u32 i, void *unused)
{
	bpf_loop(8 << 20, turn, NULL, 0);
	return 0;
}

SEC("freplace/replaced")
int replaces_it(struct __sk_buff *skb)
{
	bpf_loop(8 << 20, turns, NULL, 0);
	return 0;
}
