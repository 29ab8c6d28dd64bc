// SPDX-License-Identifier: GPL-2.0
/*
 * Loops that no call ends: each goes round until the brake is pulled. What calls
 * they have are stubs on the fast path, and do not decide when to leave.
 */
#include "common.h"

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

/* --- These end ------------------------------------------------------------------------------- */

SEC("tc")
int by_memory(struct __sk_buff *skb)
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
SEC("tc")
int by_bottom(struct __sk_buff *skb)
{
	enter();
	do {
		TURN();
	} while (!ctl.brake);
	leave();
	return 0;
}

SEC("tc")
int by_64_bits(struct __sk_buff *skb)
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

SEC("tc")
int by_bits(struct __sk_buff *skb)
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

SEC("tc")
int by_two_registers(struct __sk_buff *skb)
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

SEC("tc")
int nested(struct __sk_buff *skb)
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

/* The iterator is drained on the fast path, and made anew. */
SEC("tc")
int iterator_anew(struct __sk_buff *skb)
{
	int i;

	enter();
	for (;;) {
		bpf_for(i, 0, 4) ctl.steps++;
		if (ctl.brake)
			break;
	}
	leave();
	return 0;
}

static __noinline int used_up(void)
{
	for (;;) {
		while (can_loop)
			ctl.steps++;
		if (ctl.brake)
			break;
	}
	return 0;
}

SEC("tc")
int goto_used_up(struct __sk_buff *skb)
{
	enter();
	used_up();
	leave();
	return 0;
}

static long inner_loop(__u32 i, void *unused)
{
	for (;;) {
		TURN();
		if (ctl.brake)
			return 1;
	}
}

SEC("tc")
int in_callback(struct __sk_buff *skb)
{
	enter();
	bpf_loop(1 << 23, inner_loop, NULL, 0);
	leave();
	return 0;
}

/* The callback is called by the helper itself. */
SEC("tc")
int in_called(struct __sk_buff *skb)
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

SEC("tc")
int in_callback_in_callback(struct __sk_buff *skb)
{
	enter();
	bpf_loop(1 << 23, outer_loop, NULL, 0);
	leave();
	return 0;
}

static __noinline int spin_static(void)
{
	for (;;) {
		TURN();
		if (ctl.brake)
			break;
	}
	return 0;
}

SEC("tc")
int in_static(struct __sk_buff *skb)
{
	enter();
	for (;;) {
		spin_static();
		if (ctl.brake)
			break;
	}
	leave();
	return 0;
}

__noinline int spin_global(int unused)
{
	for (;;) {
		TURN();
		if (ctl.brake)
			break;
	}
	return unused;
}

SEC("tc")
int in_global(struct __sk_buff *skb)
{
	enter();
	for (;;) {
		spin_global(1);
		TURN();
		if (ctl.brake)
			break;
	}
	leave();
	return 0;
}

/* What it holds when it is ended is given back. */
SEC("tc")
int holds_task(struct __sk_buff *skb)
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

static volatile __u64 sink[40];

#define STORE(i) sink[(i)] = ctl.steps
#define STORE10(i)            \
	do {                  \
		STORE(i);     \
		STORE(i + 1); \
		STORE(i + 2); \
		STORE(i + 3); \
		STORE(i + 4); \
		STORE(i + 5); \
		STORE(i + 6); \
		STORE(i + 7); \
		STORE(i + 8); \
		STORE(i + 9); \
	} while (0)

/* The loop is too long for a jump of two bytes. */
SEC("tc")
int long_jump(struct __sk_buff *skb)
{
	enter();
	for (;;) {
		TURN();
		if (ctl.brake)
			break;
		STORE10(0);
		STORE10(10);
		STORE10(20);
		STORE10(30);
	}
	leave();
	return 0;
}

/* Several ways out, and one that goes on. */
SEC("tc")
int several_exits(struct __sk_buff *skb)
{
	enter();
	for (;;) {
		TURN();
		if (ctl.flags == 7) {
			ctl.ret = 1;
			break;
		}
		if (ctl.flags == 8)
			continue;
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

SEC("tc")
int each_again(struct __sk_buff *skb)
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
SEC("tc")
int each_reinserts(struct __sk_buff *skb)
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

SEC("tc")
int each_reinserts_global(struct __sk_buff *skb)
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
SEC("tc")
int each_copies(struct __sk_buff *skb)
{
	bpf_for_each_map_elem(&pair, copy_element, NULL, 0);
	return 0;
}

/* --- These have no exit that could be forced ------------------------------------------------- */

SEC("tc")
int no_exit(struct __sk_buff *skb)
{
	for (;;)
		TURN();
	return 0;
}

/* What is compared is returned: the program may rely on it. */
SEC("tc")
int live_after(struct __sk_buff *skb)
{
	__u32 brake;

	for (;;) {
		TURN();
		brake = ctl.brake;
		if (brake)
			break;
	}
	return brake;
}

/* The same by a copy on the stack. */
SEC("tc")
int copied_before(struct __sk_buff *skb)
{
	volatile __u64 copy;
	__u64 brake;

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

	for (;;) {
		TURN();
		data = (void *)(long)skb->data;
		end = (void *)(long)skb->data_end;
		if (data + 200 > end)
			break;
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

SEC("tc")
int straight(struct __sk_buff *skb)
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
