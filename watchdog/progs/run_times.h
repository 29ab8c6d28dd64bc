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
/* How many of the runs from entry *at on took at most ns, which is the edge of an entry; *at
 * becomes the one behind it.
 */
u64 run_times_until(const u64 *times, u32 n, u64 ns, u32 *at);
/* ns that all of them took, as if each had taken the middle of its entry: off by a
 * sixteenth at most, but for those beyond the last edge, which count as that.
 */
u64 run_times_sum(const u64 *times, u32 n);

#endif
