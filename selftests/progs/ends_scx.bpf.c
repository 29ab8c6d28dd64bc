// SPDX-License-Identifier: GPL-2.0
/* A scheduler that stalls all CPUs at once: run queue locks held, interrupts off. */
#include "common.h"

/* By the clock of the machine: nobody is left to pull the brake. On the fast path it is 0. */
static __always_inline bool too_long(void)
{
	__u64 now = bpf_ktime_get_ns();

	return now && now - ctl.enter_ns > ctl.user_ptr;
}

static long turn(__u32 i, void *unused)
{
	ctl.steps++;
	return too_long();
}

static long turns(__u32 i, void *unused)
{
	bpf_loop(1000, turn, NULL, 0);
	return too_long();
}

SEC("struct_ops")
void BPF_PROG(stalls_dispatch, s32 cpu, struct task_struct *prev)
{
	__u64 bit = 1ULL << (cpu & 63);

	if (!ctl.n || __sync_fetch_and_or(&ctl.m, bit) & bit)
		return;
	COUNT(started);
	if (bpf_loop(1 << 23, turns, NULL, 0) == 1 << 23)
		COUNT(full);
	if (too_long())
		COUNT(refused); /* nobody ended it */
	if (!__sync_fetch_and_add(&ctl.finished, 1))
		ctl.inner_started = ctl.started;
}

SEC(".struct_ops.link")
struct sched_ext_ops stalls = {
	.dispatch = (void *)stalls_dispatch,
	.name = "bpfwd_stalls",
};
