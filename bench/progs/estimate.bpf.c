// SPDX-License-Identifier: GPL-2.0
/*
 * Programs whose shortest and longest paths are known. The shortest is taken
 * with in_mode 0 and in_n 0, the longest with in_mode 1 and in_n 255; each
 * program cuts in_n to its own limit.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

char LICENSE[] SEC("license") = "GPL";

#define noinline __attribute__((noinline))
#define N 64

__u32 in_mode, in_n;
/* what is written nowhere is computed by nobody */
__u64 out;

struct big {
	char b[128];
};

#define MAP(name, kind, k, v, n)                   \
	struct {                                   \
		__uint(type, BPF_MAP_TYPE_##kind); \
		__uint(max_entries, n);            \
		__type(key, k);                    \
		__type(value, v);                  \
	} name SEC(".maps")

MAP(hash, HASH, __u64, __u64, 256);
MAP(hash_big, HASH, __u64, struct big, 256);
MAP(hash_each, HASH, __u64, __u64, N);
MAP(percpu_hash, PERCPU_HASH, __u64, __u64, 256);
MAP(lru, LRU_HASH, __u64, __u64, 1024);
MAP(array, ARRAY, __u32, __u64, N);
MAP(array_big, ARRAY, __u32, struct big, N);
MAP(percpu, PERCPU_ARRAY, __u32, __u64, N);

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 16);
	__type(value, struct big);
} queue SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 16);
} ring SEC(".maps");

struct locked {
	struct bpf_spin_lock lock;
	__u64 n[4];
};
MAP(locks, ARRAY, __u32, struct locked, 1);

struct timed {
	struct bpf_timer timer;
};
MAP(timers, ARRAY, __u32, struct timed, 1);

char from[512], to[512];

static __always_inline __u32 limited(__u32 limit)
{
	__u32 n = in_n;

	return n < limit ? n : limit;
}

SEC("tc") int nothing(struct __sk_buff *skb)
{
	return 0;
}

SEC("tc") int straight(struct __sk_buff *skb)
{
	__u64 x = out;

	x += 3;
	x ^= x << 7;
	x ^= x >> 9;
	x *= 0x9e3779b97f4a7c15ULL;
	x ^= x << 8;
	x += skb->len;
	x ^= x >> 5;
	x |= 1;
	out = x;
	return 0;
}

SEC("tc") int early_exit(struct __sk_buff *skb)
{
	__u64 x = out;

	if (!in_mode)
		return 0;
	x ^= x << 7;
	x += x >> 3;
	x *= 77;
	x ^= x << 9;
	x += x >> 4;
	out = x;
	return 0;
}

SEC("tc") int rare_division(struct __sk_buff *skb)
{
	__u64 x = out | 1, y = skb->len | 1;

	if (in_mode)
		x = x / y + x % (y + 2) + (x + 5) / (y + 3) + x % (y + 7);
	out = x;
	return 0;
}

SEC("tc") int multiply(struct __sk_buff *skb)
{
	__u64 x = out | 1, y = skb->len;

	x = x * y + (x * 3) * (y * 5) + (__u32)x * (__u32)y;
	out = x;
	return 0;
}

SEC("tc") int rare_text(struct __sk_buff *skb)
{
	static const char fmt[] = "%d";
	__u64 arg = 7;

	if (in_mode)
		bpf_snprintf(to, 16, fmt, &arg, sizeof(arg));
	return 0;
}

SEC("tc") int rare_read(struct __sk_buff *skb)
{
	if (in_mode)
		bpf_probe_read_kernel(to, 512, from);
	return 0;
}

SEC("tc") int read_n(struct __sk_buff *skb)
{
	bpf_probe_read_kernel(to, limited(200), from);
	return 0;
}

SEC("tc") int classify(struct __sk_buff *skb)
{
	__u64 x = 0;

	switch (in_n & 7) {
	case 0:
		break;
	case 1:
		x = 5;
		break;
	case 2:
		x = skb->mark;
		break;
	case 3:
		x = skb->hash + skb->mark;
		break;
	case 7:
		x = skb->hash / (skb->len | 1) + skb->mark / 7;
		break;
	}
	out = x;
	return 0;
}

SEC("tc") int context(struct __sk_buff *skb)
{
	out = skb->len + skb->protocol + skb->mark + skb->priority +
	      skb->ifindex + skb->tc_index + skb->vlan_tci;
	skb->mark = 0;
	return 0;
}

SEC("tc") int packet(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data,
	     *end = (void *)(long)skb->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = data + sizeof(*eth);

	if ((void *)(ip + 1) > end)
		return 0;
	if (!in_mode)
		return 0;
	out = bpf_ntohs(eth->h_proto) + ip->ttl + bpf_ntohl(ip->saddr);
	return 0;
}

SEC("tc") int load_n(struct __sk_buff *skb)
{
	char buf[64];
	__u32 n = limited(63);

	bpf_skb_load_bytes(skb, 0, buf, n + 1);
	out = buf[0];
	return 0;
}

