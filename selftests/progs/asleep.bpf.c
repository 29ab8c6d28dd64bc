// SPDX-License-Identifier: GPL-2.0
/* A run that waits for memory of a process. */
#include "common.h"

SEC("syscall")
int asleep(void *unused)
{
	char text[8];

	enter();
	ctl.ret = bpf_copy_from_user(text, sizeof(text), (void *)ctl.user_ptr);
	stall_loop_inlined();
	leave();
	return 0;
}

static long burn(__u32 i, __u64 *until)
{
	return bpf_ktime_get_ns() >= *until;
}

/* n times: runs for m ns, and waits for the next page. */
static __always_inline void nap(__u64 pages)
{
	char text[8];
	__u64 until, i;

	bpf_for(i, 0, ctl.n)
	{
		until = bpf_ktime_get_ns() + ctl.m;
		bpf_loop(1 << 20, burn, &until, 0);
		if (bpf_copy_from_user(text, sizeof(text),
				       (void *)(pages + i * 4096)))
			break;
		COUNT(steps);
	}
}

SEC("syscall")
int naps(void *unused)
{
	enter();
	nap(ctl.user_ptr);
	leave();
	return 0;
}

__u32 nappers;

/* Each run has n pages of its own. */
SEC("syscall")
int naps_many(void *unused)
{
	__u64 nr = __sync_fetch_and_add(&nappers, 1);

	enter();
	nap(ctl.user_ptr + nr * ctl.n * 4096);
	leave();
	return 0;
}
