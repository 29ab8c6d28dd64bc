// SPDX-License-Identifier: GPL-2.0
/* From the times of many calls to what one costs.
 *
 * A call that an interrupt fell into is no measure of the call. How many there
 * were is known: interrupts are counted before and after each run of 100 calls,
 * and for each at most one call is left out, the longest, if it is above the middle
 * by an interrupt. In a virtual machine time also passes without one; how often is
 * measured with a program that does nothing, and as many more may be left out. All
 * that is left out is counted and kept in the model; what is taken for noise in
 * every other run belongs to the call (a list that is refilled), and is taken back.
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

/* Jumps of the clock while nothing runs, beside those of interrupts. */
static double noise_per_ns;

void calib_take_run(struct calib_sample *s, const u64 *ns, u64 overhead,
		    u64 interrupts)
{
	u64 sorted[CALIB_LOOP], middle;
	double sum = 0;
	u64 noise = 0;
	int n = CALIB_LOOP;

	memcpy(sorted, ns, sizeof(sorted));
	qsort(sorted, n, sizeof(*sorted), calib_by_value);
	middle = sorted[n / 2];
	for (int i = 0; noise_per_ns > 0 && i < n; i++)
		sum += ns[i];
	if (noise_per_ns > 0)
		noise = 1 + 3 * noise_per_ns * sum;
	for (u64 i = 0; i < interrupts + noise && n > CALIB_LOOP / 2 &&
			sorted[n - 1] > middle + INTERRUPT_NS;
	     i++) {
		u64 t = sorted[--n] - overhead;

		if (i >= interrupts) {
			if (s->by_noise < CALIB_OUTLIERS)
				s->left_out[s->by_noise] = t;
			s->by_noise++;
		}
		s->outliers++;
		if (t > s->outlier_max)
			s->outlier_max = t;
	}
	s->runs++;
	for (int i = 0; i < n; i++) {
		u64 t = sorted[i] > overhead ? sorted[i] - overhead : 0;

		if (t < s->best)
			s->best = t;
		if (t > s->worst)
			s->worst = t;
		s->sum += t;
		s->calls++;
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

void calib_take_back(struct calib_sample *s)
{
	u64 n = s->by_noise < CALIB_OUTLIERS ? s->by_noise : CALIB_OUTLIERS, t;

	if (s->by_noise * 2 < s->runs || n < 3)
		return;
	qsort(s->left_out, n, sizeof(*s->left_out), calib_by_value);
	t = s->left_out[n / 2];
	if (t > s->worst)
		s->worst = t;
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

int calib_noise(struct calib_env *env)
{
	static const struct calib_row nothing = {
		"nothing",
		CALIB_TC,
		"bpf_ktime_get_ns()",
	};
	struct calib_mem *mem = calib_mem(env);
	u64 total = 0, jumps = 0, until = 0;
	struct calib_prog prog;
	char why[100];
	int err;

	err = calib_load_row(env, &nothing, 0, true, &prog, why, sizeof(why));
	/* 20 ms of the program itself */
	for (int run = 0; !err && total < 20000000 && run < 20000; run++) {
		u64 before = calib_interrupts(), sum = 0;

		err = calib_run(&prog);
		/* with interrupts nothing can be said */
		if (err || calib_interrupts() != before)
			continue;
		for (int i = 0; i < CALIB_LOOP; i++)
			sum += mem->ns[i];
		until = sum / CALIB_LOOP + INTERRUPT_NS;
		for (int i = 0; i < CALIB_LOOP; i++)
			jumps += mem->ns[i] > until;
		total += sum;
	}
	calib_unload(&prog);
	noise_per_ns = total ? (double)jumps / total : 0;
	return err;
}
