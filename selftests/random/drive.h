/* SPDX-License-Identifier: GPL-2.0 */
/* Random programs: made, loaded, run, and looked after. See README.md. */
#ifndef RANDOM_DRIVE_H
#define RANDOM_DRIVE_H

#include "random/gen.h"

struct random_opts {
	__u64 seed; /* of the first program; the next one has the next seed */
	unsigned int programs;
	const char *json; /* NULL: none */
	unsigned int budget_us;
	bool first; /* no more after an exception */
};

struct kind_totals {
	unsigned int programs, accepted, overran, ended, said_no, conditional,
		exceptions;
	__u64 longest_stop_ns;
};

struct random_totals {
	unsigned int programs, accepted, not_needed, overran, ended, said_no,
		conditional, exceptions, stop_over_bound;
	__u64 load_ns, run_ns, check_ns;
	struct kind_totals kinds[NR_KINDS], hooks[NR_HOOKS];
};

void random_run(const struct random_opts *opts, struct random_totals *totals);
void random_print(const struct random_opts *opts,
		  const struct random_totals *totals);
int random_main(const struct random_opts *opts);

/* hooks.c: how a program gets to run at a hook. */
struct hook_state;
struct hook_state *hooks_open(void);
int hook_load(struct hook_state *s, struct program *p, const struct home *h,
	      int target_fd, char *log, size_t log_size);
int hook_attach(struct hook_state *s, enum random_hook hook, int prog_fd);
void hook_detach(struct hook_state *s, enum random_hook hook, int link_fd);
int hook_fire(struct hook_state *s, enum random_hook hook, int prog_fd);

/* home.c */
struct home_state;
struct home_state *home_open(struct home *h);
struct rnd;
volatile struct rnd *home_rnd(struct home_state *s);
void home_prepare(struct home_state *s, __u64 kinds);
/* What is not back is said in @why. */
bool home_check(struct home_state *s, __u64 kinds, bool objects, char *why,
		size_t size);

#endif
