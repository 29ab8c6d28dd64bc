// SPDX-License-Identifier: GPL-2.0
/* What rules say of programs at hooks, by the kernel's own order: exemptions, then
 * what has no bound, the first rule of the hook, and all call graphs.
 */
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "kernel/kwd.h"
#include "policy/hook.h"
#include "policy/rules.h"
#include "progs/digest.h"
#include "show/types.h"

/* A hook, and the first rule for it. */
struct fit {
	const char *hook;
	u32 rule;
};

struct judge {
	struct fit *
		fits; /* of the last program: its hook's, and that of the whole of it */
	const struct policy_rules *rules;
	const struct policy_graphs *graphs;
	struct attachment *all;
	size_t there; /* all before it are judged, and there if not denied */
	const struct bpf_policy_rule *defaults;
	size_t n_stay; /* so many stay whatever the rules say */
	u64 *sums; /* of call graphs, by rule */
	struct pile *piles; /* by place */
	size_t n_piles;
	u64 *looks; /* at them */
};

/* Of what is not attached yet nobody knows it: nothing is exempt by it. */
#define NOT_TOLD                                                            \
	(BPF_POLICY_F_CGROUP | BPF_POLICY_F_USER_NS | BPF_POLICY_F_PID_NS | \
	 BPF_POLICY_F_TOKEN)

static bool has_btf(const struct bpf_policy_rule *r, const struct attachment *a)
{
	const char *btf = a->btf ? a->btf : btf_digest(a->btf_id);
	char want[2 * sizeof(r->btf_digest) + 1];

	for (size_t i = 0; i < sizeof(r->btf_digest); i++)
		sprintf(want + 2 * i, "%02x", r->btf_digest[i]);
	return btf && !strcmp(btf, want);
}

static bool prog_matches(const struct policy_rules *rules,
			 const struct bpf_policy_rule *r,
			 const struct attachment *a)
{
	const char *name = rule_text(rules, r->match_off),
		   *comm = rule_text(rules, r->comm_off);

	return (!*name || !fnmatch(name, a->prog, 0)) &&
	       (!r->prog_type || r->prog_type == a->type) &&
	       (!*comm || (a->comm && !fnmatch(comm, a->comm, 0))) &&
	       !(r->flags & NOT_TOLD) &&
	       (!(r->flags & BPF_POLICY_F_UID) ||
		(a->uid_known && r->uid == a->uid)) &&
	       (!(r->flags & BPF_POLICY_F_TAG) ||
		!memcmp(r->tag, a->tag, sizeof(r->tag))) &&
	       (!(r->flags & BPF_POLICY_F_BTF) || has_btf(r, a));
}

static bool is_exempt(const struct judge *j, const struct attachment *a)
{
	u64 now = time(NULL);

	if (a->exempt_told)
		return a->exempt_there;
	for (u32 i = 0; i < j->rules->n; i++) {
		const struct bpf_policy_rule *r = &j->rules->rules[i];

		if (r->kind == BPF_POLICY_EXEMPT &&
		    r->flags & BPF_POLICY_F_EXEMPT_ATTACH &&
		    (!r->until || r->until > now) &&
		    prog_matches(j->rules, r, a))
			return true;
	}
	return false;
}

/* A sum takes no more of one program, as in the kernel, so that it cannot overflow. */
#define SUMMAND_MAX 0x100000000000ULL

static u64 judge_add(u64 a, u64 b)
{
	return a + b < a ? UINT64_MAX : a + b;
}

static u64 summand(const struct attachment *a)
{
	return a->cost_ns < SUMMAND_MAX || a->cost_ns == UNBOUNDED ?
		       a->cost_ns :
		       SUMMAND_MAX;
}

/* Keeps the strictest decision, the first one of equals. */
static void decide(const struct judge *j, struct attachment *a, u32 rule,
		   u32 action, u32 reason, u64 there, u64 limit)
{
	enum decision d = DECIDED_WOULD_DENY;

	if (action == BPF_POLICY_DENY &&
	    j->defaults->mode == BPF_POLICY_ENFORCE)
		d = a->attached && j->defaults->flags &
					    BPF_POLICY_F_DETACH_EXISTING ?
			    DECIDED_DETACH :
			    DECIDED_DENY;

	if (d <= a->decision)
		return;
	a->decision = d;
	a->rule = rule;
	a->reason = reason;
	a->there_ns = there;
	a->limit_ns = limit;
}

