// SPDX-License-Identifier: GPL-2.0
/* Rows of named columns as table, CSV or JSON. Values are fetched once, when a
 * row is added; everything later works on the copies.
 */
#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "show/duration.h"
#include "show/table_priv.h"

static const struct {
	const char *text;
	enum cmp_op op;
} cmp_ops[] = {
	/* the longer first */
	{ "==", OP_EQ }, { "!=", OP_NE }, { "<=", OP_LE }, { ">=", OP_GE },
	{ "<", OP_LT },	 { ">", OP_GT },  { "=", OP_EQ },
};

struct table *table_new(const struct col *cols, size_t n)
{
	struct table *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->cols = cols;
	t->n_cols = n;
	t->shown = calloc(2 * n, sizeof(*t->shown));
	if (!t->shown) {
		free(t);
		return NULL;
	}
	table_defaults(t, COL_DEFAULT);
	return t;
}

void table_defaults(struct table *t, int flag)
{
	t->defaults = flag;
	t->n_shown = 0;
	for (size_t i = 0; i < t->n_cols; i++)
		if (t->cols[i].flags & flag)
			t->shown[t->n_shown++] = i;
}

void table_free(struct table *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n_filters; i++)
		free(t->filters[i].text);
	free(t->filters);
	free(t->shown);
	free(t->vals);
	free(t);
}

static bool find_col(const struct table *t, const char *name, size_t len,
		     size_t *col)
{
	for (size_t i = 0; i < t->n_cols; i++) {
		const struct col *c = &t->cols[i];

		if ((strlen(c->name) == len &&
		     !strncasecmp(c->name, name, len)) ||
		    (strlen(c->key) == len && !strncmp(c->key, name, len))) {
			*col = i;
			return true;
		}
	}
	return false;
}

static int no_column(struct fault *f, const char *name, size_t len)
{
	fault_set(f, EXIT_USAGE, EINVAL, "no column '%.*s'", (int)len, name);
	return fault_hint(f, "bpfwd ps -e help");
}

static bool is_shown(const struct table *t, size_t col)
{
	for (size_t i = 0; i < t->n_shown; i++)
		if (t->shown[i] == col)
			return true;
	return false;
}

static void table_show(struct table *t, size_t col)
{
	if (!is_shown(t, col))
		t->shown[t->n_shown++] = col;
}

int table_emit(struct table *t, const char *spec, bool wide, struct fault *f)
{
	bool replace = spec && spec[0] != '+';

	if (replace)
		t->n_shown = 0;
	while (spec && *spec) {
		size_t len, col;

		spec += strspn(spec, "+,");
		len = strcspn(spec, ",+");
		if (!len)
			continue;
		if (!find_col(t, spec, len, &col))
			return no_column(f, spec, len);
		table_show(t, col);
		spec += len;
	}
	for (size_t i = 0; wide && i < t->n_cols; i++)
		if (t->cols[i].flags & COL_WIDE)
			table_show(t, i);
	if (!t->n_shown) {
		fault_set(f, EXIT_USAGE, EINVAL, "no column left to print");
		return fault_hint(f, "bpfwd ps -e help");
	}
	return 0;
}

int table_sort(struct table *t, const char *spec, struct fault *f)
{
	size_t len = strlen(spec);

	t->descending = len && spec[len - 1] == '-';
	if (t->descending || (len && spec[len - 1] == '+'))
		len--;
	if (!find_col(t, spec, len, &t->sort_col))
		return no_column(f, spec, len);
	t->sorted = true;
	return 0;
}

const struct col *table_sorted(const struct table *t, bool *descending)
{
	*descending = t->descending;
	return t->sorted ? &t->cols[t->sort_col] : NULL;
}

static int filter_value(const struct col *c, const char *text, double *num,
			struct fault *f)
{
	char *end;
	u64 ns;

