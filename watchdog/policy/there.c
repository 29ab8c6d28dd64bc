// SPDX-License-Identifier: GPL-2.0
/* What is attached, summed up where it runs, as the kernel does it: by place; a part with the whole
 * of it, or the whole with the part that takes most; control groups with those above them, and
 * with most of what is below.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "policy/hook.h"
#include "policy/judge.h"

/* A sum takes no more of one program, as in the kernel, so that it cannot overflow. */
#define SUMMAND_MAX 0x100000000000ULL

u64 judge_add(u64 a, u64 b)
{
	return a + b < a ? UINT64_MAX : a + b;
}

u32 unbounded_action(const struct judge *j, const struct bpf_policy_rule *r)
{
	if (r->flags & BPF_POLICY_F_UNBOUNDED)
		return r->unbounded;
	if (j->defaults->action == BPF_POLICY_AUTO)
		return r->flags & BPF_POLICY_F_LATENCY ? r->action :
							 BPF_POLICY_ALLOW;
	return j->defaults->action;
}

/* What has no bound makes the sum infinite, unless the rule only tells of it, or it is exempt. */
u64 summand(const struct judge *j, const struct bpf_policy_rule *r,
	    const struct attachment *a)
{
	if (a->cost_ns != UNBOUNDED)
		return a->cost_ns < SUMMAND_MAX ? a->cost_ns : SUMMAND_MAX;
	return !a->exempt && unbounded_action(j, r) == BPF_POLICY_DENY ?
		       UNBOUNDED :
		       0;
}

static bool is_there(const struct judge *j, size_t i)
{
	const struct attachment *a = &j->all[i];

	return i != j->self && !j->gone[i] && !a->skipped &&
	       (i < j->n_stay || a->decision != DECIDED_DENY);
}

static void there_add(const struct judge *j, const struct bpf_policy_rule *r,
		      const struct attachment *b, struct there *t)
{
	t->programs++;
	t->ns = judge_add(t->ns, summand(j, r, b));
}

static void there_join(struct there *t, const struct there *more)
{
	t->programs += more->programs;
	t->ns = judge_add(t->ns, more->ns);
}

static void there_most(struct there *most, const struct there *t)
{
	if (t->ns > most->ns)
		most->ns = t->ns;
	if (t->programs > most->programs)
		most->programs = t->programs;
}

/* ---- Places ---- */

static int by_pile(const void *a, const void *b)
{
	u64 x = ((const struct pile *)a)->place,
	    y = ((const struct pile *)b)->place;

	return x < y ? -1 : x > y;
}

static struct pile *pile_of(const struct judge *j, u64 place)
{
	const struct pile key = { .place = place };

	return place ? bsearch(&key, j->piles, j->n_piles, sizeof(key),
			       by_pile) :
		       NULL;
}

/* All places, each once. */
static int piles_new(struct judge *j, size_t n)
{
	size_t kept = 0;

	j->piles = calloc(n + 1, sizeof(*j->piles));
	j->pile = calloc(n + 1, sizeof(*j->pile));
	if (!j->piles || !j->pile)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		if (j->all[i].place)
			j->piles[j->n_piles++] =
				(struct pile){ .place = j->all[i].place,
					       .whole = j->all[i].whole,
					       .hook = j->all[i].hook };
	qsort(j->piles, j->n_piles, sizeof(*j->piles), by_pile);
	for (size_t i = 0; i < j->n_piles; i++)
		if (!kept || j->piles[kept - 1].place != j->piles[i].place)
			j->piles[kept++] = j->piles[i];
	j->n_piles = kept;
	for (size_t i = 0; i < n; i++)
		j->pile[i] = pile_of(j, j->all[i].place);
	for (size_t i = 0; i < j->n_piles; i++)
		if (hook_of_group(j->piles[i].hook))
			j->piles[i].above = pile_of(j, j->piles[i].whole);
	return 0;
}

static int groups_new(struct judge *j)
{
	j->groups = calloc(j->n_piles + 1, sizeof(*j->groups));
	if (!j->groups)
		return -ENOMEM;
	for (size_t i = 0; i < j->n_piles; i++) {
		size_t k = 0;

		if (!hook_of_group(j->piles[i].hook))
			continue;
		while (k < j->n_groups &&
		       strcmp(j->groups[k], j->piles[i].hook))
			k++;
		if (k == j->n_groups)
			j->groups[j->n_groups++] = j->piles[i].hook;
	}
	return 0;
}

static int graphs_new(struct judge *j, size_t n)
{
	j->graph_rules = calloc(j->rules->n + 1, sizeof(*j->graph_rules));
	if (!j->graph_rules)
		return -ENOMEM;
	for (u32 i = 0; i < j->rules->n; i++)
		if (j->rules->rules[i].kind == BPF_POLICY_GRAPH &&
		    rule_reach(j->graphs, i))
			j->graph_rules[j->n_graphs++] = i;
	j->in_graph = calloc(n * j->n_graphs + 1, sizeof(bool));
	j->group_in_graph = calloc(j->n_groups * j->n_graphs + 1, sizeof(bool));
	if (!j->in_graph || !j->group_in_graph)
		return -ENOMEM;
	for (size_t g = 0; g < j->n_graphs; g++) {
		const struct reach *reach =
			rule_reach(j->graphs, j->graph_rules[g]);

		for (size_t i = 0; i < n; i++)
			j->in_graph[i * j->n_graphs + g] =
				reach_has(reach, j->all[i].hook);
		for (size_t i = 0; i < j->n_groups; i++)
			j->group_in_graph[i * j->n_graphs + g] =
				reach_has(reach, j->groups[i]);
	}
	return 0;
}

