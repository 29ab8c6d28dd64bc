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

/* --- Who knows when a look comes: ctl.m is the period, and a gap of user_ptr ns a look --------- */

struct {
	__u64 began,
		others; /* of the outer one: ns that the inner one took of it */
	__u64 look; /* when the last one came */
	__u64 last; /* when somebody read the clock */
} volatile times;

/* Once it is ended, it is told no time. */
static __always_inline __u64 read_clock(void)
{
	return bpf_ktime_get_ns() ?: times.last;
}

/* Other interrupts come earlier. */
static __always_inline bool looked_at(void)
{
	__u64 now = read_clock(), last = times.last;

	times.last = now;
	if (now - last <= ctl.user_ptr || now - times.look < ctl.m / 100 * 97)
		return false;
	times.look = now;
	return true;
}

/* What the outer one has taken itself, ns. */
static __always_inline __u64 own(void)
{
	return ctl.steps = times.last - times.began - times.others;
}

static __always_inline void begin(void)
{
	times.others = 0;
	times.began = times.look = times.last = read_clock();
	enter();
}

static __always_inline void give_back(__u64 start)
{
	times.others += read_clock() - start;
	COUNT(inner_finished);
}

static long wait_for_look(__u32 i, __u64 *start)
{
	return looked_at() || times.last - *start > 2 * ctl.m;
}

/* Takes the end of each period, so that each look finds it. */
SEC("?kprobe/bpf_strncmp")
int covers(struct pt_regs *ctx)
{
	__u64 start;

	if (!from_our_process())
		return 0;
	start = times.last = read_clock();
	bpf_loop(1 << 23, wait_for_look, &start, 0);
	give_back(start);
	return 0;
}

static long behind_cover(__u32 i, void *unused)
{
	times.last = read_clock();
	if (times.last - times.look > ctl.m / 10 * 6)
		bpf_strncmp("inner", 5, "inner");
	return own() > ctl.n;
}

/* Runs for n ns of its own, of each period the beginning. */
SEC("?syscall")
int covered(void *unused)
{
	begin();
	if (bpf_loop(1 << 23, behind_cover, NULL, 0) && own() > ctl.n)
		COUNT(full);
	leave();
	return 0;
}

/* --- What programs in the timer interrupt take: most of each period --------------------------- */

static long spend(__u32 i, __u64 *start)
{
	return bpf_ktime_get_ns() - *start > ctl.m / 10 * 8;
}

static __always_inline int in_interrupt(void)
{
	__u64 start = bpf_ktime_get_ns();

	if (!from_our_process() || ctl.started == ctl.finished)
		return 0;
	bpf_loop(1 << 23, spend, &start, 0);
	times.others += bpf_ktime_get_ns() - start;
	COUNT(inner_finished);
	return 0;
}

SEC("?raw_tp/local_timer_entry")
int timer_entry(void *unused)
{
	return in_interrupt();
}

SEC("?raw_tp/local_timer_exit")
int timer_exit(void *unused)
{
	return in_interrupt();
}

SEC("?raw_tp/hrtimer_expire_entry")
int expire_entry(void *unused)
{
	return in_interrupt();
}

SEC("?raw_tp/hrtimer_expire_exit")
int expire_exit(void *unused)
{
	return in_interrupt();
}

static long until_spent(__u32 i, void *unused)
{
	__u64 others = times.others, now = read_clock();

	/* Else an interrupt came between. */
	if (times.others == others && now > times.last)
		ctl.steps = now - times.began - others;
	times.last = now;
	if (ctl.steps <= ctl.n)
		return 0;
	COUNT(full);
	return 1;
}

/* Runs for n ns of its own. */
SEC("?syscall")
int interrupted(void *unused)
{
	ctl.steps = 0;
	begin();
	bpf_loop(1 << 23, until_spent, NULL, 0);
	leave();
	return 0;
}
