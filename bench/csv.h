/* SPDX-License-Identifier: GPL-2.0 */
/* CSV without quoting; `# key: value` lines before or between rows are stamps. */
#ifndef __BENCH_CSV_H
#define __BENCH_CSV_H

#include <stdbool.h>
#include <stdio.h>

struct csv;

struct csv *csv__load(const char *path);
void csv__free(struct csv *c);

size_t csv__rows(const struct csv *c);
int csv__cols(const struct csv *c);
const char *csv__col_name(const struct csv *c, int col);
int csv__col(const struct csv *c, const char *name); /* -1: none */
const char *csv__str(const struct csv *c, size_t row, int col);
/* false: empty, not a number, no such column */
bool csv__num(const struct csv *c, size_t row, int col, double *val);

const char *csv__stamp(const struct csv *c, const char *key);
int csv__nr_stamps(const struct csv *c);
void csv__stamp_at(const struct csv *c, int i, const char **key,
		   const char **val);

/* the stamps again, as comment lines and as the JSON object "env" */
void csv__put_stamps(const struct csv *c, FILE *f);
void json_env(FILE *f, const struct csv *c);
void json_str(FILE *f, const char *s);
/* null when it is not measured */
void json_num(FILE *f, bool measured, double v);

#endif
