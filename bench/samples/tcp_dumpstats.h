/* SPDX-License-Identifier: GPL-2.0 */
/* The map of tcp_dumpstats_kern.c as libbpf wants it; the one that is there, with
 * values in place of types, is refused.
 */
#include "glue.h"
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} bpf_next_dump SEC(".maps");
