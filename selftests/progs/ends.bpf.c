// SPDX-License-Identifier: GPL-2.0
/* Programs that were not ended, or not in time, or that were taken for ended. */
#include "common.h"
#include "async.h"

#define __arena __attribute__((address_space(1)))

extern void __arena *bpf_arena_alloc_pages(void *map, void __arena *addr,
					   __u32 nr, int node,
					   __u64 flags) __ksym;
extern void bpf_arena_free_pages(void *map, void __arena *ptr, __u32 nr) __ksym;

#define ARENA_PAGES (1 << 18)

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, ARENA_PAGES);
} arena SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} tails SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
} lsm_tails SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2);
	__uint(map_flags, BPF_F_ZERO_SEED);
	__type(key, __u64);
	__type(value, __u64); /* the other's key */
} walked SEC(".maps");

/* --- Many frames: each tail call out of a subprogram leaves one of its caller ---------------- */

static __noinline int frames_on(struct __sk_buff *skb)
{
	int ret = 1;

	barrier_var(ret);
	bpf_tail_call_static(skb, &tails, 0);
	return ret;
}

SEC("tc")
int frames(struct __sk_buff *skb)
{
	if (ctl.inner_started < ctl.user_ptr) {
		ctl.inner_started++;
		return frames_on(skb);
	}
	enter();
	got(true);
	stall_loop_inlined();
	leave();
	return 0;
}

/* --- A main program that is replaced: progs/ends_ext.bpf.c does it --------------------------- */

SEC("tc")
int short_main(struct __sk_buff *skb)
{
	int i, sum = 0;

#pragma clang loop unroll(disable)
	for (i = 0; i < 8; i++)
		sum += ctl.n;
	return sum;
}

/* --- Bounded loops of what is slow ----------------------------------------------------------- */

#define FAULTS_1 p->tv_nsec
#define FAULTS_8                                                           \
	(FAULTS_1 + FAULTS_1 + FAULTS_1 + FAULTS_1 + FAULTS_1 + FAULTS_1 + \
	 FAULTS_1 + FAULTS_1)

SEC("syscall")
int faults(void *unused)
{
	volatile struct timespec64 *p;
	__u64 sum = 0;
	int i;

	p = bpf_rdonly_cast((void *)ctl.user_ptr,
			    bpf_core_type_id_kernel(struct timespec64));
	enter();
	for (i = 0; i < 12000; i++)
		sum += FAULTS_8 + FAULTS_8 + FAULTS_8;
	ctl.ret = sum;
	leave();
	return 0;
}

SEC("syscall")
int arena_free(void *unused)
{
	void __arena *page = bpf_arena_alloc_pages(&arena, NULL, 1, -1, 0);
	int i;

	enter();
	/* No other way out: it would be forced. */
	for (i = 0; i < 400; i++)
		bpf_arena_free_pages(&arena, page, ctl.user_ptr);
	leave();
	return 0;
}

/* What is made after the end takes its time, and that of giving it back. */
SEC("syscall")
int iterators(void *unused)
{
	struct bpf_iter_bits bits;
	__u64 words = 1;
	int i;

	enter();
	stall_loop_inlined();
	for (i = 0; i < 1000; i++) {
		if (bpf_iter_bits_new(&bits, &words, 1))
			COUNT(refused);
		else
			COUNT(held);
		bpf_iter_bits_destroy(&bits);
	}
	leave();
	return 0;
}

/* --- A program where the watchdog works ------------------------------------------------------ */

static __noinline int goto_turns(void)
{
	__u64 i;

	for (i = 0; i < ctl.n && can_loop; i++)
		if (step())
			break;
	return 0;
}

/* These loops do not look at the time themselves. */
static __always_inline void go_round(void)
{
	__u64 i;

	for (i = 0; i < ctl.n && can_loop; i++) {
		goto_turns();
		if (ctl.brake)
			break;
	}
}

SEC("tp/bpf_watchdog/overrun")
int on_overrun(void *unused)
{
	if (!armed())
		return 0;
	COUNT(inner_started);
	go_round();
	COUNT(inner_finished);
	return 0;
}

/* With interrupts off it is an NMI that looks at it, and none comes where that looks. */
SEC("raw_tp/sys_enter")
int overruns(void *unused)
{
	enter();
	go_round();
	leave();
	return 0;
}

/* On what kicks the watchdog's own interrupts. */
static __always_inline int stall_goto(void)
{
	enter();
	go_round();
	leave();
	return 0;
}

/* The watchdog has its work queued, and the interrupt that does it is about to be raised. */
SEC("fentry/arch_irq_work_raise")
int at_work(void *unused)
{
	if (from_our_process() && ctl.armed && !ctl.started)
		COUNT(inner_started);
	return 0;
}

