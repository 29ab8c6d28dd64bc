// SPDX-License-Identifier: GPL-2.0
/*
 * Loops that no call ends: each goes round until the brake is pulled. What calls
 * they have are stubs on the fast path, and do not decide when to leave.
 */
#include "common.h"
#include "async.h"
#include "listed.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} one SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2);
	__uint(map_flags, BPF_F_ZERO_SEED);
	__type(key, __u64);
	__type(value, __u64);
} pair SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2);
	__type(key, __u64);
	__type(value, __u64);
} other SEC(".maps");

static long nothing(__u32 i, void *unused)
{
	return 0;
}

/* Without a call that the verifier takes for the end of a loop, it refuses them. */
#define TURN()                                 \
	({                                     \
		bpf_loop(1, nothing, NULL, 0); \
		ctl.steps++;                   \
	})

/*
 * The verifier refuses a loop if it comes to the same state elsewhere than at such a
 * call. It keeps none that is less than 8 instructions behind one: so loops have one before
 * them, and are short.
 */
#define AGAIN() bpf_loop(1, nothing, NULL, 0)

/* --- These end ------------------------------------------------------------------------------- */

SEC("syscall")
int by_memory(void *unused)
{
	enter();
	for (;;) {
		TURN();
		if (ctl.brake)
			break;
	}
	leave();
	return 0;
}

/* The exit is at the end of the loop: to go round is to jump backwards. */
SEC("syscall")
int by_bottom(void *unused)
{
	enter();
	do {
		TURN();
	} while (!ctl.brake);
	leave();
	return 0;
}

SEC("syscall")
int by_64_bits(void *unused)
{
	enter();
	for (;;) {
		TURN();
		if (ctl.brake * 0x100000000ULL == 0x100000000ULL)
			break;
	}
	leave();
	return 0;
}

SEC("syscall")
int by_bits(void *unused)
{
	enter();
	for (;;) {
		TURN();
		if (ctl.brake & 1)
			break;
	}
	leave();
	return 0;
}

SEC("syscall")
int by_two_registers(void *unused)
{
	enter();
	for (;;) {
		TURN();
		if (ctl.brake > ctl.flags)
			break;
	}
	leave();
	return 0;
}

SEC("syscall")
int nested(void *unused)
{
	enter();
	for (;;) {
		for (;;) {
			TURN();
			if (ctl.brake)
				break;
		}
		TURN();
		if (ctl.brake)
			break;
	}
	leave();
	return 0;
}

static long inner_loop(__u32 i, void *unused)
{
	AGAIN();
	for (;;) {
		TURN();
		if (ctl.brake)
			return 1;
	}
}

SEC("syscall")
int in_callback(void *unused)
{
	enter();
	bpf_loop(1 << 23, inner_loop, NULL, 0);
	leave();
	return 0;
}

/* The callback is called by the helper itself. */
SEC("syscall")
int in_called(void *unused)
{
	enter();
	bpf_loop(1 << 23, inner_loop, NULL, ctl.flags);
	leave();
	return 0;
}

static long outer_loop(__u32 i, void *unused)
{
	bpf_loop(1 << 23, inner_loop, NULL, 0);
	return ctl.brake != 0;
}

SEC("syscall")
int in_callback_in_callback(void *unused)
{
	enter();
	bpf_loop(1 << 23, outer_loop, NULL, 0);
	leave();
	return 0;
}

static __noinline int spin_static(void)
{
	AGAIN();
	for (;;) {
		TURN();
		if (ctl.brake)
			break;
	}
	return 0;
}

SEC("syscall")
int in_static(void *unused)
{
	enter();
	AGAIN();
	for (;;) {
		spin_static();
		AGAIN();
		if (ctl.brake)
			break;
	}
	leave();
	return 0;
}

__noinline int spin_global(void)
{
	AGAIN();
	for (;;) {
		TURN();
		if (ctl.brake)
			break;
	}
	return 0;
}

SEC("syscall")
int in_global(void *unused)
{
	enter();
	AGAIN();
	for (;;) {
		spin_global();
		AGAIN();
		if (ctl.brake)
			break;
	}
	leave();
	return 0;
}

/* What it holds when it is ended is given back. */
SEC("syscall")
int holds_task(void *unused)
{
	struct task_struct *task;

	enter();
	task = bpf_task_from_pid(ctl.pid);
	got(task);
	if (!task)
		return 0;
	for (;;) {
		TURN();
		if (ctl.brake)
			break;
	}
	bpf_task_release(task);
	leave();
	return 0;
}

