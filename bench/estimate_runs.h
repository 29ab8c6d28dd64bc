/* SPDX-License-Identifier: GPL-2.0 */
/* What a run took, as a row, and the interrupts that may have fallen into it. */
#ifndef __ESTIMATE_RUNS_H
#define __ESTIMATE_RUNS_H

#include <linux/types.h>

struct run_opts;
struct bpf_prog_info;

/* All interrupts of all CPUs so far. */
__u64 interrupts(void);
void put_run(const struct run_opts *o, const char *set, const char *program,
	     const char *input, const struct bpf_prog_info *info, double run_ns,
	     __u64 hits);
#endif