	if (c->kind == VAL_BOOL) {
		bool yes = !strcmp(text, "yes") || !strcmp(text, "true");

		if (yes || !strcmp(text, "no") || !strcmp(text, "false")) {
			*num = yes;
			return 0;
		}
	}
	if (c->kind == VAL_NS_BOUND && !strcmp(text, "inf")) {
		*num = (double)UINT64_MAX;
		return 0;
	}
	if ((c->kind == VAL_NS || c->kind == VAL_NS_SET ||
	     c->kind == VAL_NS_BOUND) &&
	    strcmp(text, "0")) {
		int err = duration_parse(text, &ns);

		if (err) {
			fault_set(f, EXIT_USAGE, err,
				  "bad value '%s' for column %s", text,
				  c->name);
			return fault_why(f, "it is a duration with its unit, "
					    "as 10ms");
		}
		*num = ns;
		return 0;
	}
	*num = strtod(text, &end);
	if (end != text && !*end)
		return 0;
	fault_set(f, EXIT_USAGE, EINVAL, "bad value '%s' for column %s", text,
		  c->name);
	return fault_why(f, c->kind == VAL_BOOL ? "it is yes or no" :
						  "it is a number");
}

static int filter_add(struct table *t, const struct filter *filter)
{
	void *p = reallocarray(t->filters, t->n_filters + 1, sizeof(*filter));

	if (!p)
		return -ENOMEM;
	t->filters = p;
	t->filters[t->n_filters++] = *filter;
	return 0;
}

static int filter_file(struct table *t, const char *path, struct fault *f)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;
	ssize_t len;
	int ret = 0;

	if (!file)
		return fault_set(f, EXIT_FAILED, errno,
				 "cannot read filters from %s", path);
	while (!ret && (len = getline(&line, &size, file)) >= 0) {
		while (len && isspace((unsigned char)line[len - 1]))
			line[--len] = '\0';
		if (line[0] && line[0] != '#' && line[0] != '@')
			ret = table_filter(t, line, f);
	}
	free(line);
	fclose(file);
	return ret;
}

int table_filter(struct table *t, const char *expr, struct fault *f)
{
	struct filter filter = { .op = OP_EQ };
	size_t len = strcspn(expr, "=!<>"), i;
	const char *value = expr;

	if (expr[0] == '@')
		return filter_file(t, expr + 1, f);
	if (!expr[len]) {
		/* no operator: a glob on the name */
		find_col(t, "name", 4, &filter.col);
	} else {
		for (i = 0; i < ARRAY_SIZE(cmp_ops); i++)
			if (!strncmp(expr + len, cmp_ops[i].text,
				     strlen(cmp_ops[i].text)))
				break;
		if (i == ARRAY_SIZE(cmp_ops)) {
			fault_set(f, EXIT_USAGE, EINVAL, "bad filter '%s'",
				  expr);
			return fault_hint(f, "-f 'kills>0'");
		}
		filter.op = cmp_ops[i].op;
		value = expr + len + strlen(cmp_ops[i].text);
		while (len && isspace((unsigned char)expr[len - 1]))
			len--;
		if (!find_col(t, expr, len, &filter.col))
			return no_column(f, expr, len);
	}
	value += strspn(value, " ");
	if (is_text(&t->cols[filter.col])) {
		if (filter.op != OP_EQ && filter.op != OP_NE)
			return fault_set(f, EXIT_USAGE, EINVAL,
					 "bad filter '%s': a text column takes "
					 "= and != with a shell pattern",
					 expr);
	} else if (filter_value(&t->cols[filter.col], value, &filter.num, f)) {
		return f->exit;
	}
	filter.text = strdup(value);
	if (!filter.text || filter_add(t, &filter)) {
		free(filter.text);
		return fault_set(f, EXIT_FAILED, ENOMEM,
				 "cannot keep the filter");
	}
	return 0;
}

void table_filter_none(struct table *t)
{
	while (t->n_filters)
		free(t->filters[--t->n_filters].text);
}

void table_top(struct table *t, size_t n)
{
	t->top = n;
}

