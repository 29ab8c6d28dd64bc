// SPDX-License-Identifier: GPL-2.0
/*
 * Programs with known bounds. The test loads a cost model in which nothing
 * takes any time, but bpf_ktime_get_ns() 1,000 ns, and bpf_probe_read_kernel()
 * 1 ns per byte. What a program takes is then how often these are called.
 */
#include "common.h"

#define tick() bpf_ktime_get_ns()

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u64);
} array SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 32);
	__type(key, __u32);
	__type(value, __u64);
} hash SEC(".maps");

struct inner_hash {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u64);
} inner SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
	__array(values, struct inner_hash);
} outer SEC(".maps") = { .values = { [0] = &inner } };

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} jmp SEC(".maps");

struct timed {
	struct bpf_timer timer;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct timed);
} timers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_USER_RINGBUF);
	__uint(max_entries, 4096);
} urb SEC(".maps");

extern int bpf_iter_task_new(struct bpf_iter_task *it, struct task_struct *task,
			     unsigned int flags) __ksym;
extern struct task_struct *bpf_iter_task_next(struct bpf_iter_task *it) __ksym;
extern void bpf_iter_task_destroy(struct bpf_iter_task *it) __ksym;
extern int bpf_iter_task_vma_new(struct bpf_iter_task_vma *it,
				 struct task_struct *task, u64 addr) __ksym;
extern void bpf_iter_task_vma_destroy(struct bpf_iter_task_vma *it) __ksym;
SEC("syscall")
int straight(void *ctx)
{
	tick();
	tick();
	return 0;
}

SEC("syscall")
int branch(void *ctx)
{
	if (ctl.n) {
		tick();
		tick();
		tick();
	} else {
		tick();
	}
	return 0;
}

/* A rare branch in each of three rounds: all of them are on the worst path. */
SEC("syscall")
int branches(void *ctx)
{
	if (ctl.n & 1)
		tick();
	if (ctl.n & 2)
		tick();
	if (ctl.n & 4)
		tick();
	return 0;
}

SEC("syscall")
int bounded(void *ctx)
{
	int i;

#pragma clang loop unroll(disable)
	for (i = 0; i < 10; i++) {
		tick();
		barrier();
	}
	return 0;
}

static long cb_tick(__u32 i, void *unused)
{
	tick();
	return 0;
}

static long cb_stop(__u32 i, void *unused)
{
	tick();
	return ctl.brake != 0;
}

SEC("syscall")
int loop_const(void *ctx)
{
	bpf_loop(10, cb_tick, NULL, 0);
	return 0;
}

SEC("syscall")
int loop_stop(void *ctx)
{
	bpf_loop(10, cb_stop, NULL, 0);
	return 0;
}

SEC("syscall")
int loop_var(void *ctx)
{
	__u64 n = ctl.n;

	if (n > 20)
		return 0;
	bpf_loop(n, cb_tick, NULL, 0);
	return 0;
}

/* No flags are known: the helper may refuse them. */
SEC("syscall")
int loop_flags(void *ctx)
{
	bpf_loop(10, cb_tick, NULL, ctl.flags);
	return 0;
}

/* The first iteration differs from the others. */
static long cb_first(__u32 i, __u64 *seen)
{
	tick();
	if (!*seen) {
		*seen = 1;
		bpf_loop(50, cb_tick, NULL, 0);
	}
	return 0;
}

SEC("syscall")
int loop_first(void *ctx)
{
	__u64 seen = 0;

	bpf_loop(100, cb_first, &seen, 0);
	return 0;
}

static long cb_nested(__u32 i, void *unused)
{
	tick();
	bpf_loop(7, cb_tick, NULL, 0);
	return 0;
}

SEC("syscall")
int loop_nested(void *ctx)
{
	bpf_loop(5, cb_nested, NULL, 0);
	return 0;
}

static long cb_deep(__u32 i, void *unused)
{
	bpf_loop(5, cb_nested, NULL, 0);
	return 0;
}

SEC("syscall")
int loop_deep(void *ctx)
{
	bpf_loop(3, cb_deep, NULL, 0);
	return 0;
}

static long each(void *map, __u32 *key, __u64 *value, void *unused)
{
	tick();
	return 0;
}

SEC("syscall")
int each_array(void *ctx)
{
	bpf_for_each_map_elem(&array, each, NULL, 0);
	return 0;
}

SEC("syscall")
int each_hash(void *ctx)
{
	bpf_for_each_map_elem(&hash, each, NULL, 0);
	return 0;
}

SEC("syscall")
int each_inner(void *ctx)
{
	__u32 key = 0;
	void *map = bpf_map_lookup_elem(&outer, &key);

	tick();
	if (map)
		bpf_for_each_map_elem(map, each, NULL, 0);
	return 0;
}

