// SPDX-License-Identifier: GPL-2.0
/* What is reached from some functions of the call graph, and by which calls. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "callgraph/priv.h"
#include "show/types.h"

#define NONE UINT32_MAX
#define POLICY_CHAIN_MAX 1024 /* more than the deepest graph */

struct reach {
	const struct callgraph *cg;
	u32 *parent; /* itself for a root, NONE: not reached */
	u32 *queue; /* the reached ones, nearest first */
	u32 n, tracepoints, hooks;
	u32 *shown; /* a name of each node, as index of names */
	bool *stops; /* is what the node calls no part of it? */
};

static const char *text_of(const struct callgraph *cg, u32 name)
{
	return cg->strings + cg->names[name].text;
}

static bool is_name(const struct callgraph *cg, u32 name, const char *text)
{
	return name < cg->head.n_names && !strcmp(text_of(cg, name), text);
}

static void visit(struct reach *r, u32 node, u32 parent)
{
	if (r->parent[node] != NONE)
		return;
	r->parent[node] = parent;
	r->queue[r->n++] = node;
}

static int spread(struct reach *r, char *const *roots, u32 n, u32 depth,
		  const char **missing)
{
	const struct callgraph *cg = r->cg;
	u32 begin = 0;

	for (u32 i = 0; i < n; i++) {
		u32 name =
			cg_next_named(cg, roots[i], cg_find_name(cg, roots[i]));

		if (name == cg->head.n_names && !*missing)
			*missing = roots[i];
		/* static functions may share a name, and a function may have parts */
		for (; name < cg->head.n_names;
		     name = cg_next_named(cg, roots[i], name + 1)) {
			visit(r, cg->names[name].node, cg->names[name].node);
			r->shown[cg->names[name].node] = name;
		}
	}
	if (!r->n)
		return -ENOENT;
	for (u32 level = 0; (level < depth || !depth) && begin < r->n;
	     level++) {
		u32 end = r->n;

		for (; begin < end; begin++) {
			u32 from = r->queue[begin];

			if (r->stops[from] && level)
				continue;
			for (u32 i = cg->edge_start[from];
			     i < cg->edge_start[from + 1]; i++)
				visit(r, cg->edges[i], from);
		}
	}
	return 0;
}

static bool has_prefix(const char *text, const char *prefix)
{
	return !strncmp(text, prefix, strlen(prefix));
}

/* What of the reached ones is no function? */
static void count_meanings(struct reach *r)
{
	for (u32 i = 0; i < r->n; i++) {
		if (r->queue[i] < r->cg->head.n_functions)
			continue;
		if (has_prefix(text_of(r->cg, r->shown[r->queue[i]]), CG_HOOK))
			r->hooks++;
		else
			r->tracepoints++;
	}
}

int callgraph_reach(const struct callgraph *cg, char *const *roots, u32 n,
		    u32 depth, struct reach **out, const char **missing)
{
	u32 nodes = cg->head.n_nodes;
	struct reach *r = calloc(1, sizeof(*r));
	int err = -ENOMEM;

	*out = NULL;
	*missing = NULL;
	if (!r)
		return -ENOMEM;
	r->cg = cg;
	r->parent = malloc((nodes + 1ULL) * sizeof(u32));
	r->queue = malloc((nodes + 1ULL) * sizeof(u32));
	r->shown = malloc((nodes + 1ULL) * sizeof(u32));
	r->stops = calloc(nodes + 1ULL, sizeof(*r->stops));
	if (!r->parent || !r->queue || !r->shown || !r->stops)
		goto fail;
	for (u32 i = 0; i < cg->head.n_names; i++)
		if (cg_is_stop(text_of(cg, i)))
			r->stops[cg->names[i].node] = true;
	memset(r->parent, 0xff, (nodes + 1ULL) * sizeof(u32));
	memset(r->shown, 0xff, (nodes + 1ULL) * sizeof(u32));
	err = spread(r, roots, n, depth, missing);
	if (err)
		goto fail;
	/* of several names the last in order: __x is before x */
	for (u32 i = cg->head.n_names; i-- > 0;)
		if (r->shown[cg->names[i].node] == NONE)
			r->shown[cg->names[i].node] = i;
	count_meanings(r);
	*out = r;
	return 0;
fail:
	reach_free(r);
	return err;
}

