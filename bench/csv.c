// SPDX-License-Identifier: GPL-2.0
/* The only code that parses or quotes: CSV in, CSV stamps and JSON out. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "csv.h"

struct csv {
	char **cell; /* row-major, header apart */
	char **head;
	size_t rows, cap;
	int cols;
	char **key, **val;
	int stamps;
};

static char *xstrdup(const char *s)
{
	char *p = strdup(s);

	if (!p)
		abort();
	return p;
}

static void *xrealloc(void *p, size_t n)
{
	p = realloc(p, n);
	if (!p)
		abort();
	return p;
}

/* The same name with another value (another kernel) is a further stamp. */
static void add_stamp(struct csv *c, char *line)
{
	char *sep = strstr(line, ": ");
	int i;

	if (!sep)
		return;
	*sep = 0;
	for (i = 0; i < c->stamps; i++)
		if (!strcmp(c->key[i], line) && !strcmp(c->val[i], sep + 2))
			return;
	c->key = xrealloc(c->key, (c->stamps + 1) * sizeof(*c->key));
	c->val = xrealloc(c->val, (c->stamps + 1) * sizeof(*c->val));
	c->key[c->stamps] = xstrdup(line);
	c->val[c->stamps++] = xstrdup(sep + 2);
}

static int split(char *line, char **cell, int max)
{
	int n = 0;
	char *p;

	while ((p = strsep(&line, ",")) && n < max)
		cell[n++] = p;
	return n;
}

struct csv *csv__load(const char *path)
{
	char *line = NULL, *cell[64];
	struct csv *c;
	size_t size = 0;
	ssize_t len;
	FILE *f;
	int n, i;

	f = fopen(path, "r");
	if (!f)
		return NULL;
	c = calloc(1, sizeof(*c));
	if (!c)
		abort();
	while ((len = getline(&line, &size, f)) > 0) {
		if (line[len - 1] == '\n')
			line[len - 1] = 0;
		if (line[0] == '#') {
			add_stamp(c, line + (line[1] == ' ' ? 2 : 1));
			continue;
		}
		if (!line[0])
			continue;
		n = split(line, cell, 64);
		if (!c->head) {
			c->cols = n;
			c->head = xrealloc(NULL, n * sizeof(*c->head));
			for (i = 0; i < n; i++)
				c->head[i] = xstrdup(cell[i]);
			continue;
		}
		/* raw files are concatenated, each with its header */
		if (n == c->cols && !strcmp(cell[0], c->head[0]) &&
		    !strcmp(cell[n - 1], c->head[n - 1]))
			continue;
		if (n != c->cols) {
			fprintf(stderr,
				"bench: %s: row %zu has %d fields, the header %d: left out\n",
				path, c->rows + 1, n, c->cols);
			continue;
		}
		if (c->rows == c->cap) {
			c->cap = c->cap ? c->cap * 2 : 256;
			c->cell = xrealloc(c->cell,
					   c->cap * c->cols * sizeof(*c->cell));
		}
		for (i = 0; i < n; i++)
			c->cell[c->rows * c->cols + i] = xstrdup(cell[i]);
		c->rows++;
	}
	free(line);
	fclose(f);
	if (!c->head) {
		csv__free(c);
		errno = ENODATA;
		return NULL;
	}
	return c;
}

void csv__free(struct csv *c)
{
	size_t i;

	if (!c)
		return;
	for (i = 0; i < c->rows * c->cols; i++)
		free(c->cell[i]);
	for (i = 0; c->head && i < (size_t)c->cols; i++)
		free(c->head[i]);
	for (i = 0; i < (size_t)c->stamps; i++) {
		free(c->key[i]);
		free(c->val[i]);
	}
	free(c->cell);
	free(c->head);
	free(c->key);
	free(c->val);
	free(c);
}

size_t csv__rows(const struct csv *c)
{
	return c->rows;
}

int csv__cols(const struct csv *c)
{
	return c->cols;
}

const char *csv__col_name(const struct csv *c, int col)
{
	return c->head[col];
}

int csv__col(const struct csv *c, const char *name)
{
	int i;

	for (i = 0; i < c->cols; i++)
		if (!strcmp(c->head[i], name))
			return i;
	return -1;
}

const char *csv__str(const struct csv *c, size_t row, int col)
{
	return col < 0 ? "" : c->cell[row * c->cols + col];
}

bool csv__num(const struct csv *c, size_t row, int col, double *val)
{
	const char *s = csv__str(c, row, col);
	char *end;

	*val = strtod(s, &end);
	return end != s && !*end;
}

const char *csv__stamp(const struct csv *c, const char *key)
{
	int i;

	for (i = 0; i < c->stamps; i++)
		if (!strcmp(c->key[i], key))
			return c->val[i];
	return NULL;
}

int csv__nr_stamps(const struct csv *c)
{
	return c->stamps;
}

void csv__stamp_at(const struct csv *c, int i, const char **key,
		   const char **val)
{
	*key = c->key[i];
	*val = c->val[i];
}

void csv__put_stamps(const struct csv *c, FILE *f)
{
	int i;

	for (i = 0; f && i < c->stamps; i++)
		fprintf(f, "# %s: %s\n", c->key[i], c->val[i]);
}

void json_str(FILE *f, const char *s)
{
	putc('"', f);
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			putc('\\', f);
		if ((unsigned char)*s < 0x20)
			fprintf(f, "\\u%04x", *s);
		else
			putc(*s, f);
	}
	putc('"', f);
}

void json_num(FILE *f, bool measured, double v)
{
	if (!measured || !isfinite(v))
		fputs("null", f);
	else
		fprintf(f, "%.10g", round(v * 1000) / 1000);
}

/* true and false are JSON's, numbers stay strings: a hash may look like one */
static void json_val(FILE *f, const char *v)
{
	if (!strcmp(v, "true") || !strcmp(v, "false"))
		fputs(v, f);
	else
		json_str(f, v);
}

/* A stamp that has several values (several kernels) becomes an array. */
void json_env(FILE *f, const struct csv *c)
{
	bool first = true;
	int i, j, n;

	fputs("\"env\": {", f);
	for (i = 0; i < c->stamps; i++) {
		for (j = 0; j < i && strcmp(c->key[j], c->key[i]); j++)
			;
		if (j < i)
			continue;
		fputs(first ? "\n    " : ",\n    ", f);
		first = false;
		json_str(f, c->key[i]);
		fputs(": ", f);
		for (j = i, n = 0; j < c->stamps; j++)
			n += !strcmp(c->key[j], c->key[i]);
		if (n == 1) {
			json_val(f, c->val[i]);
			continue;
		}
		for (j = i, n = 0; j < c->stamps; j++) {
			if (strcmp(c->key[j], c->key[i]))
				continue;
			fputs(n++ ? ", " : "[", f);
			json_val(f, c->val[j]);
		}
		putc(']', f);
	}
	fputs("\n  }", f);
}