SEC("tc") int checksum(struct __sk_buff *skb)
{
	out = bpf_csum_diff(0, 0, (__be32 *)from, limited(31) * 4, 0);
	return 0;
}

SEC("tc") int getters(struct __sk_buff *skb)
{
	out = bpf_get_prandom_u32() + bpf_get_smp_processor_id() +
	      bpf_ktime_get_ns() + bpf_get_current_pid_tgid();
	return 0;
}

SEC("tc") int count(struct __sk_buff *skb)
{
	__u32 key = in_n & (N - 1);
	__u64 *v = bpf_map_lookup_elem(&array, &key);

	if (v)
		__sync_fetch_and_add(v, 1);
	return 0;
}

SEC("tc") int count_percpu(struct __sk_buff *skb)
{
	__u32 key = 0;
	__u64 *v = bpf_map_lookup_elem(&percpu, &key);

	if (v)
		++*v;
	return 0;
}

SEC("tc") int atomics(struct __sk_buff *skb)
{
	__u64 *p = &out;

	__sync_fetch_and_add(p, 1);
	__sync_lock_test_and_set(p, 5);
	__sync_val_compare_and_swap(p, 5, 7);
	return 0;
}

SEC("tc") int lookup(struct __sk_buff *skb)
{
	__u64 key = in_mode;
	__u64 *v = bpf_map_lookup_elem(&hash, &key);

	if (v)
		out = *v;
	return 0;
}

SEC("tc") int update(struct __sk_buff *skb)
{
	__u64 key = in_mode, v = 1;

	bpf_map_update_elem(&hash, &key, &v, BPF_ANY);
	return 0;
}

SEC("tc") int update_big(struct __sk_buff *skb)
{
	__u64 key = in_mode;

	bpf_map_update_elem(&hash_big, &key, from, BPF_ANY);
	return 0;
}

SEC("tc") int insert_delete(struct __sk_buff *skb)
{
	__u64 key = 99, v = 1;

	if (!in_mode)
		return 0;
	bpf_map_update_elem(&hash, &key, &v, BPF_NOEXIST);
	bpf_map_delete_elem(&hash, &key);
	return 0;
}

SEC("tc") int update_percpu(struct __sk_buff *skb)
{
	__u64 key = in_mode, v = 1;

	bpf_map_update_elem(&percpu_hash, &key, &v, BPF_ANY);
	return 0;
}

SEC("tc") int update_lru(struct __sk_buff *skb)
{
	__u64 key = in_mode, v = 1;

	bpf_map_update_elem(&lru, &key, &v, BPF_ANY);
	return 0;
}

SEC("tc") int update_array(struct __sk_buff *skb)
{
	__u32 key = in_mode;

	bpf_map_update_elem(&array_big, &key, from, BPF_ANY);
	return 0;
}

SEC("tc") int push_pop(struct __sk_buff *skb)
{
	if (!in_mode)
		return 0;
	bpf_map_push_elem(&queue, from, 0);
	bpf_map_pop_elem(&queue, to);
	return 0;
}

SEC("tc") int ring_output(struct __sk_buff *skb)
{
	if (in_mode)
		bpf_ringbuf_output(&ring, from, 64, BPF_RB_NO_WAKEUP);
	return 0;
}

SEC("tc") int ring_reserve(struct __sk_buff *skb)
{
	__u64 *r = bpf_ringbuf_reserve(&ring, 64, 0);

	if (!r)
		return 0;
	*r = in_mode;
	bpf_ringbuf_discard(r, BPF_RB_NO_WAKEUP);
	return 0;
}

SEC("tc") int lock(struct __sk_buff *skb)
{
	__u32 key = 0;
	struct locked *l = bpf_map_lookup_elem(&locks, &key);

	if (!l)
		return 0;
	bpf_spin_lock(&l->lock);
	l->n[0]++;
	if (in_mode) {
		l->n[1] += l->n[0];
		l->n[2] += l->n[1];
		l->n[3] += l->n[2];
	}
	bpf_spin_unlock(&l->lock);
	return 0;
}

static int fires(void *map, int *key, struct timed *t)
{
	return 0;
}

SEC("tc") int timer(struct __sk_buff *skb)
{
	__u32 key = 0;
	struct timed *t = bpf_map_lookup_elem(&timers, &key);

	if (!t || !in_mode)
		return 0;
	bpf_timer_init(&t->timer, &timers, 1 /* CLOCK_MONOTONIC */);
	bpf_timer_set_callback(&t->timer, fires);
	bpf_timer_start(&t->timer, 10000000000ULL, 0);
	bpf_timer_cancel(&t->timer);
	return 0;
}

SEC("tc") int dynptr(struct __sk_buff *skb)
{
	struct bpf_dynptr d;

	bpf_dynptr_from_mem(from, 256, 0, &d);
	if (in_mode)
		bpf_dynptr_write(&d, 0, to, 128, 0);
	bpf_dynptr_read(to, 64, &d, 0, 0);
	return 0;
}