bool table_wants(const struct table *t, const char *name)
{
	size_t col;

	if (!find_col(t, name, strlen(name), &col))
		return false;
	for (size_t i = 0; i < t->n_filters; i++)
		if (t->filters[i].col == col)
			return true;
	return is_shown(t, col) || (t->sorted && t->sort_col == col);
}

int table_add(struct table *t, const void *row)
{
	struct val *vals = t->vals;

	if (t->n_rows == t->room) {
		vals = reallocarray(vals, (2 * t->room + 16) * t->n_cols,
				    sizeof(*vals));
		if (!vals)
			return -ENOMEM;
		t->vals = vals;
		t->room = 2 * t->room + 16;
	}
	vals += t->n_rows++ * t->n_cols;
	for (size_t i = 0; i < t->n_cols; i++) {
		vals[i] = t->cols[i].get(row);
		if (is_text(&t->cols[i]) && !vals[i].str)
			vals[i].known = false;
	}
	return 0;
}

void table_clear(struct table *t)
{
	t->n_rows = 0;
}

static double number_of(const struct col *c, const struct val *v)
{
	return c->kind == VAL_REAL ? v->real : (double)v->num;
}

static bool passes(const struct table *t, const struct val *row)
{
	for (size_t i = 0; i < t->n_filters; i++) {
		const struct filter *f = &t->filters[i];
		const struct val *v = &row[f->col];
		double num = number_of(&t->cols[f->col], v);
		bool ok = false;

		if (is_text(&t->cols[f->col])) {
			ok = v->known && !fnmatch(f->text, v->str, 0);
			if (ok != (f->op == OP_EQ))
				return false;
			continue;
		}
		switch (f->op) {
		case OP_EQ:
			ok = num == f->num;
			break;
		case OP_NE:
			ok = num != f->num;
			break;
		case OP_LE:
			ok = num <= f->num;
			break;
		case OP_GE:
			ok = num >= f->num;
			break;
		case OP_LT:
			ok = num < f->num;
			break;
		case OP_GT:
			ok = num > f->num;
			break;
		}
		/* of an unknown value nothing can be said */
		if (!v->known || !ok)
			return false;
	}
	return true;
}

static int table_compare(const void *a, const void *b, void *arg)
{
	const struct table *t = arg;
	const struct col *c = &t->cols[t->sort_col];
	const struct val *x = (const struct val *)a + t->sort_col;
	const struct val *y = (const struct val *)b + t->sort_col;
	int order;

	/* unknown ones last, in both directions */
	if (x->known != y->known)
		return x->known ? -1 : 1;
	if (!x->known)
		return 0;
	if (is_text(c)) {
		order = strcmp(x->str, y->str);
	} else {
		double m = number_of(c, x), n = number_of(c, y);

		order = (m > n) - (m < n);
	}
	return t->descending ? -order : order;
}

void table_close(struct table *t)
{
	size_t width = t->n_cols * sizeof(*t->vals), kept = 0;

	for (size_t i = 0; i < t->n_rows; i++) {
		if (!passes(t, &t->vals[i * t->n_cols]))
			continue;
		if (kept != i)
			memcpy(&t->vals[kept * t->n_cols],
			       &t->vals[i * t->n_cols], width);
		kept++;
	}
	t->n_rows = kept;
	/* glibc sorts by merging where memory allows: equal rows keep order */
	if (t->sorted && kept)
		qsort_r(t->vals, kept, width, table_compare, t);
	if (t->top && t->n_rows > t->top)
		t->n_rows = t->top;
}

size_t table_rows(const struct table *t)
{
	return t->n_rows;
}

const struct col *table_col(const struct table *t, const char *name)
{
	size_t col;

	return find_col(t, name, strlen(name), &col) ? &t->cols[col] : NULL;
}

const struct val *table_val(const struct table *t, size_t row,
			    const struct col *col)
{
	return &t->vals[row * t->n_cols + (col - t->cols)];
}
