// SPDX-License-Identifier: GPL-2.0
/* From the times of many calls to what one costs.
 *
 * A call that an interrupt fell into is no measure of the call. How many there
 * were is known: interrupts are counted before and after each run of 100 calls,
 * and for each at most one call is left out, the longest, if it is above the middle
 * by an interrupt. All that is left out is counted and kept in the model.
 *
 * The longest of what is left is chance all the same: what a hypervisor takes, caches that
 * something else has used, a neighbour on the same core. Measured twice it differs by as
 * much as it is above the middle. So the worst is a quantile, and so is the mean that of
 * all but the longest; what a cold start takes on top is a term of the invocation (entry.c).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "calibrate/calib.h"
#include "show/fault.h"

/* An interrupt takes no less. */
#define INTERRUPT_NS 300

int calib_by_value(const void *a, const void *b)
{
	const u64 *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

void calib_take_run(struct calib_sample *s, const u64 *ns, u64 overhead,
		    u64 interrupts)
{
	u64 sorted[CALIB_LOOP], middle;
	int n = CALIB_LOOP;

	memcpy(sorted, ns, sizeof(sorted));
	qsort(sorted, n, sizeof(*sorted), calib_by_value);
	middle = sorted[n / 2];
	for (u64 i = 0; i < interrupts && n > CALIB_LOOP / 2 &&
			sorted[n - 1] > middle + INTERRUPT_NS;
	     i++) {
		u64 t = sorted[--n] - overhead;

		s->outliers++;
		if (t > s->outlier_max)
			s->outlier_max = t;
	}
	s->runs++;
	s->kept = realloc(s->kept, (s->calls + n) * sizeof(*s->kept));
	if (!s->kept)
		abort();
	for (int i = 0; i < n; i++) {
		u64 t = sorted[i] > overhead ? sorted[i] - overhead : 0;

		if (t < s->best)
			s->best = t;
		if (t > s->worst)
			s->worst = t;
		s->sum += t;
		s->kept[s->calls++] = t;
	}
}

int calib_overhead(struct calib_env *env, const struct calib_prog *p,
		   u64 *overhead)
{
	struct calib_mem *mem = calib_mem(env);
	u64 ns[3 * CALIB_LOOP];
	int err;

	for (int run = 0; run < 3; run++) {
		err = calib_run(p);
		if (err)
			return err;
		memcpy(ns + run * CALIB_LOOP, mem->ns, sizeof(mem->ns));
	}
	qsort(ns, ARRAY_SIZE(ns), sizeof(*ns), calib_by_value);
	*overhead = ns[ARRAY_SIZE(ns) / 2];
	return 0;
}

void calib_settle(struct calib_sample *s, u32 permille)
{
	u64 n = (s->calls * permille + 999) / 1000, sum = 0;

	if (n && n < s->calls) {
		qsort(s->kept, s->calls, sizeof(*s->kept), calib_by_value);
		s->worst = s->kept[n - 1];
		s->beyond = s->calls - n;
		for (u64 i = 0; i < n; i++)
			sum += s->kept[i];
		s->sum = sum * s->calls / n;
	}
	free(s->kept);
	s->kept = NULL;
}

int calib_load_row(struct calib_env *env, const struct calib_row *row, u32 size,
		   bool empty, struct calib_prog *prog, char *why,
		   size_t why_size)
{
	static struct calib_code code;
	static char log[1 << 16];
	char *line;
	int err;

	err = calib_generate(env, row, size, empty, &code);
	if (err) {
		snprintf(why, why_size, "%.127s", code.error);
		return err;
	}
	err = calib_load(env, row->type, &code, prog, log, sizeof(log));
	prog->deep = row->flags & CALIB_DEEP;
	if (!err)
		return 0;
	/* the verifier's last words before its statistics */
	line = strstr(log, "\nprocessed ");
	if (line) {
		*line = '\0';
		line = strrchr(log, '\n');
		line = line ? line + 1 : log;
	} else {
		line = log;
		line[strcspn(line, "\n")] = '\0';
	}
	snprintf(why, why_size, "not accepted here: %.60s (%s)",
		 *line ? line : "no message", errno_name(-err));
	for (char *c = why; *c; c++)
		if (*c == '"')
			*c = '\'';
	return err;
}