/* Is program i there for a? What is detached when the policy is loaded is there for
 * what was attached later, which is detached first, and for nobody who comes then.
 */
static bool is_there(const struct judge *j, size_t i,
		     const struct attachment *a)
{
	if (j->all[i].decision == DECIDED_DETACH)
		return a->attached;
	return i < j->n_stay || j->all[i].decision != DECIDED_DENY;
}

/* What becomes of programs without a bound where a rule applies, not the defaults. */
static u32 unbounded_action(const struct judge *j,
			    const struct bpf_policy_rule *r)
{
	if (r->flags & BPF_POLICY_F_UNBOUNDED)
		return r->unbounded;
	if (j->defaults->action == BPF_POLICY_AUTO)
		return r->flags & BPF_POLICY_F_LATENCY ? r->action :
							 BPF_POLICY_ALLOW;
	return j->defaults->action;
}

/* What a rule that is not the defaults says of a program, whatever else is there. */
static void judge_prog(const struct judge *j, struct attachment *a, u32 rule)
{
	const struct bpf_policy_rule *r = &j->rules->rules[rule];
	bool limited = r->flags & BPF_POLICY_F_LATENCY;
	u32 action = unbounded_action(j, r);

	/* if it is the defaults that say it, judge_defaults() does */
	if (a->cost_ns == UNBOUNDED && action != BPF_POLICY_ALLOW &&
	    (r->flags & BPF_POLICY_F_UNBOUNDED ||
	     j->defaults->action == BPF_POLICY_AUTO))
		decide(j, a, rule, action, BPF_POLICY_UNBOUNDED, 0,
		       limited ? r->max_latency_ns : 0);
	if (r->flags & BPF_POLICY_F_STOP && a->stop_ns > r->max_stop_ns)
		decide(j, a, rule, r->action, BPF_POLICY_OVER_STOP, a->stop_ns,
		       r->max_stop_ns);
}

/* hook: the rule of the hook, NULL: none */
static void judge_defaults(const struct judge *j, struct attachment *a,
			   const struct bpf_policy_rule *hook)
{
	const struct bpf_policy_rule *r = j->defaults;
	u32 said = hook ? hook->flags : 0, action = r->action;

	if (action == BPF_POLICY_AUTO)
		action = kwd_terminable_never(a->terminable) ? BPF_POLICY_DENY :
							       BPF_POLICY_WARN;
	if (a->cost_ns == UNBOUNDED && action != BPF_POLICY_ALLOW &&
	    !(said & BPF_POLICY_F_UNBOUNDED))
		decide(j, a, r - j->rules->rules, action, BPF_POLICY_UNBOUNDED,
		       0, 0);
	if (r->flags & BPF_POLICY_F_STOP && !(said & BPF_POLICY_F_STOP) &&
	    a->stop_ns > r->max_stop_ns)
		decide(j, a, r - j->rules->rules, BPF_POLICY_DENY,
		       BPF_POLICY_OVER_STOP, a->stop_ns, r->max_stop_ns);
}

/* Is it in the sum of a rule? What has no bound makes that infinite, unless the rule only
 * tells of it, or it is exempt.
 */
static bool is_counted(const struct judge *j, const struct bpf_policy_rule *r,
		       const struct attachment *a)
{
	return a->cost_ns != UNBOUNDED ||
	       (!a->exempt && unbounded_action(j, r) == BPF_POLICY_DENY);
}

struct there {
	u64 ns, programs;
};

/* What is at one of the places that the kernel has told, for the look with this number. */
struct pile {
	u64 place, look;
	struct there there;
};

enum relation {
	AT_PLACE, /* at the place itself, */
	AT_WHOLE, /* at that of which it is a part, */
	AT_PARTS, /* or at a part of it */
};

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

static void there_add(const struct judge *j, const struct bpf_policy_rule *r,
		      const struct attachment *b, struct there *t)
{
	t->programs++;
	if (is_counted(j, r, b))
		t->ns = judge_add(t->ns, summand(b));
}

