// SPDX-License-Identifier: GPL-2.0
/* How long the sampled runs of programs took, as a histogram for each. A program of which
 * none was sampled has none: it would be fifteen time series of zeros.
 */
#include <stdio.h>
#include "progs/prog.h"
#include "progs/run_times.h"
#include "service/metrics.h"

/* From 255 ns to 1 s, each four times the one before, and what took longer. An entry of the
 * kernel ends just below each power of two, so that none is divided.
 */
#define FIRST 8
#define LAST 30

static void write_bucket(struct expo *e, const char *id, u64 edge, u64 runs)
{
	char le[SECONDS_LEN];
	struct expo_label labels[] = {
		{ "id", id },
		{ "le", seconds_text(edge, le) },
	};

	expo_count(e, "_bucket", labels, ARRAY_SIZE(labels), runs);
}

static void write_histogram(struct expo *e, const struct prog *p)
{
	char id[16];
	struct expo_label label = { "id", id };
	u64 runs = 0;
	u32 at = 0;

	snprintf(id, sizeof(id), "%u", p->info.id);
	for (int power = FIRST; power <= LAST; power += 2) {
		u64 edge = (1ULL << power) - 1;

		runs += run_times_until(p->times, p->n_times, edge, &at);
		write_bucket(e, id, edge, runs);
	}
	runs += run_times_until(p->times, p->n_times, UINT64_MAX, &at);
	write_bucket(e, id, UINT64_MAX, runs);
	expo_seconds(e, "_sum", &label, 1, run_times_sum(p->times, p->n_times));
	expo_count(e, "_count", &label, 1, runs);
}

void metrics_runs(struct expo *e, const struct progs *progs)
{
	static const struct expo_family family = {
		"bpfwd_program_sampled_run_seconds", EXPO_HISTOGRAM,
		"CPU time of the runs that were timed while the watchdog was on."
	};
	bool open = false;

	for (size_t i = 0; i < progs_count(progs); i++) {
		const struct prog *p = progs_get(progs, i);

		if (!p->times)
			continue;
		/* no head without a sample */
		if (!open)
			expo_family(e, &family);
		open = true;
		write_histogram(e, p);
	}
}