/* Several ways out. */
SEC("syscall")
int several_exits(void *unused)
{
	enter();
	AGAIN();
	for (;;) {
		AGAIN();
		if (ctl.flags == 7) {
			ctl.ret = 1;
			break;
		}
		if (ctl.brake) {
			ctl.ret = 2;
			break;
		}
	}
	leave();
	return 0;
}

static long count_element(struct bpf_map *map, __u32 *key, __u64 *value,
			  void *unused)
{
	ctl.steps++;
	return 0;
}

SEC("syscall")
int each_again(void *unused)
{
	enter();
	for (;;) {
		bpf_for_each_map_elem(&one, count_element, NULL, 0);
		if (ctl.brake)
			break;
	}
	leave();
	return 0;
}

static long swap(struct bpf_map *map, __u64 *key, __u64 *value, void *unused)
{
	__u64 to = *value, from = *key;

	ctl.steps++;
	if (ctl.brake)
		return 1;
	bpf_map_update_elem(&pair, &to, &from, 0);
	bpf_map_update_elem(&pair, &to, &from, 0);
	return 0;
}

/* The callback moves the other element to where the loop is to come. */
SEC("syscall")
int each_reinserts(void *unused)
{
	enter();
	bpf_for_each_map_elem(&pair, swap, NULL, 0);
	leave();
	return 0;
}

__noinline int update_global(__u64 key)
{
	bpf_map_update_elem(&pair, &key, &key, 0);
	return 0;
}

static long swap_global(struct bpf_map *map, __u64 *key, __u64 *value,
			void *unused)
{
	update_global(*key);
	return 0;
}

SEC("syscall")
int each_reinserts_global(void *unused)
{
	bpf_for_each_map_elem(&pair, swap_global, NULL, 0);
	return 0;
}

static long copy_element(struct bpf_map *map, __u64 *key, __u64 *value,
			 void *unused)
{
	__u64 to = *key;

	bpf_map_update_elem(&other, &to, &to, 0);
	return 0;
}

/* Another map than the one it walks: bounded. */
SEC("syscall")
int each_copies(void *unused)
{
	bpf_for_each_map_elem(&pair, copy_element, NULL, 0);
	return 0;
}

/* The lookup is a stub, and decides: what is compared is used, and may not be forced. */
SEC("syscall")
int by_lookup(void *unused)
{
	__u64 key = 1, *value;

	enter();
	for (;;) {
		TURN();
		value = bpf_map_lookup_elem(&pair, &key);
		if (!value)
			break;
		ctl.ret += *value;
	}
	leave();
	return 0;
}

/* --- These have no exit that could be forced ------------------------------------------------- */

SEC("syscall")
int no_exit(void *unused)
{
	enter();
	for (;;)
		TURN();
	return 0;
}

/* Another way does not lead there: what has no way to the end takes longest all the same. */
SEC("syscall")
int no_exit_aside(void *unused)
{
	enter();
	if (ctl.flags)
		for (;;)
			TURN();
	leave();
	return 0;
}

/* What is compared is used: the program may rely on it. */
SEC("syscall")
int live_after(void *unused)
{
	__u32 brake;

	enter();
	for (;;) {
		TURN();
		brake = ctl.brake;
		if (brake)
			break;
	}
	ctl.ret = brake;
	return 0;
}

/* The same by a copy on the stack. */
SEC("syscall")
int copied_before(void *unused)
{
	volatile __u64 copy;
	__u64 brake;

	enter();
	for (;;) {
		TURN();
		brake = ctl.brake;
		copy = brake;
		if (brake)
			break;
	}
	return copy;
}

/* A comparison of pointers says more than which of them is greater. */
SEC("tc")
int by_packet(struct __sk_buff *skb)
{
	void *data, *end;

	enter();

	for (;;) {
		TURN();
		data = (void *)(long)skb->data;
		end = (void *)(long)skb->data_end;
		if (data + 200 > end)
			break;
	}
	return 0;
}

/* The lookup is instructions, not a call, and what it compares is used. */
SEC("syscall")
int by_array(void *unused)
{
	__u64 *value;
	__u32 key = 0;

	enter();
	for (;;) {
		TURN();
		value = bpf_map_lookup_elem(&one, &key);
		if (!value)
			break;
		ctl.ret += *value;
	}
	return 0;
}

