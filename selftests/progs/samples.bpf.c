// SPDX-License-Identifier: GPL-2.0
/* Programs whose runs the watchdog times. */
#include "common.h"

static long sample_step(__u32 i, void *unused)
{
	return step();
}

/* One run in m, by chance, takes n steps, the others one; 0: none does. */
SEC("socket")
int samples_two(struct __sk_buff *skb)
{
	bool longer = ctl.m && !(bpf_get_prandom_u32() % ctl.m);

	if (longer)
		COUNT(full);
	COUNT(started);
	bpf_loop(longer ? ctl.n : 1, sample_step, NULL, 0);
	return 0;
}

/* Two on one hook, which run one after the other. */
SEC("raw_tp/sys_enter")
int samples_first(void *ctx)
{
	bpf_loop(ctl.n, sample_step, NULL, 0);
	return 0;
}

SEC("raw_tp/sys_enter")
int samples_second(void *ctx)
{
	bpf_loop(ctl.n, sample_step, NULL, 0);
	return 0;
}

/* The histogram of a program, from the kernel's memory. */
__u32 seen[256] SEC(".data.seen");

SEC("iter/bpf_prog")
int samples_seen(struct bpf_iter__bpf_prog *ctx)
{
	struct bpf_prog *prog = ctx->prog;

	if (prog && prog->aux->id == ctl.pid)
		bpf_probe_read_kernel(
			&seen, sizeof(prog->aux->watchdog.samples->count),
			prog->aux->watchdog.samples->count);
	return 0;
}

/* On the fork of our process, which goes on on two CPUs. */
SEC("tp_btf/sched_process_fork")
int BPF_PROG(samples_fork, struct task_struct *parent,
	     struct task_struct *child)
{
	if (from_our_process())
		COUNT(started);
	bpf_loop(ctl.n, sample_step, NULL, 0);
	return 0;
}
