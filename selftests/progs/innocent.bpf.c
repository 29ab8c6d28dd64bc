// SPDX-License-Identifier: GPL-2.0
/* Programs that must never be ended. */
#include "common.h"
#include "async.h"
#include "locked.h"

/* How often a timer goes round with interrupts off, before it burns the rest of its time. */
__u64 locked_turns;

static long work_step(__u32 i, void *unused)
{
	return step();
}

static long work_body(__u32 i, void *unused)
{
	return bpf_loop(ctl.m, work_step, NULL, 0) != ctl.m;
}

/* n x m steps; says when it left, and if it did all of them. */
static __always_inline int work(void)
{
	enter();
	ctl.leave_ns = 0;
	if (bpf_loop(ctl.n, work_body, NULL, 0) == ctl.n)
		COUNT(full);
	ctl.leave_ns = bpf_ktime_get_ns();
	leave();
	return 0;
}

SEC("syscall")
int innocent_work(void *unused)
{
	return work();
}

/* Where newer kernels let others have the CPU meanwhile. */
SEC("raw_tp/task_rename")
int innocent_rename(void *unused)
{
	return from_our_process() && armed() ? work() : 0;
}

static long burn(__u32 i, __u64 *until)
{
	return bpf_ktime_get_ns() >= *until;
}

static void go_round_locked(void)
{
	__u32 key = 0;
	struct locked *l = bpf_map_lookup_elem(&locks, &key);
	__u64 i, turns = locked_turns;

	if (!l || !turns)
		return;
	bpf_spin_lock(&l->lock);
	for (i = 0; i < turns && can_loop; i++)
		l->count++;
	bpf_spin_unlock(&l->lock);
}

SEC("syscall")
int innocent_locked(void *unused)
{
	go_round_locked();
	return 0;
}

/* Takes the CPU for a time that is not the interrupted program's, and comes again. */
static int timer_burns(void *map, int *key, struct timer_slot *slot)
{
	__u64 until = bpf_ktime_get_ns() + TIMER_BURNS_NS;

	go_round_locked();
	bpf_loop(1 << 23, burn, &until, 0);
	COUNT(inner_finished);
	if (!ctl.brake)
		bpf_timer_start(&slot->timer, TIMER_PAUSE_NS,
				2 /* BPF_F_TIMER_CPU_PIN */);
	return 0;
}

SEC("syscall")
int innocent_timer(void *unused)
{
	return begin_timer(timer_burns, TIMER_PAUSE_NS, 2);
}

static long ask(__u32 i, void *unused)
{
	bpf_strncmp("top", 3, "top");
	return 0;
}

/* Little of its own; what runs on top of each call has most of the time. */
SEC("syscall")
int innocent_asks(void *unused)
{
	enter();
	if (bpf_loop(ctl.flags + 4, ask, NULL, 0) == 4)
		COUNT(full);
	leave();
	return 0;
}

SEC("kprobe/bpf_strncmp")
int innocent_on_top(struct pt_regs *ctx)
{
	if (from_our_process() && bpf_loop(ctl.n, work_body, NULL, 0) == ctl.n)
		COUNT(inner_full);
	return 0;
}

/* Sleeps in the page fault that user_ptr causes. */
SEC("syscall")
int innocent_sleep(void *unused)
{
	char buf[8] = {};

	enter();
	ctl.ret = bpf_copy_from_user(buf, sizeof(buf), (void *)ctl.user_ptr);
	if (bpf_loop(ctl.n, work_body, NULL, 0) == ctl.n && buf[0] == 'w')
		COUNT(full);
	leave();
	return 0;
}

/* Cannot overrun: needs no image. */
SEC("syscall")
int innocent_short(void *unused)
{
	COUNT(started);
	leave();
	return 0;
}

/* Interrupts are off for a while; it is still there when the looks come again. */
SEC("syscall")
int innocent_gap(void *unused)
{
	enter();
	go_round_locked();
	ctl.leave_ns = bpf_ktime_get_ns();
	if (bpf_loop(ctl.m, work_step, NULL, 0) == ctl.m)
		COUNT(full);
	leave();
	return 0;
}
