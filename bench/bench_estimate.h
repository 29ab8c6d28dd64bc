/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of the estimate benchmark share. */
#ifndef __BENCH_ESTIMATE_H
#define __BENCH_ESTIMATE_H

#include <linux/types.h>

struct run_opts;
struct bpf_prog_info;

/* All interrupts of all CPUs so far. */
__u64 interrupts(void);
void put_run(const struct run_opts *o, const char *set, const char *program,
	     const char *input, const struct bpf_prog_info *info, double run_ns,
	     __u64 hits);
/* An object of the kernel's samples/bpf, attached and driven with real work. */
int estimate_sample(const struct run_opts *o, const char *path);

#endif
