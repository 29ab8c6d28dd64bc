// SPDX-License-Identifier: GPL-2.0
/* What a call costs on more CPUs at once than were measured.
 *
 * Who waits for a lock or a cache line waits for each of the others once, so the cost is taken
 * to be a line over the number of CPUs, from what it is on one: the one that is nearest to what
 * was measured. By as much as that is above the line at most, what the line says is widened.
 */
#include "calibrate/model.h"

#define ALONE 100 /* percent on one CPU */
#define MORE_OF(to, v) ((to) = (v) > (to) ? (v) : (to))

struct law {
	double slope; /* percent for each CPU more */
	double above; /* what was measured is above it by, at most, as a share of it */
	u32 most; /* CPUs that were measured */
	u32 points;
};

static struct law law_of(const struct model_entry *e)
{
	double both = 0, squares = 0;
	struct law law = {};

	for (u32 n = 2; n <= MODEL_CPUS_MAX; n++) {
		if (!e->cpus_pct[n])
			continue;
		both += (n - 1.0) * ((double)e->cpus_pct[n] - ALONE);
		squares += (n - 1.0) * (n - 1.0);
		law.most = n;
		law.points++;
	}
	law.slope = both > 0 ? both / squares : 0;
	for (u32 n = 2; n <= MODEL_CPUS_MAX; n++) {
		double line = ALONE + law.slope * (n - 1);

		if (e->cpus_pct[n])
			MORE_OF(law.above, e->cpus_pct[n] / line - 1);
	}
	return law;
}

double model_contended(const struct model_entry *e, u32 cpus)
{
	struct law law = law_of(e);
	double percent = ALONE;

	/* above all that was measured */
	if (cpus > law.most)
		percent = (ALONE + law.slope * (cpus - 1.0)) * (1 + law.above);
	for (u32 n = 2; n <= cpus && n <= law.most; n++)
		MORE_OF(percent, e->cpus_pct[n]);
	return percent / ALONE;
}

double model_contention_above(const struct model_entry *e)
{
	struct law law = law_of(e);

	return law.points > 1 ? law.above * 100 : -1;
}
