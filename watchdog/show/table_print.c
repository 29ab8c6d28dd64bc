// SPDX-License-Identifier: GPL-2.0
/* The ways to print a table, and what describes it. */
#include <math.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "show/duration.h"
#include "show/shape.h"
#include "show/table_priv.h"

void table_help(const struct table *t)
{
	for (size_t i = 0; i < t->n_cols; i++) {
		const struct col *c = &t->cols[i];

		printf("%-18s %s%s\n", c->name, c->help,
		       c->flags & t->defaults ? " (default)" :
		       c->flags & COL_WIDE    ? " (-w)" :
						"");
	}
}

#define CELL_LEN TABLE_CELL_LEN

/* The text of a cell; short ones are written to buf. */
static const char *cell(const struct col *c, const struct val *v,
			bool for_reader, char buf[CELL_LEN])
{
	if (!v->known || (c->kind == VAL_LIST && !*v->str))
		return for_reader ? "-" : "";
	switch (c->kind) {
	case VAL_LIST:
		return v->str;
	case VAL_STR:
		if (!v->mark || !for_reader)
			return v->str;
		snprintf(buf, CELL_LEN, "%s~", v->str);
		return buf;
	case VAL_BOOL:
		return for_reader ? (v->num ? "yes" : "no") :
				    (v->num ? "1" : "0");
	case VAL_REAL:
		if (isinf(v->real) && !for_reader)
			return "";
		snprintf(buf, CELL_LEN,
			 !for_reader	 ? "%.9g" :
			 v->real >= 1000 ? "%.0f" :
					   "%.3g",
			 v->real);
		return buf;
	case VAL_NS_BOUND:
		if (v->num == UINT64_MAX && !for_reader)
			return "";
		if (for_reader) {
			duration_bound(v->num, buf);
			if (v->mark)
				strcat(buf, "!");
			return buf;
		}
		break;
	case VAL_NS:
	case VAL_NS_SET:
		if (for_reader) {
			c->kind == VAL_NS ? duration(v->num, buf) :
					    duration_set(v->num, buf);
			if (v->mark)
				strcat(buf, "!");
			return buf;
		}
		break;
	case VAL_U64:
		break;
	}
	snprintf(buf, CELL_LEN, "%llu", (unsigned long long)v->num);
	return buf;
}

const char *table_cell(const struct table *t, size_t row, size_t nth,
		       bool *mark, char buf[TABLE_CELL_LEN])
{
	const struct col *c = &t->cols[t->shown[nth]];
	const struct val *v = &t->vals[row * t->n_cols + t->shown[nth]];

	*mark = v->known && v->mark && !is_text(c);
	return cell(c, v, true, buf);
}

const char *table_head(const struct table *t, size_t nth,
		       char buf[TABLE_CELL_LEN])
{
	const char *name = t->cols[t->shown[nth]].name;
	size_t i;

	for (i = 0; name[i]; i++)
		buf[i] = toupper((unsigned char)name[i]);
	buf[i] = '\0';
	return buf;
}

size_t table_shown(const struct table *t)
{
	return t->n_shown;
}

const struct col *table_shown_col(const struct table *t, size_t nth)
{
	return &t->cols[t->shown[nth]];
}

bool table_left(const struct table *t, size_t nth)
{
	return is_text(&t->cols[t->shown[nth]]);
}

int table_width(const struct table *t, size_t nth)
{
	int width = strlen(t->cols[t->shown[nth]].name);
	char buf[TABLE_CELL_LEN];
	bool mark;

	for (size_t r = 0; r < t->n_rows; r++) {
		int w = strlen(table_cell(t, r, nth, &mark, buf));

		width = w > width ? w : width;
	}
	return width;
}

/* Every column as wide as its widest cell, whatever the terminal is. */
static void print_table(const struct table *t, const struct out *out, bool head)
{
	int *widths = calloc(t->n_shown, sizeof(*widths));
	char buf[TABLE_CELL_LEN];

	for (size_t i = 0; widths && i < t->n_shown; i++)
		widths[i] = table_width(t, i);
	for (size_t r = head ? 0 : 1; r <= t->n_rows; r++) {
		for (size_t i = 0; i < t->n_shown; i++) {
			bool last = i + 1 == t->n_shown, mark = false;
			int width = widths ? widths[i] : 0;
			const char *text =
				r ? table_cell(t, r - 1, i, &mark, buf) :
				    table_head(t, i, buf);

			if (mark && out->color)
				fputs("\033[31m", stdout);
			if (table_left(t, i))
				printf("%-*s", last ? 0 : width, text);
			else
				printf("%*s", width, text);
			if (mark && out->color)
				fputs("\033[0m", stdout);
			fputs(last ? "\n" : "  ", stdout);
		}
	}
	free(widths);
}

static void print_csv_cell(const char *text)
{
	if (!text[strcspn(text, ",\"\n\r")]) {
		fputs(text, stdout);
		return;
	}
	putchar('"');
	for (; *text; text++) {
		if (*text == '"')
			putchar('"');
		putchar(*text);
	}
	putchar('"');
}

