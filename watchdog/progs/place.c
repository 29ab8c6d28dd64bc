// SPDX-License-Identifier: GPL-2.0
/* Places where programs are attached, and how they are told. */
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "progs/place.h"

static void place_clear(struct place *p)
{
	for (u32 i = 0; p->funcs && i < p->n_funcs; i++)
		free(p->funcs[i]);
	free(p->funcs);
	free(p->hook);
	free(p->device);
	free(p->netns);
	free(p->path);
	free(p->cgroup);
	free(p->map);
}

int places_add(struct places *places, const struct place *place)
{
	struct place p = *place, *all = places->all;

	if (places->n == places->size) {
		all = reallocarray(all, 2 * places->size + 64, sizeof(*all));
		if (!all) {
			place_clear(&p);
			return -ENOMEM;
		}
		places->all = all;
		places->size = 2 * places->size + 64;
	}
	p.order = places->n;
	all[places->n++] = p;
	return 0;
}

char *place_text(const char *fmt, ...)
{
	char *text;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	return text;
}

char *place_copy(const char *text)
{
	return text ? strdup(text) : NULL;
}

static int place_compare(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->prog_id != y->prog_id)
		return x->prog_id < y->prog_id ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

void places_sort(struct places *places)
{
	if (places->n)
		qsort(places->all, places->n, sizeof(*places->all),
		      place_compare);
}

const struct place *places_of(const struct places *places, u32 prog_id,
			      size_t *n)
{
	size_t low = 0, high = places->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (places->all[mid].prog_id < prog_id)
			low = mid + 1;
		else
			high = mid;
	}
	for (*n = 0; low + *n < places->n; ++*n)
		if (places->all[low + *n].prog_id != prog_id)
			break;
	return *n ? &places->all[low] : NULL;
}

void places_clear(struct places *places)
{
	for (size_t i = 0; i < places->n; i++)
		place_clear(&places->all[i]);
	free(places->all);
	*places = (struct places){};
}

char *place_name(const struct place *p)
{
	return place_text("%s%s%s%s%s", p->hook ? p->hook : "-",
			  p->netns ? "@" : "", p->netns ? p->netns : "",
			  p->cgroup ? ":" : "", p->cgroup ? p->cgroup : "");
}

static void set_text(json_t *doc, const char *key, const char *text)
{
	/* what is no UTF-8 leaves the key out */
	if (text)
		json_object_set_new(doc, key, json_string(text));
}

json_t *place_json(const struct place *p)
{
	static const char *const ways[] = {
		[VIA_LINK] = "link",	    [VIA_XDP] = "netlink",
		[VIA_TC] = "netlink",	    [VIA_DEVICE] = "prog_attach",
		[VIA_FILE] = "prog_attach", [VIA_SOCKMAP] = "prog_attach",
		[VIA_ENTRY] = "map",	    [VIA_EVENT] = "perf_event",
	};
	json_t *doc = json_pack("{s:s}", "via", ways[p->via]);

	set_text(doc, "hook", p->hook);
	set_text(doc, "device", p->device);
	set_text(doc, "netns", p->netns);
	set_text(doc, "cgroup", p->cgroup);
	if (p->via == VIA_LINK) {
		json_object_set_new(doc, "link_id", json_integer(p->link_id));
		set_text(doc, "link_type",
			 libbpf_bpf_link_type_str(p->link_type));
	}
	if (p->map_id) {
		json_object_set_new(doc, "map_id", json_integer(p->map_id));
		set_text(doc, "map", p->map);
	}
	if (p->pid)
		json_object_set_new(doc, "pid", json_integer(p->pid));
	if (p->n_funcs) {
		json_t *funcs = json_array();

		for (u32 i = 0; i < p->n_funcs; i++)
			json_array_append_new(funcs, json_string(p->funcs[i]));
		json_object_set_new(doc, "functions", funcs);
	}
	return doc;
}