static void there_most(struct there *most, const struct there *t)
{
	if (t->ns > most->ns)
		most->ns = t->ns;
	if (t->programs > most->programs)
		most->programs = t->programs;
}

/* What has the same place by its name. */
static struct there there_by_name(const struct judge *j,
				  const struct bpf_policy_rule *r,
				  const struct attachment *a, const char *hook)
{
	struct there t = {};

	for (size_t i = 0; i < j->there; i++)
		if (is_there(j, i, a) && hook_same_place(j->all[i].hook, hook))
			there_add(j, r, &j->all[i], &t);
	return t;
}

/* What a rule counts there. If it may be at several places, at the one where most is, besides
 * what is not attached yet and would be at the same one.
 */
static struct there there_at(const struct judge *j,
			     const struct bpf_policy_rule *r,
			     const struct attachment *a, enum relation relation)
{
	bool several = relation == AT_PARTS || !a->place;
	struct there open = {}, most = {};
	u64 look = ++*j->looks;

	for (size_t i = 0; i < j->there; i++) {
		const struct attachment *b = &j->all[i];
		struct pile *pile = several ? pile_of(j, b->place) : NULL;
		struct there by_name;

		if (!is_there(j, i, a) || !related(b, a, relation))
			continue;
		if (pile) {
			if (pile->look != look)
				pile->there = (struct there){};
			pile->look = look;
			there_add(j, r, b, &pile->there);
			there_most(&most, &pile->there);
		} else if (relation == AT_PARTS) {
			by_name = there_by_name(j, r, a, b->hook);
			there_most(&most, &by_name);
		} else {
			there_add(j, r, b, &open);
		}
	}
	open.ns = judge_add(open.ns, most.ns);
	open.programs += most.programs;
	return open;
}

/* By a rule for its hook, or for the whole of which that is a part. */
static void judge_hook(const struct judge *j, struct attachment *a, u32 rule,
		       const char *whole)
{
	const struct bpf_policy_rule *r = &j->rules->rules[rule];
	struct there at = there_at(j, r, a, AT_PLACE), more;
	u64 there, programs;

	more = there_at(j, r, a, whole ? AT_WHOLE : AT_PARTS);
	there = judge_add(at.ns, more.ns);
	programs = at.programs + more.programs;
	if (a->decision == DECIDED_ALLOW && a->rule == UINT32_MAX) {
		a->rule = rule;
		a->there_ns = there;
		a->limit_ns = r->max_latency_ns;
	}
	if (r->flags & BPF_POLICY_F_PROGRAMS && programs >= r->max_programs)
		decide(j, a, rule, r->action, BPF_POLICY_OVER_PROGRAMS,
		       programs, r->max_programs);
	if (r->flags & BPF_POLICY_F_LATENCY && a->cost_ns != UNBOUNDED &&
	    judge_add(there, a->cost_ns) > r->max_latency_ns)
		decide(j, a, rule, r->action, BPF_POLICY_OVER_LATENCY, there,
		       r->max_latency_ns);
	judge_prog(j, a, rule);
}

static void judge_graph(const struct judge *j, struct attachment *a, u32 rule)
{
	const struct bpf_policy_rule *r = &j->rules->rules[rule];
	const struct reach *reach = rule_reach(j->graphs, rule);
	u64 there = j->sums[rule];

	if (!reach || !reach_has(reach, a->hook))
		return;
	if (r->flags & BPF_POLICY_F_LATENCY && a->cost_ns != UNBOUNDED &&
	    judge_add(there, a->cost_ns) > r->max_latency_ns)
		decide(j, a, rule, r->action, BPF_POLICY_OVER_LATENCY, there,
		       r->max_latency_ns);
	judge_prog(j, a, rule);
}

/* Adds it to the call graphs that it is in. */
static void charge(const struct judge *j, const struct attachment *a)
{
	for (u32 i = 0; i < j->rules->n; i++) {
		const struct reach *reach = rule_reach(j->graphs, i);

		if (reach && is_counted(j, &j->rules->rules[i], a) &&
		    reach_has(reach, a->hook))
			j->sums[i] = judge_add(j->sums[i], summand(a));
	}
}

