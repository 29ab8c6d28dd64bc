// SPDX-License-Identifier: GPL-2.0
/* A program in an NMI, on top of one that stalls with interrupts off. */
#include "common.h"
#include "locked.h"

static __noinline int goto_inner(void)
{
	__u64 i;

	for (i = 0; i < ctl.m * ctl.m && can_loop; i++)
		if (step())
			break;
	return 0;
}

SEC("tc")
int below_nmi(struct __sk_buff *skb)
{
	__u32 key = 0;
	struct locked *l = bpf_map_lookup_elem(&locks, &key);
	__u64 i;

	if (!l)
		return 0;
	enter();
	bpf_spin_lock(&l->lock);
	got(true);
	for (i = 0; i < ctl.n && can_loop; i++) {
		goto_inner();
		if (ctl.brake)
			break;
	}
	l->count++;
	bpf_spin_unlock(&l->lock);
	leave();
	return 0;
}

/* Until a time has passed: the CPU that sends NMIs sends another one meanwhile. */
static long nmi_step(__u32 i, __u64 *until)
{
	__u64 junk;

	/* A fault returns with iret, which lets NMIs in again: they nest. */
	if (ctl.refused)
		bpf_probe_read_kernel(&junk, sizeof(junk),
				      (void *)0xffffffffdeadbeefUL);
	return bpf_ktime_get_ns() > *until;
}

/* After each handler of an NMI; that of the watchdog says that it was its own. */
SEC("tp_btf/nmi_handler")
int BPF_PROG(in_nmi, void *handler, s64 delta_ns, int handled)
{
	__u64 until = bpf_ktime_get_ns() + ctl.flags;

	/* No more than some: else nothing but NMIs would be executed any more. */
	if (!ctl.armed || !handled || ctl.inner_started == NMI_RUNS)
		return 0;
	COUNT(inner_started);
	bpf_loop(1 << 23, nmi_step, &until, 0);
	if (bpf_ktime_get_ns() > until)
		COUNT(inner_full);
	COUNT(inner_finished);
	return 0;
}

/* On a hardware breakpoint where the watchdog has seen that a program has overrun. */
SEC("perf_event")
int on_look(struct bpf_perf_event_data *ctx)
{
	COUNT(inner_started);
	return 0;
}