static long drained(struct bpf_dynptr *d, void *unused)
{
	tick();
	return 0;
}

SEC("syscall")
int drain(void *ctx)
{
	bpf_user_ringbuf_drain(&urb, drained, NULL, 0);
	return 0;
}

static long in_vma(struct task_struct *task, struct vm_area_struct *vma,
		   void *unused)
{
	tick();
	return 0;
}

SEC("raw_tp/sys_enter")
int once(void *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();

	bpf_find_vma(task, ctl.n, in_vma, NULL, 0);
	return 0;
}

SEC("syscall")
int iter_const(void *ctx)
{
	struct bpf_iter_num it;

	bpf_iter_num_new(&it, 3, 13);
	while (bpf_iter_num_next(&it))
		tick();
	bpf_iter_num_destroy(&it);
	return 0;
}

SEC("syscall")
int iter_break(void *ctx)
{
	struct bpf_iter_num it;

	bpf_iter_num_new(&it, 0, 10);
	while (bpf_iter_num_next(&it)) {
		tick();
		if (ctl.brake)
			break;
	}
	bpf_iter_num_destroy(&it);
	return 0;
}

SEC("syscall")
int iter_var(void *ctx)
{
	struct bpf_iter_num it;
	__u64 n = ctl.n;

	if (n > 100)
		return 0;
	bpf_iter_num_new(&it, 0, n);
	while (bpf_iter_num_next(&it))
		tick();
	bpf_iter_num_destroy(&it);
	return 0;
}

extern __u32 scx_bpf_nr_cpu_ids(void) __ksym __weak;

/* As many as the kernel has set once for all. */
SEC("syscall")
int iter_cpus(void *ctx)
{
	struct bpf_iter_num it;

	if (!scx_bpf_nr_cpu_ids)
		return 0;
	bpf_iter_num_new(&it, 0, scx_bpf_nr_cpu_ids());
	while (bpf_iter_num_next(&it))
		tick();
	bpf_iter_num_destroy(&it);
	return 0;
}

/* Any number, but the kernel has a limit of its own. */
SEC("syscall")
int iter_any(void *ctx)
{
	struct bpf_iter_num it;

	bpf_iter_num_new(&it, 0, ctl.n);
	while (bpf_iter_num_next(&it))
		tick();
	bpf_iter_num_destroy(&it);
	return 0;
}

SEC("syscall")
int iter_nested(void *ctx)
{
	struct bpf_iter_num a, b;

	bpf_iter_num_new(&a, 0, 6);
	while (bpf_iter_num_next(&a)) {
		tick();
		bpf_iter_num_new(&b, 0, 7);
		while (bpf_iter_num_next(&b))
			tick();
		bpf_iter_num_destroy(&b);
	}
	bpf_iter_num_destroy(&a);
	return 0;
}

/* One after the other, not one in the other. */
SEC("syscall")
int iter_twice(void *ctx)
{
	struct bpf_iter_num it;

	bpf_iter_num_new(&it, 0, 6);
	while (bpf_iter_num_next(&it))
		tick();
	bpf_iter_num_destroy(&it);
	bpf_iter_num_new(&it, 0, 7);
	while (bpf_iter_num_next(&it))
		tick();
	bpf_iter_num_destroy(&it);
	return 0;
}

/* Two iterators reach the same loop: the verifier walks it with one of them. */
SEC("syscall")
int iter_merge(void *ctx)
{
	struct bpf_iter_num it;

	if (ctl.n)
		bpf_iter_num_new(&it, 0, 10);
	else
		bpf_iter_num_new(&it, 0, 50);
	while (bpf_iter_num_next(&it))
		tick();
	bpf_iter_num_destroy(&it);
	return 0;
}

/* The same in the other order, and by an argument rather than a constructor. */
SEC("syscall")
int iter_merge_arg(void *ctx)
{
	struct bpf_iter_num it;
	int n = 50;

	if (ctl.n)
		n = 10;
	barrier_var(n);
	bpf_iter_num_new(&it, 0, n);
	while (bpf_iter_num_next(&it))
		tick();
	bpf_iter_num_destroy(&it);
	return 0;
}

SEC("syscall")
int iter_bits(void *ctx)
{
	struct bpf_iter_bits it;
	__u64 bits[2] = { ctl.n, ctl.m };

	bpf_iter_bits_new(&it, bits, 2);
	while (bpf_iter_bits_next(&it))
		tick();
	bpf_iter_bits_destroy(&it);
	return 0;
}

SEC("syscall")
int iter_task(void *ctx)
{
	struct bpf_iter_task it;

	tick();
	bpf_rcu_read_lock();
	bpf_iter_task_new(&it, NULL, 0);
	while (bpf_iter_task_next(&it))
		;
	bpf_iter_task_destroy(&it);
	bpf_rcu_read_unlock();
	return 0;
}

