// SPDX-License-Identifier: GPL-2.0
/* Programs that run often and are short, and then one run is not. */
#include "common.h"

static long clock_step(__u32 i, void *unused)
{
	return step();
}

static long clock_body(__u32 i, void *unused)
{
	return bpf_loop(1 << 23, clock_step, NULL, 0) != 1 << 23;
}

/* n steps. The m-th run goes on for as long as it may. */
SEC("socket")
int clock_many(struct __sk_buff *skb)
{
	COUNT(started);
	if (ctl.started == ctl.m) {
		ctl.enter_ns = bpf_ktime_get_ns();
		bpf_loop(1 << 23, clock_body, NULL, 0);
	}
	if (bpf_loop(ctl.n, clock_step, NULL, 0) == ctl.n)
		COUNT(finished);
	return 0;
}

SEC("fentry/__x64_sys_getpgid")
int BPF_PROG(clock_fentry)
{
	if (from_our_process())
		COUNT(inner_started);
	return 0;
}
