// SPDX-License-Identifier: GPL-2.0
/* A program that runs inside a helper which another program has called. */
#include "common.h"

static long outer_body(__u32 i, void *unused)
{
	bpf_strncmp("inner", 5, "inner");
	return step();
}

/* Calls the helper n times. */
SEC("syscall")
int outer(void *unused)
{
	enter();
	got(true);
	if (bpf_loop(ctl.n, outer_body, NULL, 0) == ctl.n)
		COUNT(full);
	leave();
	return 0;
}

static long inner_body(__u32 i, void *unused)
{
	return ctl.brake != 0;
}

/* m x m steps, so that the runner says how long it takes. */
static __always_inline int inner(void)
{
	struct bpf_iter_num it;
	__u64 done = 0;

	COUNT(inner_started);
	bpf_iter_num_new(&it, 0, ctl.m);
	while (bpf_iter_num_next(&it)) {
		if (bpf_loop(ctl.m, inner_body, NULL, 0) != ctl.m)
			break;
		done++;
	}
	bpf_iter_num_destroy(&it);
	if (done == ctl.m)
		COUNT(inner_full);
	COUNT(inner_finished);
	return 0;
}

SEC("kprobe/bpf_strncmp")
int inner_kprobe(struct pt_regs *ctx)
{
	return from_our_process() ? inner() : 0;
}

SEC("fentry/bpf_strncmp")
int BPF_PROG(inner_fentry)
{
	return from_our_process() ? inner() : 0;
}

/* On the entry and the exit of the outer program itself. */
SEC("?fentry")
int BPF_PROG(on_entry)
{
	COUNT(inner_started);
	return 0;
}

SEC("?fexit")
int BPF_PROG(on_exit)
{
	COUNT(inner_finished);
	return 0;
}
