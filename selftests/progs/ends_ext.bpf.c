// SPDX-License-Identifier: GPL-2.0
/* What is attached to functions of programs of progs/ends.bpf.c: targets are set at run time. */
#include "common.h"

SEC("freplace/short_main")
int long_main(struct __sk_buff *skb)
{
	enter();
	got(true);
	stall_loop_inlined();
	leave();
	return 0;
}

SEC("fexit/walk")
int BPF_PROG(watch_walk)
{
	COUNT(inner_started);
	return 0;
}
