/* SPDX-License-Identifier: GPL-2.0 */
/* What the run and the table of the peers share: ways to end a program, and budgets. */
#ifndef __BENCH_PEERS_H
#define __BENCH_PEERS_H

#include <stdbool.h>
#include <stdio.h>
#include <linux/types.h>

struct outcome;
struct series;
struct table_opts;

struct way {
	const char *name;
	const char *what;
	/* Is there anything to measure? Opens it, or sets the note. */
	int (*open)(struct series *se);
	int (*run)(struct series *se, struct outcome *out);
	unsigned int period_us; /* watchdog on, with this period */
	__u64 max_budget; /* 0: any */
	bool natural; /* ends by itself, some time: few runs are enough */
};

#define NR_WAYS 6
extern const struct way peers_ways[NR_WAYS];
#define NR_BUDGETS 3
extern const __u64 peers_budgets[NR_BUDGETS];

/* A field and the comma behind it; empty if there is no such figure. */
void put_num(FILE *f, double v);
int peers_table(const struct table_opts *o);

#endif
