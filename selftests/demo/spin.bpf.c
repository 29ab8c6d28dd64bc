// SPDX-License-Identifier: GPL-2.0
/* What the verifier accepts today: 2^46 rounds, some days, in every read() of cat. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

static long spin(__u32 i, __u64 *n)
{
	(*n)++;
	return 0;
}

static long spin_outer(__u32 i, __u64 *n)
{
	bpf_loop(1 << 23, spin, n, 0);
	return 0;
}

SEC("kprobe/vfs_read")
int spin_vfs_read(void *ctx)
{
	char comm[16] = {};
	__u64 n = 0;

	bpf_get_current_comm(comm, sizeof(comm));
	if (comm[0] == 'c' && comm[1] == 'a' && comm[2] == 't' && !comm[3])
		bpf_loop(1 << 23, spin_outer, &n, 0);
	return 0;
}
