/* SPDX-License-Identifier: GPL-2.0 */
/* One lock, which turns interrupts off, and what is under it. Needs common.h. */
#ifndef __LOCKED_H
#define __LOCKED_H

struct locked {
	struct bpf_spin_lock lock;
	__u64 count;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct locked);
} locks SEC(".maps");

#endif