/* No loop at all, but long: 256 times 1 MB. */
struct big {
	char bytes[1 << 20];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, struct big);
} big SEC(".maps");

#define COPY bpf_probe_read_kernel(to, sizeof(*to), from);
#define COPY4 COPY COPY COPY COPY
#define COPY16 COPY4 COPY4 COPY4 COPY4
#define COPY64 COPY16 COPY16 COPY16 COPY16

SEC("syscall")
int straight(void *unused)
{
	__u32 zero = 0, first = 1;
	struct big *to = bpf_map_lookup_elem(&big, &zero);
	struct big *from = bpf_map_lookup_elem(&big, &first);

	if (!to || !from)
		return 0;
	enter();
	COPY64 COPY64 COPY64 COPY64 leave();
	return 0;
}

/* --- To free one object may be to free any number -------------------------------------------- */

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct listed);
} lists SEC(".maps");

/* The least that is needed; how long the list is does not show in the program. */
SEC("syscall")
int list_drop(void *unused)
{
	struct listed *listed = obj_new(struct listed);

	if (!listed)
		return 1;
	obj_drop(listed);
	return 0;
}

SEC("syscall")
int list_delete(void *unused)
{
	__u32 key = 0;

	return bpf_map_delete_elem(&lists, &key);
}

SEC("syscall")
int node_drop(void *unused)
{
	struct node *node = obj_new(struct node);

	if (!node)
		return 1;
	obj_drop(node);
	return 0;
}

/* A node that is counted, and is in a list already, is dropped by who adds it: with its list. */
struct counted {
	struct bpf_list_node list;
	struct bpf_refcount refs;
	struct bpf_spin_lock lock;
	struct bpf_list_head head __contains(node, list);
};

struct counted_leaf {
	struct bpf_list_node list;
	struct bpf_refcount refs;
	__u64 key;
};

struct counted_list {
	struct bpf_spin_lock lock;
	struct bpf_list_head head __contains(counted, list);
};

struct leaf_list {
	struct bpf_spin_lock lock;
	struct bpf_list_head head __contains(counted_leaf, list);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct counted_list);
} counted_lists SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct leaf_list);
} leaf_lists SEC(".maps");

#define ADD(name, type, map)                                                  \
	SEC("syscall")                                                        \
	int name(void *unused)                                                \
	{                                                                     \
		__u32 key = 0;                                                \
		typeof(*(map).value) *to = bpf_map_lookup_elem(&(map), &key); \
		type *n;                                                      \
                                                                              \
		if (!to)                                                      \
			return 1;                                             \
		n = obj_new(type);                                            \
		if (!n)                                                       \
			return 1;                                             \
		bpf_spin_lock(&to->lock);                                     \
		bpf_list_push_front_impl(&to->head, &n->list, NULL, 0);       \
		bpf_spin_unlock(&to->lock);                                   \
		return 0;                                                     \
	}

ADD(counted_add, struct counted, counted_lists)
ADD(leaf_add, struct counted_leaf, leaf_lists)

/* Makes the list in the map longer, until it is ended. */
SEC("syscall")
int list_fill(void *unused)
{
	struct listed *listed;
	struct node *node;
	__u32 key = 0;

	listed = bpf_map_lookup_elem(&lists, &key);
	if (!listed)
		return 1;
	enter();
	while (!ctl.brake && can_loop) {
		node = obj_new(struct node);
		if (!node)
			break;
		bpf_spin_lock(&listed->lock);
		bpf_list_push_back_impl(&listed->head, &node->list, NULL, 0);
		bpf_spin_unlock(&listed->lock);
		ctl.steps++;
	}
	leave();
	return 0;
}

/* These wait for the callback, should that run on another CPU. */
SEC("syscall")
int timer_cancels(void *unused)
{
	__u32 key = 0;
	struct timer_slot *slot = bpf_map_lookup_elem(&timers, &key);

	return slot ? bpf_timer_cancel(&slot->timer) : 1;
}

SEC("syscall")
int timer_frees(void *unused)
{
	struct timer_slot none = {};
	__u32 key = 0;

	return bpf_map_update_elem(&timers, &key, &none, 0);
}

SEC("syscall")
int work_frees(void *unused)
{
	struct work_slot none = {};
	__u32 key = 0;

	return bpf_map_update_elem(&works, &key, &none, 0);
}