/* The same of somebody else; nothing but the timer ends it, or it gives up. */
SEC("kprobe")
int raises(void *unused)
{
	__u64 i, until = bpf_ktime_get_ns() + ctl.user_ptr;

	if (!from_our_process() || !armed())
		return 0;
	enter();
	for (i = 0; i < ctl.n && can_loop; i++) {
		goto_turns();
		if (bpf_ktime_get_ns() > until) {
			COUNT(refused);
			break;
		}
	}
	leave();
	return 0;
}

/* It has come, and the work is about to be done: interrupts are off. */
SEC("raw_tp/irq_work_entry")
int arrives(void *unused)
{
	return armed() ? stall_goto() : 0;
}

/* Short, and cannot overrun: no other CPU is asked to look after it. */
SEC("fentry/__x64_sys_getpgid")
int passes(void *unused)
{
	if (from_our_process())
		COUNT(inner_started);
	return 0;
}

/* Behind it, with interrupts off. */
SEC("kprobe")
int stalls_off(void *unused)
{
	return from_our_process() && armed() ? stall_goto() : 0;
}

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} read_by_nobody SEC(".maps");

/* Has work done in an interrupt. */
SEC("syscall")
int wakes(void *unused)
{
	__u64 record = 0;

	bpf_ringbuf_output(&read_by_nobody, &record, sizeof(record),
			   BPF_RB_FORCE_WAKEUP);
	return 0;
}

/* Each end has one more interrupt raised, by what is told of it. On one CPU only. */
SEC("raw_tp/irq_work_exit")
int captures(void *unused)
{
	return ctl.armed == bpf_get_smp_processor_id() + 1 && !ctl.brake ?
		       stall_goto() :
		       0;
}

/* --- A chain of a security hook, ended in a function that is watched ------------------------- */

/* Puts the other element of the bucket in front of what is walked: that never ends. */
static long again(void *map, __u64 *key, __u64 *value, void *unused)
{
	__u64 other = *value, this = *key;

	bpf_map_update_elem(&walked, &other, &this, 0);
	bpf_map_update_elem(&walked, &other, &this, 0);
	return step() || ctl.steps == ctl.flags;
}

__noinline static int walk(struct task_struct *task)
{
	int ret = bpf_for_each_map_elem(&walked, again, NULL, 0);

	barrier_var(ret);
	return ret;
}

SEC("lsm/task_getpgid")
int BPF_PROG(lsm_target, struct task_struct *task)
{
	walk(task);
	leave();
	return 0;
}

static long nothing(__u32 i, void *unused)
{
	return 0;
}

/* Never gone into, but the program cannot be ended: it has no image. */
static __always_inline void endless_if(bool wanted)
{
	if (!wanted)
		return;
	for (;;)
		bpf_loop(1, nothing, NULL, 0);
}

SEC("lsm/task_getpgid")
int BPF_PROG(lsm_unfit, struct task_struct *task)
{
	walk(task);
	leave();
	endless_if(ctl.cgroup_id);
	return 0;
}

SEC("lsm/task_getpgid")
int BPF_PROG(lsm_main, struct task_struct *task)
{
	if (!from_our_process())
		return 0;
	enter();
	bpf_tail_call(ctx, &lsm_tails, 0);
	return 0;
}

/* --- A chain to a program that cannot be ended, and is through by itself --------------------- */

SEC("tc")
int unfit(struct __sk_buff *skb)
{
	stall_loop_inlined();
	leave();
	endless_if(ctl.cgroup_id);
	return 7;
}

SEC("tc")
int leads_to_unfit(struct __sk_buff *skb)
{
	enter();
	bpf_tail_call_static(skb, &tails, 0);
	return 1;
}

/* --- Runs that are about as long as they may be ---------------------------------------------- */

SEC("raw_tp/sys_enter")
int nearly(void *unused)
{
	enter();
	if (bpf_loop(ctl.n, loop_3, NULL, 0) == ctl.n)
		COUNT(full);
	leave();
	return 0;
}

/* Calls and little more, now and then. */
SEC("syscall")
int sparse(void *unused)
{
	enter();
	bpf_loop(ctl.m, loop_3, NULL, 0);
	leave();
	return 0;
}

/* The same, with interrupts off: behind the first instruction, so it is an int3. */
SEC("kprobe")
int sparse_off(void *unused)
{
	if (!from_our_process())
		return 0;
	enter();
	bpf_loop(ctl.m, loop_3, NULL, 0);
	leave();
	return 0;
}

/* --- A timer that goes on -------------------------------------------------------------------- */

static int ticks(void *map, int *key, struct timer_slot *slot)
{
	enter();
	if (armed())
		stall_loop_inlined();
	bpf_timer_start(&slot->timer, 1000000, 0);
	leave();
	return 0;
}

SEC("syscall")
int periodic(void *unused)
{
	return begin_timer(ticks, 1000000, 0);
}
