/* SPDX-License-Identifier: GPL-2.0 */
/* bpfwd top on a terminal: its state, and the parts of it. */
#ifndef BPFWD_TOP_PRIV_H
#define BPFWD_TOP_PRIV_H

#include "progs/view.h"
#include "show/grid.h"
#include "show/history.h"
#include "show/screen.h"

struct top {
	struct ctx *ctx;
	struct view *view;
	u64 delay_ns;
	struct look last;
	struct grid grid;
	struct history *history;
	struct history *all; /* of one thing: all programs together */
	enum { TOP_TABLE, TOP_DETAIL, TOP_HELP } shows;
	struct pager pager; /* what is no table */
	u32 detail; /* the program of TOP_DETAIL */
	struct detail *details; /* what they are made with, once needed */
	u64 clock_ns; /* what reading a clock takes */
	u64 cpu_ns, cpu_at_ns; /* our own CPU time, and when that was */
	double own_cpu; /* in % */
	char filter[128]; /* the last one that was typed */
	char msg[512];
};

/* All that is known of a program, as text. malloc()ed; NULL: no memory. */
char *top_detail(struct top *top, const struct ps_row *row);
void top_detail_free(struct detail *d);

#endif
