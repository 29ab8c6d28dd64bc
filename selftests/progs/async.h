/* SPDX-License-Identifier: GPL-2.0 */
/* One timer and one work item, for callbacks that run later. Needs common.h. */
#ifndef __ASYNC_H
#define __ASYNC_H

struct timer_slot {
	struct bpf_timer timer;
};

struct work_slot {
	struct bpf_wq work;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct timer_slot);
} timers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct work_slot);
} works SEC(".maps");

/* Not at once: it would fire on top of this invocation. */
static __always_inline int begin_timer(int (*fires)(void *, int *,
						    struct timer_slot *),
				       __u64 ns, __u64 flags)
{
	__u32 key = 0;
	struct timer_slot *slot = bpf_map_lookup_elem(&timers, &key);

	if (!slot)
		return -1;
	/* Or -EBUSY: done before. */
	bpf_timer_init(&slot->timer, &timers, 1 /* CLOCK_MONOTONIC */);
	if (bpf_timer_set_callback(&slot->timer, fires))
		return -2;
	return bpf_timer_start(&slot->timer, ns, flags);
}

static __always_inline int begin_work(int (*runs)(void *, int *, void *))
{
	__u32 key = 0;
	struct work_slot *slot = bpf_map_lookup_elem(&works, &key);

	if (!slot)
		return -1;
	bpf_wq_init(&slot->work, &works, 0);
	if (wq_set_callback(&slot->work, runs))
		return -2;
	return bpf_wq_start(&slot->work, 0);
}

#endif
