// SPDX-License-Identifier: GPL-2.0
/* What stays unbounded, whatever was measured. The kernel's built-in model says what
 * it is: the list in defaults.c, which any kernel can be measured with, and what the
 * running kernel has no bound for beyond it.
 */
#include <stdio.h>
#include <string.h>
#include "calibrate/calib.h"
#include "calibrate/load.h"

#define WHY \
	"unbounded in the kernel's own model: it waits, runs others or has no end"

/* The entry itself, and those of it for one type of map. */
static bool covers(const struct model_entry *u, const struct model_entry *e)
{
	return u->kind == e->kind && !strcmp(u->name, e->name) &&
	       (!u->map[0] || !strcmp(u->map, e->map));
}

bool calib_unbounded(const struct model_entry *e)
{
	for (size_t i = 0; i < calib_n_endless; i++)
		if (covers(&calib_endless[i], e))
			return true;
	return false;
}

static int make_unbounded(struct model *m, const struct model_entry *u)
{
	struct model_entry e = {
		.kind = u->kind,
		.worst_ps = MODEL_UNBOUNDED,
		.reason = WHY,
	};
	bool found = false;

	snprintf(e.name, sizeof(e.name), "%s", u->name);
	snprintf(e.map, sizeof(e.map), "%s", u->map);
	for (size_t i = 0; i < m->n; i++) {
		if (!covers(u, &m->entries[i]))
			continue;
		found |= !strcmp(u->map, m->entries[i].map);
		memcpy(e.map, m->entries[i].map, sizeof(e.map));
		m->entries[i] = e;
	}
	snprintf(e.map, sizeof(e.map), "%s", u->map);
	return found ? 0 : model_add(m, &e);
}

int calib_keep_unbounded(struct model *m)
{
	struct model kernel = {};
	struct fault ignored = {};
	u64 generation;
	int err = 0;

	for (size_t i = 0; !err && i < calib_n_endless; i++)
		err = make_unbounded(m, &calib_endless[i]);
	/* a kernel without estimates has none */
	if (err || model_loaded(&kernel, &generation, &ignored))
		return err;
	for (size_t i = 0; !err && i < kernel.n; i++)
		if (kernel.entries[i].worst_ps == MODEL_UNBOUNDED)
			err = make_unbounded(m, &kernel.entries[i]);
	model_free(&kernel);
	return err;
}
