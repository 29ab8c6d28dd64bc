/* SPDX-License-Identifier: GPL-2.0 */
/* How long sampled runs took: the kernel's counters, and what they say of an interval. */
#ifndef BPFWD_RUN_TIMES_H
#define BPFWD_RUN_TIMES_H

#include "show/types.h"

/* The counters of a program, to be freed; NULL: it has none. */
u64 *run_times_read(int prog_fd, u32 *n);
/* The longest time that is counted in entry i; UINT64_MAX in the last of n. */
u64 run_times_edge(u32 i, u32 n);
/* 99 % of the runs between two readings took at most so long; 0: there was none. `then` may
 * be NULL: none had been counted. Counters that were halved in between count as unchanged.
 */
u64 run_times_p99(const u64 *now, const u64 *then, u32 n, u64 longest);

#endif