void reach_free(struct reach *r)
{
	if (!r)
		return;
	free(r->parent);
	free(r->queue);
	free(r->shown);
	free(r->stops);
	free(r);
}

size_t reach_functions(const struct reach *r)
{
	return r->n - r->tracepoints - r->hooks;
}

size_t reach_tracepoints(const struct reach *r)
{
	return r->tracepoints;
}

size_t reach_hooks(const struct reach *r)
{
	return r->hooks;
}

u64 reach_indirect(const struct reach *r)
{
	u64 n = 0;

	for (u32 i = 0; i < r->n; i++)
		n += r->cg->indirect[r->queue[i]];
	return n;
}

/* ---- Members ---- */

struct list {
	char **texts;
	size_t n, size;
	bool oom;
};

static void list_add(struct list *l, const char *kind, const char *text)
{
	char **all;

	if (l->n == l->size) {
		all = reallocarray(l->texts, 2 * l->size + 256, sizeof(*all));
		if (!all) {
			l->oom = true;
			return;
		}
		l->texts = all;
		l->size = 2 * l->size + 256;
	}
	if (asprintf(&l->texts[l->n], "%s%s", kind, text) < 0)
		l->oom = true;
	else
		l->n++;
}

static int reach_compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void list_sort(struct list *l)
{
	size_t kept = 0;

	if (!l->n)
		return;
	qsort(l->texts, l->n, sizeof(*l->texts), reach_compare);
	for (size_t i = 0; i < l->n; i++) {
		if (kept && !strcmp(l->texts[i], l->texts[kept - 1]))
			free(l->texts[i]);
		else
			l->texts[kept++] = l->texts[i];
	}
	l->n = kept;
}

static void reach_list_clear(struct list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->texts[i]);
	free(l->texts);
	*l = (struct list){};
}

/* Events by their name: what tracefs has of each tracepoint. */
static void load_events(struct list *events)
{
	FILE *f = fopen("/sys/kernel/tracing/available_events", "re");
	char line[256], category[128], name[128];

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%127[^:\n]:%127[^\n]", category, name) != 2)
			continue;
		/* "NAME/CATEGORY" sorts by name */
		snprintf(line, sizeof(line), "%.100s/%.100s", name, category);
		list_add(events, "", line);
	}
	if (f)
		fclose(f);
	list_sort(events);
}

static void add_event(struct list *members, const struct list *events,
		      const char *name)
{
	size_t low = 0, high = events->n, len = strlen(name);
	char prefix[256], hook[300];

	snprintf(prefix, sizeof(prefix), "%.250s/", name);
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (strcmp(events->texts[mid], prefix) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < events->n && !strncmp(events->texts[low], prefix, len + 1);
	     low++) {
		snprintf(hook, sizeof(hook), "%.120s/%.150s",
			 events->texts[low] + len + 1, name);
		list_add(members, "tp/", hook);
	}
}

char *reach_members(const struct reach *r, u32 *n, size_t *size)
{
	const struct callgraph *cg = r->cg;
	struct list members = {}, events = {};
	char *all = NULL;
	size_t at = 0;

	load_events(&events);
	for (u32 i = 0; i < cg->head.n_names; i++) {
		const char *text = text_of(cg, i);

		if (r->parent[cg->names[i].node] == NONE)
			continue;
		if (cg->names[i].node < cg->head.n_functions) {
			list_add(&members, "", text);
			continue;
		}
		if (has_prefix(text, CG_HOOK)) {
			list_add(&members, "", text + strlen(CG_HOOK));
			continue;
		}
		text += strlen(CG_TRACEPOINT);
		list_add(&members, "raw_tp/", text);
		list_add(&members, "tp_btf/", text);
		add_event(&members, &events, text);
	}
	list_sort(&members);
	*n = members.n;
	*size = 0;
	for (size_t i = 0; i < members.n; i++)
		*size += strlen(members.texts[i]) + 1;
	if (!members.oom && !events.oom)
		all = malloc(*size + 1);
	for (size_t i = 0; all && i < members.n; i++)
		at += sprintf(all + at, "%s", members.texts[i]) + 1;
	reach_list_clear(&members);
	reach_list_clear(&events);
	return all;
}

