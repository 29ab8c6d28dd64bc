// SPDX-License-Identifier: GPL-2.0
/* A helper that takes long: the invocation cannot be ended before it returns. */
#include "common.h"

struct big {
	__u8 bytes[STUCK_BYTES];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct big);
} bigs SEC(".maps");

static long copy_once(__u32 i, void *unused)
{
	__u32 from = 0, to = 1;
	struct big *src = bpf_map_lookup_elem(&bigs, &from);
	struct big *dst = bpf_map_lookup_elem(&bigs, &to);

	if (!src || !dst)
		return 1;
	bpf_probe_read_kernel(dst, sizeof(*dst), src);
	ctl.steps++;
	return 0;
}

SEC("syscall")
int stuck_in_helper(void *unused)
{
	enter();
	if (bpf_loop(ctl.n, copy_once, NULL, 0) == ctl.n)
		COUNT(full);
	leave();
	return 0;
}
