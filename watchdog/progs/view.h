/* SPDX-License-Identifier: GPL-2.0 */
/* What ps, top and metrics share: options that choose rows and columns, and
 * looks at all programs that fill a table.
 */
#ifndef BPFWD_VIEW_H
#define BPFWD_VIEW_H

#include <argp.h>
#include "progs/ps_cols.h"
#include "show/ctx.h"

struct view {
	struct ctx *ctx;
	struct table *table; /* made by view_init() */
	const char *emit, *sort;
	bool wide;
	bool owners; /* are to be known, shown or not */
	struct prog_sel *sel;
	int usage; /* exit status of the first bad option */
};

int view_init(struct view *view, struct ctx *ctx);
void view_free(struct view *view);

/* -e -w -s -f -n; the view is their input. */
extern const struct argp view_argp;

/* After the options: applies -e and -w. 0 or an exit status. */
int view_columns(struct view *view);
/* -e help; then there is nothing else to do. */
bool view_help(const struct view *view);

/* Where a program is attached: all of it, separated by commas; to be freed. */
char *prog_where(const struct prog *p);

/* All programs at one moment. The next look needs it for its rates. */
struct look {
	struct progs *progs;
	struct ps_row *rows;
	u64 at_ns;
};

/* what is PROGS_*, LOOK_JSON for what only JSON shows, and LOOK_BTF for its digest; last may be NULL. 0 or an
 * exit status; then look is empty.
 */
enum { LOOK_JSON = 4, LOOK_BTF = 16 };
int look_load(struct look *look, const struct look *last,
	      const struct prog_sel *sel, int what, struct fault *f);
/* Fills the table, which lives on the look. */
int look_fill(const struct look *look, struct table *t, struct fault *f);
void look_free(struct look *look);
/* All programs of a look together. */
struct totals {
	size_t programs;
	u64 kills;
	bool rates; /* are these two known */
	double rate, cpu; /* cpu in % */
};

struct totals look_totals(const struct look *look);
/* Both for a view, which keeps its look in *last. */
int view_look(struct view *view, struct look *last);

#endif
