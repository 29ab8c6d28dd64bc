// SPDX-License-Identifier: GPL-2.0
/*
 * Programs of several lengths at the entry of system calls, which a server takes some of for each
 * request: what they take, its clients wait for.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

/* the harness sets them; the verifier must not know them */
__u32 turns;
__u32 turns_deep;
__u32 server_pid;
__u64 sink;

/* as short as a program that counts */
SEC("raw_tp/sys_enter") int short_prog(void *ctx)
{
	__u64 v = sink;
	int i;

#pragma unroll
	for (i = 0; i < 8; i++)
		v = v * 31 + i;
	sink = v;
	return 0;
}

static int cb_turn(__u64 i, void *ctx)
{
	sink += i;
	return 0;
}

SEC("raw_tp/sys_enter") int loop_prog(void *ctx)
{
	bpf_loop(turns, cb_turn, NULL, 0);
	return 0;
}

static int cb_deep(__u64 i, void *ctx)
{
	bpf_loop(turns, cb_turn, NULL, 0);
	return 0;
}

/* of the server only: its clients go on, and so does who measures */
SEC("raw_tp/sys_enter") int stall_prog(void *ctx)
{
	if (bpf_get_current_pid_tgid() >> 32 != server_pid)
		return 0;
	bpf_loop(turns_deep, cb_deep, NULL, 0);
	return 0;
}