/* What was attached is judged: from now on without what is detached. */
static void charge_again(const struct judge *j)
{
	memset(j->sums, 0, j->rules->n * sizeof(*j->sums));
	for (size_t i = 0; i < j->there; i++)
		if (j->all[i].decision != DECIDED_DETACH)
			charge(j, &j->all[i]);
}

/* The first rule for a hook, UINT32_MAX: none. Many programs are at one hook: the last is kept. */
static u32 rule_for(const struct judge *j, struct fit *last, const char *hook)
{
	if (last->hook && !strcmp(last->hook, hook))
		return last->rule;
	last->hook = hook;
	for (last->rule = 0; last->rule < j->rules->n; last->rule++) {
		const struct bpf_policy_rule *r = &j->rules->rules[last->rule];

		if (r->kind == BPF_POLICY_HOOK &&
		    hook_fits(rule_text(j->rules, r->match_off), hook))
			return last->rule;
	}
	last->rule = UINT32_MAX;
	return last->rule;
}

static void judge(const struct judge *j, struct attachment *a)
{
	const struct bpf_policy_rule *hook = NULL;
	const char *whole = hook_whole(a->hook);
	u32 own, of_whole;

	a->decision = DECIDED_ALLOW;
	a->rule = UINT32_MAX;
	a->reason = 0;
	a->there_ns = a->limit_ns = 0;
	/* what has no bound may take longer than it ever did */
	a->measured = j->defaults->charge == BPF_POLICY_MEASURED &&
		      a->worst_ns != UNBOUNDED && a->longest_ns < a->worst_ns &&
		      a->sampled_runs >= BPF_POLICY_MEASURED_RUNS;
	a->cost_ns = a->measured ? a->longest_ns : a->worst_ns;
	/* what is in the arrays may never have run: it is not measured */
	if (a->worst_ns == UNBOUNDED &&
	    (j->defaults->flags & BPF_POLICY_F_TAIL_CALLS))
		a->cost_ns = a->tail_ns;
	a->exempt = is_exempt(j, a);
	if (a->exempt || j->defaults->mode == BPF_POLICY_OFF)
		return;
	own = rule_for(j, &j->fits[0], a->hook);
	of_whole = whole ? rule_for(j, &j->fits[1], whole) : UINT32_MAX;
	for (u32 i = 0; i < j->rules->n; i++) {
		const struct bpf_policy_rule *r = &j->rules->rules[i];

		if (i == own) {
			hook = r;
			judge_hook(j, a, i, NULL);
		}
		if (i == of_whole)
			judge_hook(j, a, i, whole);
		if (r->kind == BPF_POLICY_GRAPH)
			judge_graph(j, a, i);
	}
	judge_defaults(j, a, hook);
}

/* All places, each once. */
static int piles_new(struct judge *j, size_t n)
{
	j->piles = calloc(n + 1, sizeof(*j->piles));
	if (!j->piles)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		j->piles[i].place = j->all[i].place;
	qsort(j->piles, n, sizeof(*j->piles), by_pile);
	for (size_t i = 0; i < n; i++)
		if (!j->n_piles ||
		    j->piles[j->n_piles - 1].place != j->piles[i].place)
			j->piles[j->n_piles++] = j->piles[i];
	return 0;
}

int policy_judge(const struct policy_rules *rules,
		 const struct policy_graphs *graphs, struct attachment *all,
		 size_t n, size_t n_stay)
{
	struct fit fits[2] = {};
	u64 looks = 0;
	struct judge j = { .rules = rules,
			   .graphs = graphs,
			   .fits = fits,
			   .all = all,
			   .defaults = &rules->rules[0],
			   .looks = &looks,
			   .n_stay = n_stay };

	j.sums = calloc(rules->n + 1, sizeof(*j.sums));
	if (!j.sums || piles_new(&j, n)) {
		free(j.sums);
		return -ENOMEM;
	}
	for (u32 i = 0; i < rules->n; i++)
		if (rules->rules[i].kind == BPF_POLICY_DEFAULTS)
			j.defaults = &rules->rules[i];
	for (; j.there < n; j.there++) {
		struct attachment *a = &all[j.there];

		if (j.there == n_stay)
			charge_again(&j);
		judge(&j, a);
		if (is_there(&j, j.there, a))
			charge(&j, a);
	}
	free(j.piles);
	free(j.sums);
	return 0;
}
