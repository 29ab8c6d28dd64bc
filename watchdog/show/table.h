/* SPDX-License-Identifier: GPL-2.0 */
/* Rows of named columns as table, CSV or JSON. A column is one row of a table
 * in the caller, so that its name, unit, help and value cannot drift apart.
 */
#ifndef BPFWD_TABLE_H
#define BPFWD_TABLE_H

#include <stdio.h>
#include "show/document.h"

enum val_kind {
	VAL_U64,
	VAL_NS, /* measured duration */
	VAL_NS_SET, /* configured duration */
	VAL_NS_BOUND, /* estimated duration; UINT64_MAX: unbounded */
	VAL_STR,
	VAL_BOOL,
	VAL_REAL, /* infinite: unbounded */
	VAL_LIST, /* a text; in JSON an array of objects */
};

struct val {
	bool known; /* unknown: `-`, empty, or no key; never 0 */
	bool mark; /* a number over its limit (`!`), or not all of a text (`~`) */
	u64 num;
	double real;
	const char *str; /* lives as long as the row */
	json_t *list; /* so does it; NULL: unknown in JSON */
};

static inline struct val val_text(const char *s)
{
	return (struct val){ .known = s && *s, .str = s };
}

static inline struct val val_num(u64 n, bool known)
{
	return (struct val){ .known = known, .num = n };
}

static inline struct val val_real(double n, bool known)
{
	return (struct val){ .known = known, .real = n };
}

static inline struct val val_list(const char *s, json_t *list)
{
	return (struct val){ .known = (s && *s) || list,
			     .str = s ? s : "",
			     .list = list };
}

enum { COL_DEFAULT = 1, COL_WIDE = 2, COL_COSTLY = 4, COL_MEASURED = 8 };

struct col {
	const char *name; /* for -e, -s, -f; the table's head in upper case */
	const char *key; /* in JSON and CSV */
	enum val_kind kind;
	int flags;
	const char *help;
	struct val (*get)(const void *row);
	const char *items; /* VAL_LIST: each of them, as shape.h has it */
};

struct table;

struct table *table_new(const struct col *cols, size_t n);
void table_free(struct table *t);
/* Which columns are shown if nothing is asked for: those with this flag, COL_DEFAULT
 * at first.
 */
void table_defaults(struct table *t, int flag);

/* -e: "a,b" instead of the default, "+a" in addition. 0 or an exit status. */
int table_emit(struct table *t, const char *spec, bool wide, struct fault *f);
int table_sort(struct table *t, const char *spec, struct fault *f);
/* What it is sorted by; NULL: it is not. */
const struct col *table_sorted(const struct table *t, bool *descending);
int table_filter(struct table *t, const char *expr, struct fault *f);
void table_filter_none(struct table *t);
void table_top(struct table *t, size_t n);
/* Is this column printed, sorted by or filtered by? Costly ones may be not. */
bool table_wants(const struct table *t, const char *col);
void table_help(const struct table *t);

int table_add(struct table *t, const void *row);
void table_clear(struct table *t);
/* Filter, sort and cut; call once after the last table_add(). */
void table_close(struct table *t);
size_t table_rows(const struct table *t);
/* A column by its name or key, NULL if there is none; a value of it. */
const struct col *table_col(const struct table *t, const char *name);
const struct val *table_val(const struct table *t, size_t row,
			    const struct col *col);
void table_print(const struct table *t, const struct out *out, bool head);

/* For who prints by himself: the shown columns by their number. */
#define TABLE_CELL_LEN 512
size_t table_shown(const struct table *t);
const struct col *table_shown_col(const struct table *t, size_t nth);
int table_width(const struct table *t, size_t nth);
bool table_left(const struct table *t, size_t nth); /* aligned, as texts are */
const char *table_head(const struct table *t, size_t nth,
		       char buf[TABLE_CELL_LEN]);
/* mark: a number over its limit */
const char *table_cell(const struct table *t, size_t row, size_t nth,
		       bool *mark, char buf[TABLE_CELL_LEN]);

json_t *table_json(const struct table *t); /* array */
/* One object of that array, compact, without the tree. */
void table_json_write(const struct table *t, size_t row, FILE *f);
/* The JSON Schema of {"schema":schema, list:[rows]}. */
json_t *cols_schema(const struct col *cols, size_t n, const char *schema,
		    const char *list);

#endif
