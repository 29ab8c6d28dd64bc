// SPDX-License-Identifier: GPL-2.0
/* What 6.12 does not have. Each program is loaded alone, where the kernel can. */
#include "common.h"
#include "newer.h"

#define BIG (8 << 20)

/* Numeric iterators are instructions, and not calls, in newer kernels. */
SEC("syscall")
int by_numbers(void *ctx)
{
	int i, j, k;

	enter();
	bpf_for(i, 0, BIG) bpf_for(j, 0, BIG)
		bpf_for(k, 0, BIG) if (step()) goto out;
out:
	leave();
	return 0;
}

/* Each function has 250 ms for its may_goto loops. */
static __noinline int goto_inner(void)
{
	__u64 i;

	for (i = 0; i < ctl.n && can_loop; i++)
		if (step())
			break;
	return 0;
}

SEC("syscall")
int by_goto(void *ctx)
{
	__u64 i;

	enter();
	for (i = 0; i < ctl.n && can_loop; i++) {
		goto_inner();
		if (ctl.brake)
			break;
	}
	leave();
	return 0;
}

/* It ends by itself, after 250 ms: how long does the estimate say? */
SEC("syscall")
int one_goto(void *ctx)
{
	enter();
	goto_inner();
	leave();
	return 0;
}

/* A global function that returns nothing. */
__weak void spin(void)
{
	int i, j, k;

	bpf_for(i, 0, BIG) bpf_for(j, 0, BIG)
		bpf_for(k, 0, BIG) if (step()) return;
}

SEC("syscall")
int by_void(void *ctx)
{
	enter();
	spin();
	leave();
	return 0;
}

/* A global function that runs where it may sleep, and where not. */
__weak int both(int n)
{
	int i;

	bpf_for(i, 0, 1000) ctl.steps += n;
	return 0;
}

SEC("syscall")
int by_both(void *ctx)
{
	enter();
	both(1);
	bpf_rcu_read_lock();
	both(2);
	bpf_rcu_read_unlock();
	leave();
	return 0;
}

/*
 * What takes 64 bytes of stack or more has a stack of its own in newer kernels: the JIT pushes its
 * address before each call, and pops it behind.
 */
#define OWN 16

static __always_inline void own_fill(volatile __u64 *own, __u64 x)
{
	int i;

	for (i = 0; i < OWN; i++)
		own[i] = x + i;
}

static __always_inline bool own_intact(volatile __u64 *own, __u64 x)
{
	int i;

	for (i = 0; i < OWN; i++)
		if (own[i] != x + i)
			return false;
	return true;
}

static __noinline int own_inner(__u64 x)
{
	volatile __u64 own[OWN];

	own_fill(own, x);
	ctl.steps += bpf_get_prandom_u32() | 1;
	got(own_intact(own, x));
	return 0;
}

SEC("raw_tp")
int by_own_stack(void *ctx)
{
	volatile __u64 own[OWN];

	enter();
	own_fill(own, 1000);
	own_inner(2000);
	ctl.steps += bpf_get_prandom_u32() | 1;
	own_inner(3000);
	got(own_intact(own, 1000));
	leave();
	return 0;
}

struct {
	__uint(type, NEWER_MAP_TYPE_RHASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1000);
	__type(key, __u64);
	__type(value, __u64);
} rhash SEC(".maps");

static long rhash_3(struct bpf_map *map, __u64 *key, __u64 *value, void *unused)
{
	return step();
}

static long rhash_2(struct bpf_map *map, __u64 *key, __u64 *value, void *unused)
{
	bpf_for_each_map_elem(&rhash, rhash_3, NULL, 0);
	return ctl.brake != 0;
}

static long rhash_1(struct bpf_map *map, __u64 *key, __u64 *value, void *unused)
{
	bpf_for_each_map_elem(&rhash, rhash_2, NULL, 0);
	return ctl.brake != 0;
}

static long rhash_0(struct bpf_map *map, __u64 *key, __u64 *value, void *unused)
{
	bpf_for_each_map_elem(&rhash, rhash_1, NULL, 0);
	return ctl.brake != 0;
}

SEC("syscall")
int by_rhash(void *ctx)
{
	enter();
	bpf_for_each_map_elem(&rhash, rhash_0, NULL, 0);
	leave();
	return 0;
}

#ifdef HAVE_TASK_WORK
extern int
bpf_task_work_schedule_signal(struct task_struct *task,
			      struct bpf_task_work *tw, void *map__const_map,
			      bpf_task_work_callback_t callback) __ksym __weak;

struct work {
	struct bpf_task_work tw;
	__u64 n;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, int);
	__type(value, struct work);
} works SEC(".maps");

static int worked(struct bpf_map *map, void *key, void *value)
{
	int i, j, k;

	COUNT(inner_started);
	bpf_for(i, 0, BIG) bpf_for(j, 0, BIG)
		bpf_for(k, 0, BIG) if (step()) goto out;
out:
	COUNT(inner_finished);
	return 0;
}

/* It asks for the callback, which runs before the process is back from the system call. */
SEC("syscall")
int by_task_work(void *ctx)
{
	struct work *w;
	int key = 0;

	w = bpf_map_lookup_elem(&works, &key);
	if (!w)
		return 0;
	enter();
	got(!bpf_task_work_schedule_signal(bpf_get_current_task_btf(), &w->tw,
					   &works, worked));
	leave();
	return 0;
}

extern bool bpf_session_is_return(void *ctx) __ksym __weak;

/* Before and after the function. */
SEC("fsession/bpf_fentry_test1")
int BPF_PROG(by_session, int a)
{
	int i, j, k;

	if (bpf_session_is_return(ctx))
		COUNT(inner_started);
	else
		enter();
	bpf_for(i, 0, BIG) bpf_for(j, 0, BIG)
		bpf_for(k, 0, BIG) if (step()) goto out;
out:
	leave();
	return 0;
}
#endif
