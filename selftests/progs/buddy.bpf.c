// SPDX-License-Identifier: GPL-2.0
/* What needs another CPU that watches it, and what does not. */
#include "lock_loop.h"

SEC("tc")
int is_short(struct __sk_buff *skb)
{
	enter();
	leave();
	return 0;
}

static long nothing(__u32 i, void *unused)
{
	return ctl.brake != 0;
}

/* With interrupts on: its own CPU times it. */
SEC("tc")
int loops(struct __sk_buff *skb)
{
	enter();
	bpf_loop(ctl.n, nothing, NULL, 0);
	leave();
	return 0;
}

SEC("tc")
int locks(struct __sk_buff *skb)
{
	enter();
	lock_loop();
	leave();
	return 0;
}

/* With interrupts on, as long as it has no extension. */
__noinline int plain(__u64 turn)
{
	return ctl.brake ? -(int)turn : 0;
}

static long call_plain(__u32 turn, void *unused)
{
	return plain(turn) != 0;
}

SEC("tc")
int calls(struct __sk_buff *skb)
{
	enter();
	bpf_loop(1 << 23, call_plain, NULL, 0);
	leave();
	return 0;
}

/* On a CPU that goes offline, when it takes interrupts no longer. */
SEC("?fentry/cpuhp_report_idle_dead")
int BPF_PROG(dies)
{
	enter();
	leave();
	return 0;
}
