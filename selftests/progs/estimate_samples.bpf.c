// SPDX-License-Identifier: GPL-2.0
/*
 * Programs that send samples. In the model that the tests load nothing takes time but that, and
 * what a sample takes, the map decides that it goes to.
 */
#include "common.h"

struct events {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u32);
} one SEC(".maps"), two SEC(".maps");

__u64 data;
__u64 any_flags = BPF_F_CURRENT_CPU;

SEC("tc")
int once(struct __sk_buff *skb)
{
	bpf_perf_event_output(skb, &one, BPF_F_CURRENT_CPU, &data,
			      sizeof(data));
	return 0;
}

/* With a part of the packet, which is counted as the data is. */
SEC("tc")
int packet(struct __sk_buff *skb)
{
	bpf_perf_event_output(skb, &one, BPF_F_CURRENT_CPU | (32ULL << 32),
			      &data, sizeof(data));
	return 0;
}

/* With any part, as far as the verifier knows. */
SEC("tc")
int unknown(struct __sk_buff *skb)
{
	bpf_perf_event_output(skb, &one, any_flags, &data, sizeof(data));
	return 0;
}

SEC("tc")
int both(struct __sk_buff *skb)
{
	bpf_perf_event_output(skb, &one, BPF_F_CURRENT_CPU, &data,
			      sizeof(data));
	bpf_perf_event_output(skb, &two, BPF_F_CURRENT_CPU, &data,
			      sizeof(data));
	return 0;
}

/* The states behind the branch are the same but for the flags. */
SEC("tc")
int merged(struct __sk_buff *skb)
{
	__u64 flags = BPF_F_CURRENT_CPU;

	if (skb->mark == 7)
		flags |= 1000ULL << 32;
	bpf_perf_event_output(skb, &one, flags, &data, sizeof(data));
	return 0;
}

struct sent {
	struct __sk_buff *skb;
};

static long turn(__u32 i, void *ctx)
{
	struct sent *s = ctx;

	bpf_perf_event_output(s->skb, &two, BPF_F_CURRENT_CPU, &data,
			      sizeof(data));
	return 0;
}

SEC("tc")
int loops(struct __sk_buff *skb)
{
	struct sent s = { skb };

	bpf_loop(10, turn, &s, 0);
	return 0;
}

SEC("tc")
int none(struct __sk_buff *skb)
{
	return 0;
}
