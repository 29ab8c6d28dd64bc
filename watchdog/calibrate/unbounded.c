// SPDX-License-Identifier: GPL-2.0
/* What stays unbounded, or as dear, whatever was measured, and what only if it was not. The kernel's built-in model says
 * what it is: the lists in defaults.c, which any kernel can be measured with, and what the
 * running kernel has no bound for beyond them.
 */
#include <stdio.h>
#include <string.h>
#include "calibrate/calib.h"
#include "calibrate/load.h"

#define WHY \
	"unbounded in the kernel's own model: it waits, runs others or has no end"

#define WHY_UNKNOWN \
	"unbounded in the kernel's own model: no cost of it is known"

/* The entry itself, and those of it for one type of map. */
static bool entry_covers(const struct model_entry *u,
			 const struct model_entry *e)
{
	return u->kind == e->kind && !strcmp(u->name, e->name) &&
	       (!u->map[0] || !strcmp(u->map, e->map));
}

bool calib_unbounded(const struct model_entry *e)
{
	for (size_t i = 0; i < calib_n_endless; i++)
		if (entry_covers(&calib_endless[i], e))
			return true;
	return false;
}

static int make_unbounded(struct model *m, const struct model_entry *u)
{
	struct model_entry e = {
		.kind = u->kind,
		.worst_ps = MODEL_UNBOUNDED,
	};
	bool found = false;

	snprintf(e.name, sizeof(e.name), "%s", u->name);
	snprintf(e.reason, sizeof(e.reason), "%s",
		 strcmp(u->name, MODEL_DEFAULT) ? WHY : WHY_UNKNOWN);
	snprintf(e.map, sizeof(e.map), "%s", u->map);
	for (size_t i = 0; i < m->n; i++) {
		if (!entry_covers(u, &m->entries[i]))
			continue;
		found |= !strcmp(u->map, m->entries[i].map);
		memcpy(e.map, m->entries[i].map, sizeof(e.map));
		m->entries[i] = e;
	}
	snprintf(e.map, sizeof(e.map), "%s", u->map);
	return found ? 0 : model_add(m, &e);
}

/* What was not measured, and is not known to be short. */
static void make_unknown(struct model *m)
{
	for (size_t i = 0; i < m->n; i++) {
		struct model_entry *e = &m->entries[i];

		for (size_t j = 0; !e->measured && j < calib_n_unknown; j++) {
			if (!entry_covers(&calib_unknown[j], e))
				continue;
			e->worst_ps = MODEL_UNBOUNDED;
			e->per_unit_ps = 0;
			snprintf(e->reason, sizeof(e->reason), "%s",
				 WHY_UNKNOWN);
		}
	}
}

int calib_keep_unbounded(struct model *m)
{
	struct model kernel = {};
	struct fault ignored = {};
	u64 generation;
	int err = 0;

	for (size_t i = 0; !err && i < calib_n_endless; i++)
		err = make_unbounded(m, &calib_endless[i]);
	make_unknown(m);
	/* a kernel without estimates has none */
	if (err || model_loaded(&kernel, &generation, &ignored))
		return err;
	for (size_t i = 0; !err && i < kernel.n; i++)
		if (kernel.entries[i].worst_ps == MODEL_UNBOUNDED)
			err = make_unbounded(m, &kernel.entries[i]);
	model_free(&kernel);
	return err;
}

/* Each type of hash has chains as long as it has elements. Those of one were measured. */
static void keep_chains(struct model *m, const struct model_entry *hash)
{
	static const char *const like[] = { "percpu_hash", "lru_hash",
					    "lru_percpu_hash" };

	for (size_t i = 0; i < m->n; i++) {
		struct model_entry *e = &m->entries[i];

		if (e->kind != hash->kind || strcmp(e->name, hash->name) ||
		    !e->measured)
			continue;
		for (size_t j = 0; j < ARRAY_SIZE(like); j++)
			if (!strcmp(e->map, like[j]))
				MORE(e, hash, per_unit_ps);
	}
}

void calib_keep_state(struct model *m)
{
	for (size_t i = 0; i < m->n; i++) {
		struct model_entry *e = &m->entries[i];

		for (size_t j = 0; j < calib_n_at_least; j++) {
			const struct model_entry *least = &calib_at_least[j];

			if (!entry_covers(least, e) ||
			    strcmp(least->map, e->map))
				continue;
			/* or it returns at once: nothing there, or no room */
			e->best_ps = e->best_per_unit_ps = 0;
			MORE(e, least, worst_ps);
			MORE(e, least, per_unit_ps);
		}
		if (e->measured && !strcmp(e->map, "hash"))
			keep_chains(m, e);
	}
}
