/* SPDX-License-Identifier: GPL-2.0 */
/* Programs of the kernel's samples/bpf, for the estimate benchmark. */
#ifndef __BENCH_SAMPLES_H
#define __BENCH_SAMPLES_H

struct run_opts;

/* An object of the kernel's samples/bpf, attached and driven with real work. */
int estimate_sample(const struct run_opts *o, const char *path);

#endif