/* ---- Hooks ---- */

/* Hooks at a function, as the kernel's policy has it, and at tracepoints. */
static const struct {
	const char *kind, *prefix;
	bool category; /* between kind and name */
} kinds[] = {
	{ "kprobe/", "", false },
	{ "kretprobe/", "", false },
	{ "fentry/", "", false },
	{ "fexit/", "", false },
	{ "fmod_ret/", "", false },
	{ "lsm/", "bpf_lsm_", false },
	{ "lsm_cgroup/", "bpf_lsm_", false },
	{ "raw_tp/", CG_TRACEPOINT, false },
	{ "tp_btf/", CG_TRACEPOINT, false },
	{ "tp/", CG_TRACEPOINT, true },
};

/* The node of a name that is in it, or NONE. */
static u32 reached(const struct reach *r, const char *name)
{
	for (u32 k = cg_find_name(r->cg, name); is_name(r->cg, k, name); k++)
		if (r->parent[r->cg->names[k].node] != NONE)
			return r->cg->names[k].node;
	return NONE;
}

/* The hook itself, or the smallest family that it belongs to. */
static u32 node_of_hook(const struct reach *r, const char *hook)
{
	char name[300];
	u32 node;

	snprintf(name, sizeof(name), CG_HOOK "%.256s", hook);
	node = reached(r, name);
	for (size_t at = strlen(name);
	     node == NONE && at-- > strlen(CG_HOOK);) {
		if (name[at] != '/')
			continue;
		strcpy(name + at, "/*");
		node = reached(r, name);
	}
	return node;
}

/* The node of a hook that is in it, or NONE. */
static u32 node_of(const struct reach *r, const char *hook)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		size_t len = strlen(kinds[i].kind);
		const char *at = hook + len;
		char name[300];
		u32 node;

		if (strncmp(hook, kinds[i].kind, len))
			continue;
		if (kinds[i].category) {
			at = strchr(at, '/');
			if (!at++)
				continue;
		}
		snprintf(name, sizeof(name), "%s%.*s", kinds[i].prefix,
			 (int)strcspn(at, "+"), at);
		node = reached(r, name);
		if (node != NONE)
			return node;
	}
	return node_of_hook(r, hook);
}

bool reach_has(const struct reach *r, const char *hook)
{
	return node_of(r, hook) != NONE;
}

char *reach_path(const struct reach *r, const char *hook)
{
	u32 node = node_of(r, hook), chain[POLICY_CHAIN_MAX], n = 0;
	char *path = NULL;
	size_t len;
	FILE *f;

	if (node == NONE)
		return NULL;
	while (n < POLICY_CHAIN_MAX) {
		chain[n++] = node;
		if (r->parent[node] == node)
			break;
		node = r->parent[node];
	}
	f = open_memstream(&path, &len);
	if (!f)
		return NULL;
	while (n--) {
		const char *text = text_of(r->cg, r->shown[chain[n]]);

		/* what stands for a tracepoint is no call of its own */
		if (n && has_prefix(text_of(r->cg, r->shown[chain[n - 1]]),
				    CG_TRACEPOINT))
			continue;
		if (has_prefix(text, CG_HOOK))
			text += strlen(CG_HOOK);
		fprintf(f, "%s%s", text, n ? " -> " : "");
	}
	return fclose(f) ? NULL : path;
}