static void csv_print(const struct table *t, bool head)
{
	char buf[TABLE_CELL_LEN];

	for (size_t i = 0; head && i < t->n_shown; i++)
		printf("%s%s", i ? "," : "", t->cols[t->shown[i]].key);
	if (head)
		putchar('\n');
	for (size_t r = 0; r < t->n_rows; r++) {
		for (size_t i = 0; i < t->n_shown; i++) {
			size_t col = t->shown[i];

			if (i)
				putchar(',');
			print_csv_cell(cell(&t->cols[col],
					    &t->vals[r * t->n_cols + col],
					    false, buf));
		}
		putchar('\n');
	}
}

void table_print(const struct table *t, const struct out *out, bool head)
{
	if (out->format == OUT_CSV)
		csv_print(t, head);
	else
		print_table(t, out, head);
}

static bool in_json(const struct col *c, const struct val *v)
{
	return c->kind == VAL_LIST ? v->list != NULL : v->known;
}

static json_t *json_cell(const struct col *c, const struct val *v)
{
	switch (c->kind) {
	case VAL_STR: {
		json_t *text = json_string(v->str);

		/* a name that is no UTF-8 is still a name */
		return text ? text : json_string("?");
	}
	case VAL_LIST:
		return json_incref(v->list);
	case VAL_BOOL:
		return json_boolean(v->num);
	case VAL_REAL:
		return isinf(v->real) ? json_null() : json_real(v->real);
	case VAL_NS_BOUND:
		return v->num == UINT64_MAX ? json_null() :
					      json_integer(v->num);
	default:
		return json_integer(v->num);
	}
}

/* Most cells need no tree and no look at each character. */
static void write_cell(const struct col *c, const struct val *v, FILE *f)
{
	char buf[24], *at = buf + sizeof(buf);
	json_t *cell;
	u64 n = v->num;

	if (c->kind == VAL_STR) {
		size_t len = 0;

		while (v->str[len] >= ' ' && v->str[len] < 127 &&
		       v->str[len] != '"' && v->str[len] != '\\')
			len++;
		if (!v->str[len]) {
			putc_unlocked('"', f);
			fwrite_unlocked(v->str, 1, len, f);
			putc_unlocked('"', f);
			return;
		}
	}
	if (is_text(c) || c->kind == VAL_BOOL || c->kind == VAL_REAL ||
	    n > INT64_MAX) {
		cell = json_cell(c, v);
		json_dumpf(cell, f, JSON_ENCODE_ANY | JSON_COMPACT);
		json_decref(cell);
		return;
	}
	do
		*--at = '0' + n % 10;
	while (n /= 10);
	fwrite_unlocked(at, 1, buf + sizeof(buf) - at, f);
}

void table_json_write(const struct table *t, size_t row, FILE *f)
{
	bool first = true;

	putc_unlocked('{', f);
	for (size_t i = 0; i < t->n_cols; i++) {
		const struct val *v = &t->vals[row * t->n_cols + i];

		if (!in_json(&t->cols[i], v))
			continue;
		fputs_unlocked(first ? "\"" : ",\"", f);
		fputs_unlocked(t->cols[i].key, f);
		fputs_unlocked("\":", f);
		write_cell(&t->cols[i], v, f);
		first = false;
	}
	putc_unlocked('}', f);
}

json_t *table_json(const struct table *t)
{
	json_t *rows = json_array();

	for (size_t r = 0; r < t->n_rows; r++) {
		json_t *row = json_object();

		for (size_t i = 0; i < t->n_cols; i++) {
			const struct val *v = &t->vals[r * t->n_cols + i];

			if (in_json(&t->cols[i], v))
				json_object_set_new(row, t->cols[i].key,
						    json_cell(&t->cols[i], v));
		}
		json_array_append_new(rows, row);
	}
	return rows;
}

static const char *const schema_types[] = {
	[VAL_U64] = "integer",	  [VAL_NS] = "integer",
	[VAL_NS_SET] = "integer", [VAL_NS_BOUND] = "integer",
	[VAL_STR] = "string",	  [VAL_BOOL] = "boolean",
	[VAL_REAL] = "number",	  [VAL_LIST] = "array",
};

json_t *cols_schema(const struct col *cols, size_t n, const char *schema,
		    const char *list)
{
	json_t *props = json_object(), *required = json_array();

	for (size_t i = 0; i < n; i++) {
		const struct col *c = &cols[i];
		json_t *type = json_string(schema_types[c->kind]);

		/* null: unbounded */
		if (c->kind == VAL_NS_BOUND)
			type = json_pack("[o, s]", type, "null");
		type = json_pack("{s:o, s:s}", "type", type, "description",
				 c->help);
		if (c->items)
			json_object_set_new(type, "items",
					    shape_schema(c->items));
		json_object_set_new(props, c->key, type);
		if (!strcmp(c->key, "id"))
			json_array_append_new(required, json_string("id"));
	}
	return json_pack("{s:s, s:s, s:s, s:[s,s], s:{s:{s:s}, s:{s:s, s:{s:s, "
			 "s:o, s:o}}, s:{s:s}}}",
			 "$schema",
			 "https://json-schema.org/draft/2020-12/schema",
			 "title", schema, "type", "object", "required",
			 "schema", list, "properties", "schema", "const",
			 schema, list, "type", "array", "items", "type",
			 "object", "required", required, "properties", props,
			 "error", "type", "object");
}
