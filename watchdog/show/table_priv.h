/* SPDX-License-Identifier: GPL-2.0 */
/* What table.c (rows) and table_print.c (printing) share. */
#ifndef BPFWD_TABLE_PRIV_H
#define BPFWD_TABLE_PRIV_H

#include "show/table.h"

enum cmp_op { OP_EQ, OP_NE, OP_LE, OP_GE, OP_LT, OP_GT };

struct filter {
	size_t col;
	enum cmp_op op;
	char *text; /* shell glob for strings */
	double num;
};

struct table {
	const struct col *cols;
	size_t n_cols;
	size_t *shown, n_shown;
	int defaults; /* flag of those that are shown unasked */
	struct filter *filters;
	size_t n_filters;
	size_t sort_col, top;
	bool sorted, descending;
	struct val *vals; /* n_rows * n_cols */
	size_t n_rows, room;
};

static inline bool is_text(const struct col *c)
{
	return c->kind == VAL_STR || c->kind == VAL_LIST;
}

#endif
