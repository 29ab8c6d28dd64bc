// SPDX-License-Identifier: GPL-2.0
/* Calls that run on the fast path, and take long: the invocation does not end before they return. */
#include "common.h"
#include "listed.h"

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
int long_helper(void *unused)
{
	enter();
	if (bpf_loop(ctl.n, copy_once, NULL, 0) == ctl.n)
		COUNT(full);
	leave();
	return 0;
}

/* What it holds takes as long to free as there is of it. Nothing bounds that. */
SEC("syscall")
int long_release(void *unused)
{
	struct listed *all = obj_new(struct listed);
	struct node *one;
	int i, j;

	enter();
	if (!all)
		return 0;
	bpf_for(i, 0, ctl.n)
	{
		bpf_for(j, 0, 1000)
		{
			one = obj_new(struct node);
			if (!one)
				continue;
			bpf_spin_lock(&all->lock);
			bpf_list_push_back_impl(&all->head, &one->list, NULL,
						0);
			bpf_spin_unlock(&all->lock);
			ctl.steps++;
		}
	}
	leave();
	obj_drop(all);
	return 0;
}
