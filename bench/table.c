// SPDX-License-Identifier: GPL-2.0
/* What the tables share: messages, statistics, lines. */
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "csv.h"

void warn_f(const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	fputs("bench: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

static int cmp_double(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double rank(const double *v, size_t n, double p)
{
	size_t i = ceil(p * n);

	return v[i ? i - 1 : 0];
}

struct dist dist_of(double *v, size_t n)
{
	struct dist d = { .n = n };

	if (!n)
		return d;
	qsort(v, n, sizeof(*v), cmp_double);
	d.p50 = rank(v, n, 0.50);
	d.p90 = rank(v, n, 0.90);
	d.p99 = rank(v, n, 0.99);
	d.min = v[0];
	d.max = v[n - 1];
	return d;
}

void json_dist(FILE *f, const char *name, const struct dist *d)
{
	fprintf(f, ", \"%s\": {\"p50\": ", name);
	json_num(f, d->n, d->p50);
	fputs(", \"p99\": ", f);
	json_num(f, d->n, d->p99);
	fputs(", \"max\": ", f);
	json_num(f, d->n, d->max);
	fputc('}', f);
}

void print_env(const struct csv *c)
{
	const char *key, *val;
	int i;

	for (i = 0; i < csv__nr_stamps(c); i++) {
		csv__stamp_at(c, i, &key, &val);
		printf("  %-20s %s\n", key, val);
	}
}

void target_line(const char *what, const char *limit, bool measured, bool met,
		 const char *fmt, ...)
{
	char buf[128];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	printf("  %-58s %-16s ", what, measured ? buf : "-");
	if (limit)
		printf("target %-9s %s\n", limit,
		       !measured ? "not measured" :
		       met	 ? "met" :
				   "MISSED");
	else
		puts(measured ? "no target" : "not measured");
}
