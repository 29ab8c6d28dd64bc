/* SPDX-License-Identifier: GPL-2.0 */
/* A loop with interrupts off: only another CPU can end it. */
#ifndef LOCK_LOOP_H
#define LOCK_LOOP_H

#include "common.h"

#define MAX_CPUS 64

/* One for each CPU, so that they do not wait for each other. */
struct own_lock {
	struct bpf_spin_lock lock;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, MAX_CPUS);
	__type(key, __u32);
	__type(value, struct own_lock);
} own_locks SEC(".maps");

static __noinline int locked_2(void)
{
	__u64 i;

	for (i = 0; i < ctl.m && can_loop; i++)
		if (step())
			break;
	return 0;
}

static __always_inline void lock_loop(void)
{
	__u32 key = bpf_get_smp_processor_id();
	struct own_lock *l;
	__u64 i;

	l = bpf_map_lookup_elem(&own_locks, &key);
	if (!l)
		return;
	bpf_spin_lock(&l->lock);
	for (i = 0; i < ctl.n && can_loop; i++) {
		locked_2();
		if (ctl.brake)
			break;
	}
	bpf_spin_unlock(&l->lock);
}

#endif
