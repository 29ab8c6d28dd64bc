// SPDX-License-Identifier: GPL-2.0
/*
 * Programs that take much longer than their kind does: by the argument, or by the state
 * that prog_tests/adversarial.c has made before they run. Each has a bound that holds even
 * then, or none.
 */
#include "common.h"
#include "listed.h"

#define MANY 512
#define LEN 4096

char buf[LEN], from[LEN], out[LEN];
char number[LEN]; /* spaces, then a digit */
__u64 args[12]; /* addresses of symbols */
__u64 bits[511], stack[256];
__u64 user_ptr, bad_ptr;
volatile long sink; /* so that no result is computed in vain */
__u32 colliding[MANY]; /* keys of one bucket */

#define MAP(_name, _type, _entries, _key, _value, _flags) \
	struct {                                          \
		__uint(type, BPF_MAP_TYPE_##_type);       \
		__uint(max_entries, _entries);            \
		__uint(map_flags, _flags);                \
		__type(key, _key);                        \
		__type(value, _value);                    \
	} _name SEC(".maps")

struct big {
	char bytes[LEN];
};

struct prefix {
	__u32 len;
	__u8 bytes[16];
};
struct wide_prefix {
	__u32 len;
	__u8 bytes[256];
};

MAP(hash, HASH, MANY, __u32, __u64, BPF_F_ZERO_SEED);
MAP(hash_grown, HASH, MANY, __u32, struct big, BPF_F_NO_PREALLOC);
MAP(percpu_hash, PERCPU_HASH, MANY, __u32, __u64, BPF_F_ZERO_SEED);
MAP(lru, LRU_HASH, MANY, __u32, __u64, BPF_F_ZERO_SEED);
MAP(lru_percpu, LRU_PERCPU_HASH, MANY, __u32, __u64, 0);
MAP(trie, LPM_TRIE, MANY, struct prefix, __u64, BPF_F_NO_PREALLOC);
MAP(wide_trie, LPM_TRIE, 2048, struct wide_prefix, __u64, BPF_F_NO_PREALLOC);
MAP(array, ARRAY, 1000, __u32, __u64, 0);
MAP(percpu_array, PERCPU_ARRAY, 1000, __u32, __u64, 0);
MAP(walked, HASH, 1000, __u32, __u64, 0);
MAP(fed, HASH, 1000, __u32, __u64, 0);
MAP(sparse, HASH, 1025, __u32, __u64, 0); /* in 2,048 buckets */
MAP(sockets, SOCKHASH, MANY, __u32, __u64, 0);
MAP(devices, DEVMAP_HASH, 16384, __u32, __u32, 0);
MAP(stacks, STACK_TRACE, 64, __u32, __u64[127], 0);
MAP(tails, PROG_ARRAY, 4, __u32, __u32, 0);

#define QUEUE(_name, _type, _entries)               \
	struct {                                    \
		__uint(type, BPF_MAP_TYPE_##_type); \
		__uint(max_entries, _entries);      \
		__type(value, struct big);          \
	} _name SEC(".maps")

QUEUE(queue, QUEUE, 16);
QUEUE(heap, STACK, 16);

struct {
	__uint(type, BPF_MAP_TYPE_BLOOM_FILTER);
	__uint(max_entries, 1024);
	__uint(map_extra, 15);
	__type(value, struct big);
} bloom SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 18);
} held_ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__type(key, __u32);
	__type(value, __u32);
} samples SEC(".maps"), data_samples SEC(".maps"), full_samples SEC(".maps");

