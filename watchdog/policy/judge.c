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
#include "policy/judge.h"
#include "progs/digest.h"
#include "show/types.h"

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

/* Do the sums break a rule with it? At a hook: and the number of programs. */
static void judge_sums(const struct judge *j, struct attachment *a, u32 rule,
		       const struct there *t, bool hook)
{
	const struct bpf_policy_rule *r = &j->rules->rules[rule];
	u64 own = j->question == ASK_SUMS ? summand(j, r, a) : a->cost_ns;

	if (hook && r->flags & BPF_POLICY_F_PROGRAMS &&
	    t->programs >= r->max_programs)
		decide(j, a, rule, r->action, BPF_POLICY_OVER_PROGRAMS,
		       t->programs, r->max_programs);
	/* to be attached, what has no bound is judged by itself */
	if (r->flags & BPF_POLICY_F_LATENCY &&
	    (a->cost_ns != UNBOUNDED || j->question == ASK_SUMS) &&
	    judge_add(t->ns, own) > r->max_latency_ns)
		decide(j, a, rule, r->action, BPF_POLICY_OVER_LATENCY, t->ns,
		       r->max_latency_ns);
}

/* By a rule for its hook, or for the whole of which that is a part. */
static void judge_hook(struct judge *j, struct attachment *a, u32 rule,
		       const char *whole)
{
	const struct bpf_policy_rule *r = &j->rules->rules[rule];
	struct there t, more;

	if (j->question != ASK_ALONE) {
		t = there_at(j, r, a, AT_PLACE);
		more = there_at(j, r, a, whole ? AT_WHOLE : AT_PARTS);
		t.ns = judge_add(t.ns, more.ns);
		t.programs += more.programs;
		if (a->decision == DECIDED_ALLOW && a->rule == UINT32_MAX) {
			a->rule = rule;
			a->there_ns = t.ns;
			a->limit_ns = r->max_latency_ns;
		}
		judge_sums(j, a, rule, &t, true);
	}
	if (j->question != ASK_SUMS)
		judge_prog(j, a, rule);
}

static void judge_graphs(struct judge *j, struct attachment *a, u32 rule)
{
	for (size_t g = 0; g < j->n_graphs; g++) {
		struct there t = {};

		if (j->graph_rules[g] != rule ||
		    !there_is_in_graph(j, j->self, g))
			continue;
		if (j->question != ASK_ALONE) {
			t.ns = there_in_graph(j, g, a);
			judge_sums(j, a, rule, &t, false);
		}
		if (j->question != ASK_SUMS)
			judge_prog(j, a, rule);
	}
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

/* What it is charged, and whether it is exempt. */
static void judge_cost(const struct judge *j, struct attachment *a)
{
	a->decision = DECIDED_ALLOW;
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
}

static void judge(struct judge *j, size_t i, enum question question)
{
	struct attachment *a = &j->all[i];
	const struct bpf_policy_rule *hook = NULL;
	const char *whole = hook_whole(a->hook);
	u32 own, of_whole;

	j->self = i;
	j->question = question;
	a->decision = DECIDED_ALLOW;
	a->rule = UINT32_MAX;
	a->reason = 0;
	a->there_ns = a->limit_ns = 0;
	if (a->exempt || a->skipped || j->defaults->mode == BPF_POLICY_OFF)
		return;
	own = rule_for(j, &j->fits[0], a->hook);
	of_whole = whole ? rule_for(j, &j->fits[1], whole) : UINT32_MAX;
	for (u32 rule = 0; rule < j->rules->n; rule++) {
		const struct bpf_policy_rule *r = &j->rules->rules[rule];

		if (rule == own) {
			hook = r;
			judge_hook(j, a, rule, NULL);
		}
		if (rule == of_whole)
			judge_hook(j, a, rule, whole);
		if (r->kind == BPF_POLICY_GRAPH)
			judge_graphs(j, a, rule);
	}
	if (question != ASK_SUMS)
		judge_defaults(j, a, hook);
}

/* ---- What is attached when a policy is loaded that detaches ---- */

/* In quarantine it is skipped wherever it is attached. */
static void quarantine(struct judge *j, const struct attachment *a)
{
	for (size_t i = 0; i < j->n_stay; i++) {
		struct attachment *b = &j->all[i];

		if (b->prog_id != a->prog_id || j->gone[i])
			continue;
		j->gone[i] = true;
		b->decision = a->decision;
		b->rule = a->rule;
		b->reason = a->reason;
		b->there_ns = a->there_ns;
		b->limit_ns = a->limit_ns;
	}
}

/* The kernel goes from the newest to the oldest, one at a time: first for what is unfit whatever else
 * is there, then for what is too much with what is left. What it can neither detach nor
 * quarantine stays, and counts.
 */
static void detach(struct judge *j, bool *stays, enum question question)
{
	for (size_t i = j->n_stay; i-- > 0;) {
		struct attachment *a = &j->all[i];

		if (j->gone[i] || stays[i])
			continue;
		judge(j, i, question);
		if (a->decision != DECIDED_DETACH)
			continue;
		if (!a->fixed) {
			j->gone[i] = true;
		} else if (!a->closes) {
			quarantine(j, a);
		} else {
			stays[i] = true;
			a->decision = DECIDED_DENY;
		}
	}
}

static int judge_attached(struct judge *j)
{
	bool *stays = calloc(j->n_stay + 1, sizeof(*stays));

	if (!stays)
		return -ENOMEM;
	j->there = j->n_stay;
	detach(j, stays, ASK_ALONE);
	detach(j, stays, ASK_SUMS);
	for (size_t i = 0; i < j->n_stay; i++)
		if (!j->gone[i] && !stays[i])
			judge(j, i, ASK_ANEW);
	free(stays);
	return 0;
}

int policy_judge(const struct policy_rules *rules,
		 const struct policy_graphs *graphs, struct attachment *all,
		 size_t n, size_t n_stay)
{
	struct judge j = { .rules = rules,
			   .graphs = graphs,
			   .all = all,
			   .defaults = &rules->rules[0],
			   .n_stay = n_stay };
	size_t i = 0;
	int err = there_begin(&j, n);

	for (u32 k = 0; k < rules->n; k++)
		if (rules->rules[k].kind == BPF_POLICY_DEFAULTS)
			j.defaults = &rules->rules[k];
	for (size_t k = 0; k < n; k++)
		judge_cost(&j, &all[k]);
	if (!err && j.defaults->mode == BPF_POLICY_ENFORCE &&
	    j.defaults->flags & BPF_POLICY_F_DETACH_EXISTING) {
		err = judge_attached(&j);
		i = n_stay;
	}
	for (; !err && i < n; i++) {
		j.there = i;
		judge(&j, i, ASK_ANEW);
	}
	there_end(&j);
	return err;
}