/* Of these calls no cost is known. */
SEC("raw_tp")
int branches_taken(void *ctx)
{
	static struct perf_branch_entry entries[2];

	tick();
	return bpf_get_branch_snapshot(entries, sizeof(entries), 0);
}

SEC("syscall")
int vma_begin(void *ctx)
{
	struct bpf_iter_task_vma it;

	tick();
	bpf_iter_task_vma_new(&it, bpf_get_current_task_btf(), 0);
	bpf_iter_task_vma_destroy(&it);
	return 0;
}

SEC("syscall")
int sizes_short(void *ctx)
{
	__u64 to = 0;

	bpf_probe_read_kernel(&to, sizeof(to), (const void *)&ctl);
	return to;
}

SEC("syscall")
int may_goto(void *ctx)
{
	while (can_loop)
		tick();
	return 0;
}

/* Takes long, however may_goto is bounded. */
SEC("syscall")
int most(void *ctx)
{
	bpf_loop(8 * 1024 * 1024, cb_tick, NULL, 0);
	return 0;
}

/* A callback has a may_goto counter of its own each time. */
static long cb_may_goto(__u32 i, void *unused)
{
	while (can_loop)
		tick();
	return 0;
}

SEC("syscall")
int may_goto_loop(void *ctx)
{
	bpf_loop(3, cb_may_goto, NULL, 0);
	return 0;
}

__noinline int global_fn(int x)
{
	tick();
	if (x > 5)
		tick();
	return x;
}

SEC("syscall")
int global(void *ctx)
{
	return global_fn(ctl.n) + global_fn(ctl.m) + global_fn(ctl.flags);
}

__noinline int global_outer(int x)
{
	tick();
	return global_fn(x) + global_fn(x + 1);
}

SEC("syscall")
int global_nested(void *ctx)
{
	return global_outer(ctl.n);
}

static __noinline int static_fn(int x)
{
	tick();
	if (x > 5)
		tick();
	return x;
}

SEC("syscall")
int static_call(void *ctx)
{
	return static_fn(ctl.n) + static_fn(ctl.m);
}

SEC("tc")
int tail(struct __sk_buff *skb)
{
	tick();
	bpf_tail_call(skb, &jmp, 0);
	tick();
	return 0;
}

static int timer_cb(void *map, int *key, struct timed *t)
{
	tick();
	tick();
	if (ctl.n)
		bpf_loop(4, cb_tick, NULL, 0);
	return 0;
}

SEC("tc")
int timer(struct __sk_buff *skb)
{
	__u32 key = 0;
	struct timed *t = bpf_map_lookup_elem(&timers, &key);

	tick();
	if (!t)
		return 0;
	bpf_timer_init(&t->timer, &timers, 1);
	bpf_timer_set_callback(&t->timer, timer_cb);
	bpf_timer_start(&t->timer, 1000, 0);
	return 0;
}

SEC("syscall")
int sized(void *ctx)
{
	char buf[64];
	__u64 n = ctl.n;

	if (n < 8 || n > sizeof(buf))
		return 0;
	tick();
	bpf_probe_read_kernel(buf, n, (void *)ctl.m);
	return 0;
}

static long cb_long2(__u32 i, void *unused)
{
	bpf_loop(1 << 23, cb_tick, NULL, 0);
	return 0;
}

static long cb_long(__u32 i, void *unused)
{
	bpf_loop(1 << 23, cb_long2, NULL, 0);
	return 0;
}

SEC("syscall")
int saturate(void *ctx)
{
	bpf_loop(1 << 23, cb_long, NULL, 0);
	return 0;
}

struct tree_node {
	struct bpf_rb_node node;
	__u64 key;
};

private(TREE) struct bpf_spin_lock tree_lock;
private(TREE) struct bpf_rb_root tree_root __contains(tree_node, node);

extern int bpf_rbtree_add_impl(struct bpf_rb_root *root,
			       struct bpf_rb_node *node,
			       bool(less)(struct bpf_rb_node *a,
					  const struct bpf_rb_node *b),
			       void *meta, __u64 off) __ksym;

static bool less(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	return container_of(a, struct tree_node, node)->key <
	       container_of(b, struct tree_node, node)->key;
}

SEC("tc")
int rbtree(struct __sk_buff *skb)
{
	struct tree_node *n = obj_new(struct tree_node);

	if (!n)
		return 0;
	tick();
	bpf_spin_lock(&tree_lock);
	bpf_rbtree_add_impl(&tree_root, &n->node, less, NULL, 0);
	bpf_spin_unlock(&tree_lock);
	return 0;
}
