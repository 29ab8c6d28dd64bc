// SPDX-License-Identifier: GPL-2.0
/* Which program an event is of, and where that is attached. Where a program was seen
 * last is remembered, also when it has been detached since.
 */
#include <bpf/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "progs/source.h"
#include "progs/view.h"
#include "service/event_where.h"
#include "show/duration.h"

/* Events may come by the thousand: how old what we know may be, and which part of the
 * time may go into looking.
 */
#define FRESH_NS 1000000000ULL
#define LOOK_PART 20

struct seen {
	u32 id;
	char *hook, *where;
};

struct event_where {
	struct progs *progs;
	u64 look_ns; /* not again before */
	u32 last_prog, last_link; /* the newest ids at that time */
	bool extensions;
	struct seen *seen; /* by ascending id, as they come */
	size_t n_seen;
};

struct event_where *event_where_new(void)
{
	return calloc(1, sizeof(struct event_where));
}

void event_where_free(struct event_where *w)
{
	if (!w)
		return;
	for (size_t i = 0; i < w->n_seen; i++) {
		free(w->seen[i].hook);
		free(w->seen[i].where);
	}
	free(w->seen);
	progs_free(w->progs);
	free(w);
}

const struct prog *event_where_prog(const struct event_where *w, u32 id)
{
	return progs_find(w->progs, id);
}

static struct seen *find_seen(const struct event_where *w, u32 id)
{
	for (size_t i = 0; i < w->n_seen; i++)
		if (w->seen[i].id == id)
			return &w->seen[i];
	return NULL;
}

static void learn(struct event_where *w, const struct prog *p)
{
	struct seen *s = find_seen(w, p->info.id);
	char *hook, *where;

	if (!p->hooks[0] || (s && !p->n_places))
		return;
	if (!s) {
		s = reallocarray(w->seen, w->n_seen + 1, sizeof(*s));
		if (!s)
			return;
		w->seen = s;
		s += w->n_seen++;
		*s = (struct seen){ .id = p->info.id };
	}
	hook = strdup(p->hooks[0]);
	where = prog_where(p);
	if (!hook || !where) {
		free(hook);
		free(where);
		return;
	}
	free(s->hook);
	free(s->where);
	s->hook = hook;
	s->where = where;
}

/* The newest of the ids that next() tells, from one that was the newest before. */
static u32 newest(u32 id, int (*next)(u32 from, u32 *id))
{
	u32 after;

	while (!next(id, &after))
		id = after;
	return id;
}

static void look_around(struct event_where *w)
{
	struct progs *progs;
	struct fault ignored = {};
	u64 began, now;
	int err;

	w->last_prog = newest(w->last_prog, bpf_prog_get_next_id);
	w->last_link = newest(w->last_link, bpf_link_get_next_id);
	began = clock_ns(CLOCK_MONOTONIC);
	err = progs_load(&progs, NULL, PROGS_HOOKS, &ignored);
	now = clock_ns(CLOCK_MONOTONIC);
	w->look_ns = now + FRESH_NS + LOOK_PART * (now - began);
	if (err)
		return;
	progs_free(w->progs);
	w->progs = progs;
	w->extensions = false;
	for (size_t i = 0; i < progs_count(progs); i++) {
		const struct prog *p = progs_get(progs, i);

		w->extensions |= p->info.type == BPF_PROG_TYPE_EXT;
		learn(w, p);
	}
}

void event_where_watch(struct event_where *w)
{
	u32 id;

	if (!w->progs || !bpf_prog_get_next_id(w->last_prog, &id) ||
	    !bpf_link_get_next_id(w->last_link, &id))
		look_around(w);
}

/* The extension whose code it is, NULL: it is the program's own. */
static const struct prog *extension_at(const struct event_where *w,
				       const struct event *e)
{
	if (!w->extensions || !e->ip || source_holds(e->prog_id, e->ip))
		return NULL;
	for (size_t i = 0; i < progs_count(w->progs); i++) {
		const struct prog *p = progs_get(w->progs, i);

		if (p->info.type == BPF_PROG_TYPE_EXT &&
		    source_holds(p->info.id, e->ip))
			return p;
	}
	return NULL;
}

void event_where_fill(struct event_where *w, struct event *e)
{
	const struct prog *ext;
	const struct seen *s;

	if (e->kind == EV_LOST)
		return;
	if (!w->progs || clock_ns(CLOCK_MONOTONIC) >= w->look_ns)
		look_around(w);
	else if (!find_seen(w, e->prog_id))
		event_where_watch(w);
	ext = w->progs ? extension_at(w, e) : NULL;
	if (ext) {
		e->target_id = e->prog_id;
		snprintf(e->target, sizeof(e->target), "%s", e->name);
		e->prog_id = ext->info.id;
		snprintf(e->name, sizeof(e->name), "%s", ext->name);
	}
	s = find_seen(w, e->prog_id);
	/* the kernel knows best, where it says it */
	if (e->hook[0])
		snprintf(e->where, sizeof(e->where), "%s", e->hook);
	else if (s) {
		snprintf(e->hook, sizeof(e->hook), "%s", s->hook);
		snprintf(e->where, sizeof(e->where), "%s", s->where);
	}
}
