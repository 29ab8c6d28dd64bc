// SPDX-License-Identifier: GPL-2.0
/*
 * The home of the random programs: their maps, the types of their functions and of what
 * they allocate, and the programs that look whether all was given back. The random
 * programs themselves are made of instructions, by random/gen.c, and are loaded with the
 * BTF of this object. So what is called "type" here is never run.
 */
#include "common.h"
#include "random.h"

extern struct bpf_list_node *
bpf_list_pop_front(struct bpf_list_head *head) __ksym;

volatile struct rnd rnd SEC(".bss.rnd");
/* For bpf_snprintf(): a format is a string in memory that cannot change. */
const char rnd_format[] SEC(".rodata.format") = "%40llu %llx %64s %llu";

/* --- Maps ------------------------------------------------------------------------------------ */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, RND_EACH);
	__type(key, __u32);
	__type(value, __u64);
} rnd_array SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, RND_EACH);
	__type(key, __u32);
	__type(value, __u64);
} rnd_percpu SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, RND_HASH_ROOM);
	__type(key, __u32);
	__type(value, __u64);
} rnd_hash SEC(".maps");

/* Key 0 is there, no other. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u64);
	__type(value, __u64);
} rnd_stay SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, RND_RINGBUF);
} rnd_ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_USER_RINGBUF);
	__uint(max_entries, RND_RINGBUF);
} rnd_user_ring SEC(".maps");

struct rnd_timer {
	struct bpf_timer timer;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct rnd_timer);
} rnd_timers SEC(".maps");

struct rnd_work {
	struct bpf_wq work;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct rnd_work);
} rnd_works SEC(".maps");

struct rnd_locked {
	__u64 value;
	struct bpf_spin_lock lock;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct rnd_locked);
} rnd_locks SEC(".maps");

struct rnd_slot {
	struct task_struct __kptr *task;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct rnd_slot);
} rnd_slots SEC(".maps");

struct rnd_node {
	__u64 value;
	struct bpf_list_node link;
};

struct rnd_list {
	struct bpf_spin_lock lock;
	struct bpf_list_head head __contains(rnd_node, link);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct rnd_list);
} rnd_lists SEC(".maps");

/* --- Types ----------------------------------------------------------------------------------- */

#define STATIC(n)                                   \
	static __noinline int static_##n(void *ctx) \
	{                                           \
		rnd.steps += (long)ctx;             \
		return rnd.steps + n;               \
	}
#define GLOBAL(n)                        \
	__noinline int global_##n(int x) \
	{                                \
		rnd.steps += x;          \
		return rnd.steps + n;    \
	}

STATIC(0)
STATIC(1)
STATIC(2)
STATIC(3)
STATIC(4)
STATIC(5)
STATIC(6)
STATIC(7)
GLOBAL(0)
GLOBAL(1)
GLOBAL(2)
GLOBAL(3)

static long rnd_callback(__u32 i, void *ctx)
{
	struct rnd_node *node = obj_new(struct rnd_node);

	if (node)
		obj_drop(node);
	return 0;
}

static __always_inline int each_of_them(void *ctx)
{
	return static_0(ctx) + static_1(ctx) + static_2(ctx) + static_3(ctx) +
	       static_4(ctx) + static_5(ctx) + static_6(ctx) + static_7(ctx) +
	       global_0(0) + global_1(1) + global_2(2) + global_3(3) +
	       bpf_loop(1, rnd_callback, NULL, 0);
}

SEC("?syscall")
int main_any(void *ctx)
{
	return each_of_them(ctx);
}

/* Functions that an extension may replace need the context's right type. */
SEC("?tc")
int main_tc(struct __sk_buff *ctx)
{
	return rnd.zero;
}

SEC("?xdp")
int main_xdp(struct xdp_md *ctx)
{
	return rnd.zero;
}

/* --- What was given back? -------------------------------------------------------------------- */

SEC("syscall")
int ring_probe(void *unused)
{
	__u64 *rec = bpf_ringbuf_reserve(&rnd_ring, sizeof(*rec), 0);

	if (!rec)
		return -1;
	*rec = RB_MAGIC;
	bpf_ringbuf_submit(rec, 0);
	return 0;
}

static long drained(struct bpf_dynptr *dynptr, void *unused)
{
	return 0;
}

/* -EBUSY if another one is still at it. */
SEC("syscall")
int user_ring_probe(void *unused)
{
	return bpf_user_ringbuf_drain(&rnd_user_ring, drained, NULL, 0);
}

/* Both locks, and what is left in the list. Waits for ever if one is held. */
SEC("tc")
int lock_probe(struct __sk_buff *unused)
{
	struct bpf_list_node *link;
	struct rnd_locked *locked;
	struct rnd_list *list;
	__u32 key = 0;

	locked = bpf_map_lookup_elem(&rnd_locks, &key);
	list = bpf_map_lookup_elem(&rnd_lists, &key);
	if (!locked || !list)
		return -1;
	bpf_spin_lock(&locked->lock);
	locked->value++;
	bpf_spin_unlock(&locked->lock);
	bpf_spin_lock(&list->lock);
	link = bpf_list_pop_front(&list->head);
	bpf_spin_unlock(&list->lock);
	if (!link)
		return 0;
	obj_drop(container_of(link, struct rnd_node, link));
	return 1;
}

/* A task that is left in a map is no leak: it goes before the references are counted. */
SEC("syscall")
int slot_empty(void *unused)
{
	struct task_struct *task;
	struct rnd_slot *slot;
	__u32 key = 0;

	slot = bpf_map_lookup_elem(&rnd_slots, &key);
	if (!slot)
		return -1;
	task = bpf_kptr_xchg(&slot->task, NULL);
	if (task)
		bpf_task_release(task);
	return 0;
}