SEC("tc") int compare(struct __sk_buff *skb)
{
	out = bpf_strncmp(from, 16, "aaaaaaaaaaaaaaa");
	return 0;
}

SEC("tc") int loop_fixed(struct __sk_buff *skb)
{
	__u64 x = out;

#pragma clang loop unroll(disable)
	for (int i = 0; i < 50; i++) {
		x = x * 5 + i;
		barrier_var(x);
	}
	out = x;
	return 0;
}

SEC("tc") int loop_n(struct __sk_buff *skb)
{
	__u32 n = limited(60);
	__u64 x = out;

#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < 60; i++) {
		if (i >= n)
			break;
		x = x * 5 + i;
		barrier_var(x);
	}
	out = x;
	return 0;
}

SEC("tc") int loop_lookups(struct __sk_buff *skb)
{
#pragma clang loop unroll(disable)
	for (__u64 i = 0; i < 20; i++) {
		__u64 key = in_mode ? 1 : 7777;
		__u64 *v = bpf_map_lookup_elem(&hash, &key);

		if (v)
			out += *v;
	}
	return 0;
}

static int step(__u32 i, __u64 *sum)
{
	*sum += i;
	return 0;
}

SEC("tc") int callback_fixed(struct __sk_buff *skb)
{
	__u64 sum = 0;

	bpf_loop(100, step, &sum, 0);
	out = sum;
	return 0;
}

SEC("tc") int callback_n(struct __sk_buff *skb)
{
	__u64 sum = 0;

	bpf_loop(limited(100), step, &sum, 0);
	out = sum;
	return 0;
}

static int outer(__u32 i, __u64 *sum)
{
	bpf_loop(20, step, sum, 0);
	return 0;
}

SEC("tc") int callback_nested(struct __sk_buff *skb)
{
	__u64 sum = 0;

	bpf_loop(limited(10), outer, &sum, 0);
	out = sum;
	return 0;
}

static long each(void *map, void *key, __u64 *value, __u64 *sum)
{
	*sum += *value;
	return 0;
}

SEC("tc") int each_array(struct __sk_buff *skb)
{
	__u64 sum = 0;

	if (in_mode)
		bpf_for_each_map_elem(&array, each, &sum, 0);
	out = sum;
	return 0;
}

SEC("tc") int each_hash(struct __sk_buff *skb)
{
	__u64 sum = 0;

	if (in_mode)
		bpf_for_each_map_elem(&hash_each, each, &sum, 0);
	out = sum;
	return 0;
}

SEC("tc") int iter_fixed(struct __sk_buff *skb)
{
	__u64 sum = 0;
	int i;

	bpf_for(i, 0, 40) sum += i;
	out = sum;
	return 0;
}

SEC("tc") int iter_n(struct __sk_buff *skb)
{
	int n = limited(40), i;
	__u64 sum = 0;

	bpf_for(i, 0, n) sum += i;
	out = sum;
	return 0;
}

SEC("tc") int iter_nested(struct __sk_buff *skb)
{
	int n = limited(8), i, k;
	__u64 sum = 0;

	bpf_for(i, 0, n) bpf_for(k, 0, 10) sum += k;
	out = sum;
	return 0;
}

/* the expensive branch may be taken in each turn */
static int branching(__u32 i, __u64 *sum)
{
	__u64 key = 1, *v;

	if (in_mode) {
		v = bpf_map_lookup_elem(&hash, &key);
		if (v)
			*sum += *v;
	}
	return 0;
}

SEC("tc") int loop_branch(struct __sk_buff *skb)
{
	__u64 sum = 0;

	bpf_loop(30, branching, &sum, 0);
	out = sum;
	return 0;
}

static noinline __u64 mixed(__u64 x)
{
	x ^= x << 7;
	x ^= x >> 9;
	return x ^ in_n;
}

SEC("tc") int static_calls(struct __sk_buff *skb)
{
	__u64 x = mixed(out);

	if (in_mode)
		x = mixed(mixed(x));
	out = x;
	return 0;
}

noinline int global_mixed(__u32 x)
{
	x ^= x << 7;
	x ^= x >> 9;
	return x ^ in_n;
}

SEC("tc") int global_calls(struct __sk_buff *skb)
{
	__u32 x = global_mixed(skb->len);

	if (in_mode)
		x = global_mixed(x + 1) + global_mixed(x + 2);
	out = x;
	return 0;
}

/* What an update costs beside other CPUs that do the same: times itself. */
MAP(contended, HASH, __u64, __u64, 256);

__u64 laps[8][4096];
__u32 lap[8];

SEC("tc") int contend(struct __sk_buff *skb)
{
	__u32 cpu = bpf_get_smp_processor_id() & 7, n = lap[cpu] & 4095;
	__u64 start = bpf_ktime_get_ns();

#pragma clang loop unroll(disable)
	for (__u64 i = 0; i < 20; i++) {
		__u64 key = i, v = i;

		bpf_map_update_elem(&contended, &key, &v, BPF_ANY);
	}
	laps[cpu][n] = bpf_ktime_get_ns() - start;
	lap[cpu]++;
	return 0;
}
