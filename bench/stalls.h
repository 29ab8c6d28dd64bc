/* SPDX-License-Identifier: GPL-2.0 */
/* The ways to stall a CPU of progs/stall.bpf.c, for the benchmarks that end them. */
#ifndef __BENCH_STALLS_H
#define __BENCH_STALLS_H

#include <stdbool.h>
#include <linux/types.h>

struct stall;
struct stall_bpf;
struct user_ring_buffer;

struct stall_kind {
	const char *name; /* row, and program in stall.bpf.c */
	const char *maps; /* it needs, besides globals */
	int (*setup)(struct stall *s);
	int (*before)(struct stall *s);
	bool loop; /* the stop target is stated for the bpf_loop ones */
	bool irqs_off; /* another CPU must be there and well */
};

#define NR_STALLS 12
extern const struct stall_kind stall_kinds[NR_STALLS];

struct stall {
	const struct stall_kind *kind;
	struct stall_bpf *obj;
	struct user_ring_buffer *rb;
	int fd;
	__u32 prog_id;
};

/* Loads the program of @kind; stall__close() also after an error. */
int stall__open(struct stall *s, const struct stall_kind *kind);
void stall__close(struct stall *s);
/* What a run needs to be there, as samples in a ring. */
int stall__prepare(struct stall *s);
/* It runs on, and the watchdog can end it with this budget; says why not. */
int stall__set_budget(struct stall *s, __u64 budget_ns);

/* Waits for a pseudo-random part of a millisecond: timers are then met at any phase. */
void wait_phase(__u64 *rng);
#define PHASE_SEED 0x9e3779b97f4a7c15ULL

#endif
