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

/* A round takes some milliseconds, and nothing in it looks at the clock. */
static long slow_round(__u32 i, void *unused)
{
	__u32 j;
	__u64 x;

	for (j = 0; j < 50000; j++)
		bpf_probe_read_kernel(&x, sizeof(x), (void *)&ctl);
	return ctl.brake != 0;
}

SEC("raw_tp/sched_switch")
int slow_rounds(void *ctx)
{
	if (from_our_process() && armed())
		bpf_loop(ctl.n, slow_round, NULL, 0);
	return 0;
}

/* Where it is preemptible, and its CPU goes on with others. */
SEC("syscall")
int long_run(void *unused)
{
	enter();
	bpf_loop(1 << 23, clock_body, NULL, 0);
	leave();
	return 0;
}
