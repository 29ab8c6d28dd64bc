// SPDX-License-Identifier: GPL-2.0
/* Interrupts that programs raise: to wake who waits for a record, to send a signal. */
#include "common.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 24);
} waited_on SEC(".maps");

static long wakes_turn(__u32 i, void *unused)
{
	__u64 *rec = bpf_ringbuf_reserve(&waited_on, sizeof(*rec), 0);

	if (!rec)
		return 1;
	bpf_ringbuf_discard(rec, BPF_RB_FORCE_WAKEUP);
	return step();
}

/* Each record wakes all who wait, in an interrupt on top of this. */
SEC("syscall")
int wakes(void *unused)
{
	enter();
	if (bpf_loop(ctl.n, wakes_turn, NULL, 0) == ctl.n)
		COUNT(full);
	leave();
	return 0;
}

static __always_inline void wake(void)
{
	__u64 rec = ctl.n;

	bpf_ringbuf_output(&waited_on, &rec, sizeof(rec), BPF_RB_FORCE_WAKEUP);
}

/* What follows such a call can be spared; behind the only one, nothing is. */
SEC("socket")
int wakes_once(struct __sk_buff *skb)
{
	wake();
	return 0;
}

SEC("socket")
int wakes_twice(struct __sk_buff *skb)
{
	wake();
	wake();
	return 0;
}

/* Goes through all threads of the process, in an interrupt if preemption is off. */
SEC("kprobe/htab_map_update_elem")
int signals(struct pt_regs *ctx)
{
	if (from_our_process())
		bpf_send_signal(ctl.flags);
	return 0;
}

struct ring {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 24);
};

struct ring waited_on_2 SEC(".maps"), waited_on_3 SEC(".maps"),
	waited_on_4 SEC(".maps");

static __always_inline void wake_by(void *map)
{
	__u64 *rec = bpf_ringbuf_reserve(map, sizeof(*rec), 0);

	if (rec)
		bpf_ringbuf_discard(rec, BPF_RB_FORCE_WAKEUP);
}

static __always_inline void wake_all(void)
{
	wake_by(&waited_on);
	wake_by(&waited_on_2);
	wake_by(&waited_on_3);
	wake_by(&waited_on_4);
}

/* One of at most ctl.n. */
static __always_inline bool one_more(void)
{
	if (!ctl.n)
		return false;
	ctl.n--;
	ctl.steps++;
	return true;
}

/* Interrupts are off here. */
SEC("tp_btf/sched_switch")
int switches(void *ctx)
{
	if (from_our_process() && one_more())
		wake_all();
	return 0;
}

SEC("tp_btf/sched_switch")
int switches_once(void *ctx)
{
	if (from_our_process() && one_more())
		wake_by(&waited_on);
	return 0;
}

/* One in ctl.m has many who wait. */
SEC("tp_btf/sched_switch")
int switches_seldom(void *ctx)
{
	if (!from_our_process() || !one_more())
		return 0;
	if (ctl.steps % ctl.m)
		wake_by(&waited_on_2);
	else
		wake_by(&waited_on);
	return 0;
}

SEC("tp_btf/hrtimer_expire_entry")
int expires(void *ctx)
{
	if (one_more())
		wake_all();
	return 0;
}

static long runs_on_turn(__u32 i, void *unused)
{
	return ctl.brake != 0;
}

/* Takes a while itself. */
SEC("tp_btf/hrtimer_expire_entry")
int expires_long(void *ctx)
{
	if (one_more())
		bpf_loop(ctl.m, runs_on_turn, NULL, 0);
	return 0;
}

/* In such an interrupt, before it is over. */
SEC("fentry/__wake_up")
int before(void *ctx)
{
	if (one_more())
		wake_by(&waited_on_2);
	return 0;
}

/* The end of such an interrupt. */
SEC("tp_btf/irq_work_exit")
int again(void *ctx)
{
	if (one_more())
		wake_by(&waited_on_2);
	return 0;
}

SEC("tp_btf/irq_work_exit")
int odd(void *ctx)
{
	if ((ctl.n & 1) && one_more())
		wake_by(&waited_on_2);
	return 0;
}

SEC("tp_btf/irq_work_exit")
int even(void *ctx)
{
	if (!(ctl.n & 1) && one_more())
		wake_by(&waited_on_3);
	return 0;
}

SEC("fentry/__x64_sys_getpgid")
int wakes_by_call(void *ctx)
{
	if (from_our_process() && one_more())
		wake_by(&waited_on);
	return 0;
}

SEC("syscall")
int wakes_first(void *unused)
{
	wake();
	return 0;
}

/* What it raises itself is the first of many. */
SEC("syscall")
int runs_on(void *unused)
{
	enter();
	wake();
	if (bpf_loop(ctl.m, runs_on_turn, NULL, 0) == ctl.m)
		COUNT(full);
	leave();
	return 0;
}

#define RESERVE(i) \
	__u64 *rec_##i = bpf_ringbuf_reserve(&waited_on, sizeof(*rec_##i), 0)
#define SUBMIT(i)                                                         \
	do {                                                              \
		if (rec_##i)                                              \
			bpf_ringbuf_submit(rec_##i, BPF_RB_FORCE_WAKEUP); \
	} while (0)

/* Each of the records that it gives back wakes all who wait. */
SEC("syscall")
int holds(void *unused)
{
	RESERVE(0);
	RESERVE(1);
	RESERVE(2);
	RESERVE(3);
	RESERVE(4);
	RESERVE(5);
	RESERVE(6);
	RESERVE(7);

	enter();
	got(rec_0 && rec_7);
	bpf_loop(ctl.n, runs_on_turn, NULL, 0);
	SUBMIT(0);
	SUBMIT(1);
	SUBMIT(2);
	SUBMIT(3);
	SUBMIT(4);
	SUBMIT(5);
	SUBMIT(6);
	SUBMIT(7);
	leave();
	return 0;
}