int there_begin(struct judge *j, size_t n)
{
	j->gone = calloc(n + 1, sizeof(*j->gone));
	return !j->gone || piles_new(j, n) || groups_new(j) ||
			       graphs_new(j, n) ?
		       -ENOMEM :
		       0;
}

void there_end(struct judge *j)
{
	free(j->gone);
	free(j->piles);
	free(j->pile);
	free(j->groups);
	free(j->graph_rules);
	free(j->in_graph);
	free(j->group_in_graph);
}

/* ---- Control groups ---- */

/* What is on the longest way down through all groups at a hook that have a place, or through one of
 * them. A group that is above another one has its place before that.
 */
static struct there there_in_groups(struct judge *j,
				    const struct bpf_policy_rule *r,
				    const char *hook,
				    const struct pile *through)
{
	struct there most = {}, chain;
	u64 look = ++j->looks;

	for (size_t i = 0; i < j->n_piles; i++) {
		struct pile *p = &j->piles[i];

		if (strcmp(p->hook, hook))
			continue;
		p->look = look;
		p->own = p->below = (struct there){};
	}
	for (size_t i = 0; i < j->there; i++)
		if (j->pile[i] && j->pile[i]->look == look && is_there(j, i))
			there_add(j, r, &j->all[i], &j->pile[i]->own);
	for (size_t i = j->n_piles; i-- > 0;) {
		struct pile *p = &j->piles[i];

		if (p->look != look)
			continue;
		chain = p->below;
		there_join(&chain, &p->own);
		if (p->above)
			there_most(&p->above->below, &chain);
		else
			there_most(&most, &chain);
	}
	if (!through)
		return most;
	chain = through->below;
	for (; through; through = through->above)
		there_join(&chain, &through->own);
	return chain;
}

static struct there there_at_group(struct judge *j,
				   const struct bpf_policy_rule *r,
				   const struct attachment *a)
{
	struct there t = there_in_groups(j, r, a->hook, pile_of(j, a->place));

	/* What is not attached yet would be in the same group. */
	for (size_t i = 0; i < j->there; i++)
		if (is_there(j, i) && !j->pile[i] &&
		    !strcmp(j->all[i].hook, a->hook))
			there_add(j, r, &j->all[i], &t);
	return t;
}

/* ---- Hooks ---- */

/* Hooks of one name may be at several places, as those of two network namespaces: where the kernel
 * tells them apart, so do we.
 */
static bool related(const struct attachment *b, const struct attachment *a,
		    enum relation relation)
{
	const char *whole;

	switch (relation) {
	case AT_PLACE:
		return a->place && b->place ? a->place == b->place :
					      hook_same_place(b->hook, a->hook);
	case AT_WHOLE:
		if (a->whole && b->place)
			return a->whole == b->place;
		whole = hook_whole(a->hook);
		return whole && hook_same_place(b->hook, whole);
	default:
		if (a->place && b->whole)
			return a->place == b->whole;
		whole = hook_whole(b->hook);
		return whole && hook_same_place(whole, a->hook);
	}
}

/* What has the same place by its name. */
static struct there there_by_name(const struct judge *j,
				  const struct bpf_policy_rule *r,
				  const char *hook)
{
	struct there t = {};

	for (size_t i = 0; i < j->there; i++)
		if (is_there(j, i) && hook_same_place(j->all[i].hook, hook))
			there_add(j, r, &j->all[i], &t);
	return t;
}

/* If it may be at several places, at the one where most is, besides what is not attached yet and
 * would be at the same one.
 */
struct there there_at(struct judge *j, const struct bpf_policy_rule *r,
		      const struct attachment *a, enum relation relation)
{
	bool several = relation == AT_PARTS || !a->place;
	struct there open = {}, most = {};
	u64 look;

	if (hook_of_group(a->hook))
		return relation == AT_PLACE ? there_at_group(j, r, a) :
					      (struct there){};
	look = ++j->looks;
	for (size_t i = 0; i < j->there; i++) {
		const struct attachment *b = &j->all[i];
		struct pile *pile = several ? j->pile[i] : NULL;
		struct there by_name;

		if (!is_there(j, i) || !related(b, a, relation))
			continue;
		if (pile) {
			if (pile->look != look)
				pile->own = (struct there){};
			pile->look = look;
			there_add(j, r, b, &pile->own);
			there_most(&most, &pile->own);
		} else if (relation == AT_PARTS) {
			by_name = there_by_name(j, r, b->hook);
			there_most(&most, &by_name);
		} else {
			there_add(j, r, b, &open);
		}
	}
	there_join(&open, &most);
	return open;
}

/* ---- Call graphs ---- */

bool there_is_in_graph(const struct judge *j, size_t i, size_t graph)
{
	return j->in_graph[i * j->n_graphs + graph];
}

u64 there_in_graph(struct judge *j, size_t graph, const struct attachment *a)
{
	const struct bpf_policy_rule *r =
		&j->rules->rules[j->graph_rules[graph]];
	struct there t = {}, more;

	for (size_t i = 0; i < j->there; i++) {
		const struct attachment *b = &j->all[i];

		if (is_there(j, i) && there_is_in_graph(j, i, graph) &&
		    !(j->pile[i] && hook_of_group(b->hook)))
			there_add(j, r, b, &t);
	}
	for (size_t i = 0; i < j->n_groups; i++) {
		const struct pile *through = NULL;

		if (!j->group_in_graph[i * j->n_graphs + graph])
			continue;
		if (!strcmp(j->groups[i], a->hook))
			through = pile_of(j, a->place);
		more = there_in_groups(j, r, j->groups[i], through);
		there_join(&t, &more);
	}
	return t.ns;
}