#define LOCAL(_name, _type)                           \
	struct {                                      \
		__uint(type, BPF_MAP_TYPE_##_type);   \
		__uint(map_flags, BPF_F_NO_PREALLOC); \
		__type(key, int);                     \
		__type(value, struct big);            \
	} _name SEC(".maps")

LOCAL(of_task, TASK_STORAGE);
LOCAL(of_socket, SK_STORAGE);

MAP(lists, HASH, 4, __u32, struct listed, 0);

struct sorted_node {
	struct bpf_rb_node tree;
	__u64 key;
};

private(sorted) struct bpf_spin_lock sorted_lock;
private(sorted) struct bpf_rb_root sorted __contains(sorted_node, tree);

struct timed {
	struct bpf_timer timer;
};

MAP(timers, ARRAY, 1, __u32, struct timed, 0);

extern int bpf_list_push_back_impl(struct bpf_list_head *head,
				   struct bpf_list_node *node, void *meta,
				   __u64 off) __ksym;
extern int bpf_rbtree_add_impl(struct bpf_rb_root *root,
			       struct bpf_rb_node *node,
			       bool(less)(struct bpf_rb_node *a,
					  const struct bpf_rb_node *b),
			       void *meta, __u64 off) __ksym;
extern int bpf_iter_bits_new(struct bpf_iter_bits *it,
			     const u64 *unsafe_ptr__ign, u32 nr_words) __ksym;
extern int *bpf_iter_bits_next(struct bpf_iter_bits *it) __ksym;
extern void bpf_iter_bits_destroy(struct bpf_iter_bits *it) __ksym;
extern int bpf_iter_task_new(struct bpf_iter_task *it, struct task_struct *task,
			     unsigned int flags) __ksym;
extern struct task_struct *bpf_iter_task_next(struct bpf_iter_task *it) __ksym;
extern void bpf_iter_task_destroy(struct bpf_iter_task *it) __ksym;
extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym;
extern struct bpf_cpumask *bpf_cpumask_create(void) __ksym;
extern void bpf_cpumask_release(struct bpf_cpumask *mask) __ksym;
extern void bpf_cpumask_setall(struct bpf_cpumask *mask) __ksym;
extern bool bpf_cpumask_full(const struct cpumask *mask) __ksym;

/* One program, of one statement or a few. */
#define PROG(_type, _name, ...) \
	SEC(_type)              \
	int _name(void *ctx)    \
	{                       \
		long r = 0;     \
		__VA_ARGS__;    \
		sink = r;       \
		return 0;       \
	}
#define TASK(_name, ...) PROG("syscall", _name, __VA_ARGS__)
#define PACKET(_name, ...)               \
	SEC("tc")                        \
	int _name(struct __sk_buff *skb) \
	{                                \
		long r = 0;              \
		__VA_ARGS__;             \
		sink = r;                \
		return 0;                \
	}

/* --- State: one bucket holds all, each key is found last ------------------------------------- */

#define KEY(_i) __u32 key = colliding[_i]
#define VALUE __u64 value = 1

PACKET(hash_lookup, KEY(0); r = (long)bpf_map_lookup_elem(&hash, &key))
PACKET(hash_miss, KEY(MANY - 1); r = (long)bpf_map_lookup_elem(&hash, &key))
PACKET(hash_update, KEY(0); VALUE;
       r = bpf_map_update_elem(&hash, &key, &value, 0))
PACKET(hash_delete, KEY(0); r = bpf_map_delete_elem(&hash, &key))
PACKET(percpu_hash_lookup, KEY(0);
       r = (long)bpf_map_lookup_elem(&percpu_hash, &key))
PACKET(percpu_hash_update, KEY(0); VALUE;
       r = bpf_map_update_elem(&percpu_hash, &key, &value, 0))
PACKET(lru_lookup, KEY(0); r = (long)bpf_map_lookup_elem(&lru, &key))
PACKET(lru_evicts, KEY(MANY - 1); VALUE;
       r = bpf_map_update_elem(&lru, &key, &value, 0))
PACKET(lru_percpu_evicts, __u32 key = bpf_get_prandom_u32(); VALUE;
       r = bpf_map_update_elem(&lru_percpu, &key, &value, 0))
PACKET(grown_update, __u32 key = 1;
       r = bpf_map_update_elem(&hash_grown, &key, from, 0))
PACKET(grown_delete, __u32 key = 2; r = bpf_map_delete_elem(&hash_grown, &key))

/* The hash of sockets has no seed, that of devices is the key. */
PACKET(finds_socket, KEY(0);
       struct bpf_sock *sk = bpf_map_lookup_elem(&sockets, &key);
       if (sk) bpf_sk_release(sk))

/* Where newer kernels allow it, too. */
SEC("sk_lookup")
int socket_delete(struct bpf_sk_lookup *ctx)
{
	KEY(MANY - 1);

	sink = bpf_map_delete_elem(&sockets, &key);
	return SK_PASS;
}

SEC("xdp")
int finds_device(struct xdp_md *xdp)
{
	sink = bpf_redirect_map(&devices, 0, 0);
	return XDP_PASS;
}

/* 128 prefixes, each within the one before. */
#define LONGEST struct prefix key = { 128 }
PACKET(trie_lookup, LONGEST; r = (long)bpf_map_lookup_elem(&trie, &key))
PACKET(trie_update, LONGEST; VALUE;
       r = bpf_map_update_elem(&trie, &key, &value, 0))
PACKET(trie_delete, LONGEST; r = bpf_map_delete_elem(&trie, &key))
/* 2,048 of them, and all of the key is compared with each. */
PACKET(trie_wide, struct wide_prefix key = { 2048 };
       r = (long)bpf_map_lookup_elem(&wide_trie, &key))

PACKET(array_update, __u32 key = 999; VALUE;
       r = bpf_map_update_elem(&array, &key, &value, 0))
PACKET(percpu_array_update, __u32 key = 999; VALUE;
       r = bpf_map_update_elem(&percpu_array, &key, &value, 0))
PACKET(queue_push, r = bpf_map_push_elem(&queue, from, BPF_EXIST))
PACKET(queue_pop, r = bpf_map_pop_elem(&queue, buf))
PACKET(queue_peek, r = bpf_map_peek_elem(&queue, buf))
PACKET(stack_push, r = bpf_map_push_elem(&heap, from, BPF_EXIST))
PACKET(stack_pop, r = bpf_map_pop_elem(&heap, buf))
PACKET(bloom_push, r = bpf_map_push_elem(&bloom, from, 0))
PACKET(bloom_peek, r = bpf_map_peek_elem(&bloom, from))
PACKET(ring_output,
       r = bpf_ringbuf_output(&ring, from, LEN, BPF_RB_FORCE_WAKEUP))
PACKET(ring_reserve, void *p = bpf_ringbuf_reserve(&ring, LEN, 0);
       if (p) bpf_ringbuf_submit(p, BPF_RB_FORCE_WAKEUP))
PACKET(ring_full, for (int i = 0; i < 300; i++)
			  r += bpf_ringbuf_output(&ring, from, LEN, 0))

/* A record that somebody keeps, many that are ready behind it, and who comes next. */
__u64 holding;

SEC("syscall")
int ring_holds(void *ctx)
{
	char *p = bpf_ringbuf_reserve(&held_ring, 8, 0);

	if (!p)
		return 0;
	holding = 1;
	/* until somebody gives it the page */
	bpf_copy_from_user(p, 8, (void *)user_ptr);
	bpf_ringbuf_submit(p, BPF_RB_NO_WAKEUP);
	return 0;
}
static long put_record(__u32 i, void *ctx)
{
	return bpf_ringbuf_output(&held_ring, from, 8, BPF_RB_NO_WAKEUP) != 0;
}
PACKET(ring_fills, r = bpf_loop(16000, put_record, NULL, 0))
PACKET(ring_next, r = bpf_ringbuf_output(&held_ring, from, 8, BPF_RB_NO_WAKEUP))

/* The value holds a list of as many objects as were put into it. */
SEC("tc")
int list_fill(struct __sk_buff *skb)
{
	__u32 key = 0, i;
	struct listed *l = bpf_map_lookup_elem(&lists, &key);

	bpf_for(i, 0, 1000)
	{
		struct node *n = l ? obj_new(struct node) : NULL;

		if (!n)
			break;
		bpf_spin_lock(&l->lock);
		bpf_list_push_back_impl(&l->head, &n->list, NULL, 0);
		bpf_spin_unlock(&l->lock);
	}
	return 0;
}
PACKET(list_delete, __u32 key = 0; r = bpf_map_delete_elem(&lists, &key))

static bool less(struct bpf_rb_node *a, const struct bpf_rb_node *b)
{
	return container_of(a, struct sorted_node, tree)->key <
	       container_of(b, struct sorted_node, tree)->key;
}

#define TREE_ADD                                                       \
	struct sorted_node *n = obj_new(struct sorted_node);           \
	if (n) {                                                       \
		n->key = bpf_get_prandom_u32();                        \
		bpf_spin_lock(&sorted_lock);                           \
		bpf_rbtree_add_impl(&sorted, &n->tree, less, NULL, 0); \
		bpf_spin_unlock(&sorted_lock);                         \
	}

PACKET(tree_fill, for (int i = 0; i < 200; i++){ TREE_ADD })
PACKET(tree_add, TREE_ADD)

TASK(task_storage, struct task_struct *it = bpf_get_current_task_btf();
     r = (long)bpf_task_storage_get(&of_task, it, NULL,
				    BPF_LOCAL_STORAGE_GET_F_CREATE);
     bpf_task_storage_delete(&of_task, it))
PACKET(sk_storage, struct bpf_sock *sk = skb->sk;
       if (sk) sk = bpf_sk_fullsock(sk);
       if (sk) r = (long)bpf_sk_storage_get(&of_socket, sk, NULL,
					    BPF_SK_STORAGE_GET_F_CREATE))

/* --- Loops ----------------------------------------------------------------------------------- */

static long visit(void *map, __u32 *key, __u64 *value, void *ctx)
{
	*value += 1;
	return 0;
}

static long visit_percpu(void *map, __u32 *key, __u64 *value, void *ctx)
{
	return bpf_get_smp_processor_id() > 1000;
}

static long feed(void *map, __u32 *key, __u64 *value, void *ctx)
{
	__u32 next = bpf_get_prandom_u32();

	bpf_map_delete_elem(&fed, key);
	bpf_map_update_elem(&fed, &next, value, 0);
	return --ctl.n == 0;
}

static long turn(__u32 i, void *ctx)
{
	buf[i % LEN]++;
	return 0;
}

PACKET(each_array, r = bpf_for_each_map_elem(&array, visit, NULL, 0))
PACKET(each_percpu,
       r = bpf_for_each_map_elem(&percpu_array, visit_percpu, NULL, 0))
PACKET(each_hash, r = bpf_for_each_map_elem(&walked, visit, NULL, 0))
PACKET(each_sparse, r = bpf_for_each_map_elem(&sparse, visit, NULL, 0))
PACKET(each_fed, r = bpf_for_each_map_elem(&fed, feed, NULL, 0))
PACKET(loop_known, r = bpf_loop(1000, turn, NULL, 0))
PACKET(loop_argument, r = bpf_loop(ctl.m & 1023, turn, NULL, 0))
PACKET(loop_num, int i; bpf_for(i, 0, 1000) buf[i]++)
PACKET(loop_plain, for (int i = 0; i < 100; i++) buf[i & 63] += i)
PACKET(loop_nested, int i; int j;
       bpf_for(i, 0, 50) bpf_for(j, 0, 50) buf[i + j]++)
PACKET(
	loop_may_goto, __u32 i = 0; while (can_loop) {
		if (++i > 100000)
			break;
	})
TASK(loop_bits, int *p; struct bpf_iter_bits it;
     bpf_iter_bits_new(&it, bits, 511);
     while ((p = bpf_iter_bits_next(&it))) r += *p; bpf_iter_bits_destroy(&it))
TASK(bits_new, struct bpf_iter_bits it; bpf_iter_bits_new(&it, bits, 511);
     bpf_iter_bits_destroy(&it))
TASK(each_task, struct bpf_iter_task it; bpf_rcu_read_lock();
     bpf_iter_task_new(&it, NULL, 0); while (bpf_iter_task_next(&it)) r++;
     bpf_iter_task_destroy(&it); bpf_rcu_read_unlock())

/* --- Arguments ------------------------------------------------------------------------------- */

static struct btf_ptr shown;

TASK(names_type, shown.ptr = bpf_get_current_task_btf();
     shown.type_id = bpf_core_type_id_kernel(struct task_struct);
     r = bpf_snprintf_btf(out, sizeof(out), &shown, sizeof(shown), 0))
TASK(missing_type, char name[] = "no_such_type_here";
     r = bpf_btf_find_by_name_kind(name, sizeof(name), BTF_KIND_STRUCT, 0))
PACKET(number_behind_spaces, long n; r = bpf_strtol(number, LEN, 10, &n))
PACKET(unsigned_behind_spaces, unsigned long n;
       r = bpf_strtoul(number, LEN, 10, &n))
PACKET(same_strings, r = bpf_strncmp(buf, LEN, "a"))
PACKET(sample,
       r = bpf_perf_event_output(skb, &samples,
				 BPF_F_CURRENT_CPU | ((__u64)1000 << 32), from,
				 LEN))
/* Of data, and a part of the packet; and so many that some are lost, which the next one says. */
PACKET(sample_data,
       r = bpf_perf_event_output(skb, &data_samples,
				 BPF_F_CURRENT_CPU | ((__u64)1000 << 32), from,
				 LEN))
PACKET(samples_lost,
       for (int i = 0; i < 100; i++) r +=
       bpf_perf_event_output(skb, &full_samples, BPF_F_CURRENT_CPU, from, 64))
TASK(kernel_stack, r = bpf_get_task_stack((void *)bpf_get_current_task_btf(),
					  stack, sizeof(stack), 0))
SEC("raw_tp/sys_enter")
int user_stack(void *ctx)
{
	bpf_get_stack(ctx, stack, sizeof(stack), BPF_F_USER_STACK);
	return 0;
}
SEC("raw_tp/sys_enter")
int names_files(void *ctx)
{
	bpf_get_stack(ctx, stack, sizeof(stack),
		      BPF_F_USER_STACK | BPF_F_USER_BUILD_ID);
	return 0;
}
SEC("raw_tp/sys_enter")
int own_stack(void *ctx)
{
	bpf_get_stack(ctx, stack, sizeof(stack), 0);
	return 0;
}
SEC("raw_tp/sys_enter")
int user_stack_id(void *ctx)
{
	bpf_get_stackid(ctx, &stacks, BPF_F_USER_STACK | BPF_F_REUSE_STACKID);
	return 0;
}
SEC("raw_tp/sys_enter")
int stack_id(void *ctx)
{
	bpf_get_stackid(ctx, &stacks, BPF_F_REUSE_STACKID);
	return 0;
}
PACKET(print_symbols,
       r = bpf_snprintf(out, sizeof(out),
			"%pS %pS %pS %pS %pS %pS %pS %pS %pS %pS %pS %pS", args,
			sizeof(args)))
PACKET(print_wide, __u64 a[] = { 1 };
       r = bpf_snprintf(out, sizeof(out), "%4000d", a, sizeof(a)))
PACKET(print_string, __u64 a[] = { (__u64)(unsigned long)from };
       r = bpf_snprintf(out, sizeof(out), "%s", a, sizeof(a)))
PACKET(trace_symbols,
       bpf_trace_printk("%pS %pS %pS", 12, args[0], args[1], args[2]))
PACKET(trace_many,
       r = bpf_trace_vprintk("%pS %pS %pS %pS %pS %pS %pS %pS %pS %pS %pS %pS",
			     48, args, sizeof(args)))
SEC("syscall")
int user_page(void *ctx)
{
	bpf_copy_from_user(buf, LEN, (void *)user_ptr);
	return 0;
}
PACKET(read_kernel, r = bpf_probe_read_kernel(buf, LEN, from))
PACKET(read_kernel_bad, r = bpf_probe_read_kernel(buf, LEN, (void *)bad_ptr))
PACKET(read_kernel_str, r = bpf_probe_read_kernel_str(buf, LEN, from))
PACKET(read_user, r = bpf_probe_read_user(buf, LEN, (void *)user_ptr))
PACKET(read_user_str, r = bpf_probe_read_user_str(buf, LEN, (void *)user_ptr))
PACKET(faults_once,
       struct task_struct *t = bpf_rdonly_cast(
	       (void *)bad_ptr, bpf_core_type_id_kernel(struct task_struct));
       r = t->pid)
PACKET(
	faults_often, int i; bpf_for(i, 0, 100) {
		struct task_struct *t = bpf_rdonly_cast(
			(void *)bad_ptr,
			bpf_core_type_id_kernel(struct task_struct));
		r += t->pid;
	})
PACKET(dynptr_copy, struct bpf_dynptr d; bpf_dynptr_from_mem(from, LEN, 0, &d);
       r = bpf_dynptr_read(buf, LEN, &d, 0, 0))

/* --- Packets --------------------------------------------------------------------------------- */

PACKET(tail_grows, r = bpf_skb_change_tail(skb, 60000, 0))
PACKET(tail_shrinks, r = bpf_skb_change_tail(skb, 64, 0))
PACKET(head_grows, r = bpf_skb_change_head(skb, 256, 0))
PACKET(room_grows, r = bpf_skb_adjust_room(skb, 128, BPF_ADJ_ROOM_NET, 0))
PACKET(pulls_all, r = bpf_skb_pull_data(skb, skb->len))
PACKET(pushes_vlan, r = bpf_skb_vlan_push(skb, bpf_htons(0x8100), 1);
       r = bpf_skb_vlan_push(skb, bpf_htons(0x8100), 2))
PACKET(loads_bytes, r = bpf_skb_load_bytes(skb, 0, buf, 1400))
PACKET(stores_bytes,
       r = bpf_skb_store_bytes(skb, 0, from, 1400, BPF_F_RECOMPUTE_CSUM))
/* Before its first instruction, a packet that somebody else has too is copied. */
SEC("tcx/ingress")
int writes_packet(struct __sk_buff *skb)
{
	char *at = (char *)(long)skb->data;

	if (at + 64 <= (char *)(long)skb->data_end)
		at[20] = at[21];
	return TCX_NEXT;
}
PACKET(differs, r = bpf_csum_diff((void *)from, 512, (void *)buf, 512, 0))
PACKET(clones, r = bpf_clone_redirect(skb, 1, 0))
PACKET(finds_udp, struct bpf_sock_tuple t = {}; t.ipv4.dport = bpf_htons(7777);
       t.ipv4.daddr = bpf_htonl(0x7f000001); t.ipv4.saddr = t.ipv4.daddr;
       t.ipv4.sport = 1;
       struct bpf_sock *sk = bpf_sk_lookup_udp(skb, &t, sizeof(t.ipv4),
					       BPF_F_CURRENT_NETNS, 0);
       if (sk) bpf_sk_release(sk))
PACKET(finds_route, struct bpf_fib_lookup p = {}; p.family = 2; p.ifindex = 1;
       p.ipv4_dst = bpf_htonl(0x7f000001);
       r = bpf_fib_lookup(skb, &p, sizeof(p), 0))
PACKET(hashes, bpf_set_hash_invalid(skb); r = bpf_get_hash_recalc(skb))

#define CLASSIC(_name, _off)                                    \
	SEC("tc")                                               \
	int _name(struct __sk_buff *skb)                        \
	{                                                       \
		register struct __sk_buff *ctx asm("r6") = skb; \
		register int r asm("r0");                       \
		asm volatile("%0 = *(u32 *)skb[" #_off "]"      \
			     : "=r"(r)                          \
			     : "r"(ctx)                         \
			     : "r1", "r2", "r3", "r4", "r5");   \
		sink = r;                                       \
		return 0;                                       \
	}

CLASSIC(classic_inside, 1000)
CLASSIC(classic_outside, 100000)

/* --- Others ---------------------------------------------------------------------------------- */

SEC("syscall")
int makes_map(void *ctx)
{
	static union bpf_attr attr;

	attr.map_type = BPF_MAP_TYPE_ARRAY;
	attr.key_size = 4;
	attr.value_size = 4096;
	attr.max_entries = 1000;
	return bpf_sys_bpf(BPF_MAP_CREATE, &attr, sizeof(attr)) & 0;
}

static int expired(void *map, int *key, struct timed *t)
{
	return 0;
}

PACKET(
	starts_timer, __u32 key = 0;
	struct timed *t = bpf_map_lookup_elem(&timers, &key); if (t) {
		bpf_timer_init(&t->timer, &timers, 1);
		bpf_timer_set_callback(&t->timer, expired);
		bpf_timer_start(&t->timer, 1000000000, 0);
		bpf_timer_cancel(&t->timer);
	})
PACKET(new_object, struct sorted_node *n = obj_new(struct sorted_node);
       if (n) obj_drop(n))
TASK(
	new_cpumask, struct bpf_cpumask *m = bpf_cpumask_create(); if (m) {
		bpf_cpumask_setall(m);
		r = bpf_cpumask_full((void *)m);
		bpf_cpumask_release(m);
	})
/* No signal, but all that is asked before one is sent. */
TASK(signals, r = bpf_send_signal(0))
TASK(task_of_pid, struct task_struct *t = bpf_task_from_pid(1);
     if (t) bpf_task_release(t))
TASK(cgroup_of_id, struct cgroup *c = bpf_cgroup_from_id(1);
     if (c) bpf_cgroup_release(c))
PACKET(
	divides, __u64 a = ctl.m; __u64 b = ctl.n | 1;
	for (int i = 0; i < 64; i++) {
		a = (a + ~0ULL / 3) / b;
		b = (b ^ a) | 1;
	} r = a)
PACKET(atomics, for (int i = 0; i < 64; i++) __sync_fetch_and_add(&ctl.m, 1))

static __noinline int callee(int n)
{
	volatile char mem[256];

	mem[n & 255] = n;
	return mem[(n + 1) & 255];
}
PACKET(calls, for (int i = 0; i < 32; i++) r += callee(i))

/* Tail calls: their bound is that of what is in the array, 33 times. */

static __always_inline void work(void)
{
	__u32 i;

	bpf_for(i, 0, 50)
		sink += bpf_csum_diff((void *)from, 512, (void *)buf, 512, i);
}

SEC("tc")
int tail_self(struct __sk_buff *skb)
{
	work();
	bpf_tail_call(skb, &tails, 0);
	return 0;
}

/* The longest one comes at the end, as the entry depends on how often. */
SEC("tc")
int tail_any(struct __sk_buff *skb)
{
	bpf_tail_call(skb, &tails, skb->mark++ & 3);
	return 0;
}

static __noinline int tail_sub(struct __sk_buff *skb)
{
	int ret = 1;

	bpf_tail_call(skb, &tails, 1);
	barrier_var(ret);
	return ret;
}

/* Each of the calls returns here, and there are 33 of them in all. */
SEC("tc")
int tail_goes_on(struct __sk_buff *skb)
{
	int ret = 0;

	for (int i = 0; i < 4; i++) {
		work();
		ret += tail_sub(skb);
	}
	return ret;
}
