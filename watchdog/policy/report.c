// SPDX-License-Identifier: GPL-2.0
/* What policies say of programs, as tables and JSON. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "kernel/kwd.h"
#include "kernel/kwd_estimate.h"
#include "kernel/kwd_model.h"
#include "policy/hook.h"
#include "policy/report.h"
#include "show/duration.h"
#include "show/table.h"

int loaded_policy_load(struct loaded_policy *p, char *const *paths, size_t n,
		       const char *vmlinux, struct fault *f)
{
	static char *const standard[] = { (char *)POLICY_DIR };
	int ret;

	*p = (struct loaded_policy){};
	ret = n ? policy_set_load(&p->set, paths, n, f) :
		  policy_set_load(&p->set, standard, 1, f);
	if (!ret && policy_needs_graph(&p->set))
		ret = callgraph_load(&p->cg, vmlinux, f);
	ret = ret ? ret :
		    policy_compile(&p->set, p->cg, &p->rules, &p->graphs, f);
	if (ret)
		loaded_policy_free(p);
	return ret;
}

void loaded_policy_free(struct loaded_policy *p)
{
	policy_rules_free(&p->rules);
	policy_graphs_free(&p->graphs);
	policy_set_free(&p->set);
	callgraph_free(p->cg);
	*p = (struct loaded_policy){};
}

/* A kernel has other functions than the one before. */
static void note_graph(const struct ctx *ctx, const struct policy *p,
		       const struct policy_graph *g)
{
	if (!g->missing)
		return;
	note(ctx, "%s:%u: call graph %s: this kernel has no function %s%s",
	     p->path, g->line, g->name, g->missing,
	     !g->unknown		  ? "; it is that of the other roots" :
	     g->on_missing == POLICY_DENY ? "; its limit is for all hooks" :
					    ", nor another root: it limits "
					    "nothing");
}

/* Rules that are not what they look like. */
static void note_matches(const struct ctx *ctx, const struct loaded_policy *p)
{
	const struct policy_rules *rules = &p->rules;

	for (size_t i = 0; i < p->set.n; i++) {
		const struct policy *q = p->set.policies[i];

		for (u32 k = 0; k < q->n_graphs; k++)
			note_graph(ctx, q, &q->graphs[k]);
		for (u32 k = 0; k < q->n_hooks; k++)
			if (q->hooks[k].written)
				note(ctx, "%s:%u: match %s is taken as %s",
				     q->path, q->hooks[k].line,
				     q->hooks[k].written, q->hooks[k].match);
	}
	for (u32 i = 0; i < rules->n; i++) {
		const struct bpf_policy_rule *r = &rules->rules[i],
					     *wide = NULL;

		for (u32 k = 0; k < i && !wide; k++)
			if (r->kind == BPF_POLICY_HOOK &&
			    rules->rules[k].kind == BPF_POLICY_HOOK &&
			    hook_covered(rule_text(rules,
						   rules->rules[k].match_off),
					 rule_text(rules, r->match_off)))
				wide = &rules->rules[k];
		if (wide)
			note(ctx,
			     "%s:%u: this rule never applies: %s, %s:%u, comes "
			     "first and has all of %s; put it behind",
			     rule_text(rules, r->file_off), r->line,
			     rule_text(rules, wide->match_off),
			     rule_text(rules, wide->file_off), wide->line,
			     rule_text(rules, r->match_off));
	}
}

int policy_unmatched(const struct policy_rules *rules, struct fault *f)
{
	for (u32 i = 0; i < rules->n; i++) {
		const struct bpf_policy_rule *r = &rules->rules[i];
		const char *match = rule_text(rules, r->match_off);

		if (r->kind != BPF_POLICY_HOOK || hook_exists(match))
			continue;
		fault_set(f, EXIT_USAGE, 0, "%s:%u: match %s fits no hook",
			  rule_text(rules, r->file_off), r->line, match);
		fault_why(f,
			  "this kernel has no function or event of that name");
		return fault_hint(f, "if another one has it, or a module that "
				     "is not loaded: --allow-unmatched");
	}
	return 0;
}

bool policy_shares_blind(const struct policy_rules *rules)
{
	struct kwd_state state;

	for (u32 i = 0; i < rules->n; i++)
		if (rules->rules[i].flags & BPF_POLICY_F_SHARE)
			return !kwd_state_read(&state) && !state.val[KWD_ON] &&
			       kwd_stats_sysctl() <= 0;
	return false;
}

void policy_note_shares(const struct ctx *ctx, const struct policy_rules *rules)
{
	if (policy_shares_blind(rules))
		note(ctx,
		     "shares of CPU time are not measured: neither the watchdog "
		     "nor kernel.bpf_stats_enabled is on (bpfwd enable)");
}

/* Those of a rule for programs. */
static void note_gone(const struct ctx *ctx, const struct policy *p,
		      const struct policy_match *m, u32 line)
{
	if (m->gone)
		note(ctx,
		     "%s:%u: there is no %s %s: the rule is left out until the "
		     "policy is loaded again",
		     p->path, line, m->gone, m->gone_path);
}

/* Does whoever loads a program choose all that it says? A BTF may be loaded with any
 * instructions; with the tag it says which object it is.
 */
static bool is_hint(const struct policy_match *m)
{
	return (m->name || m->comm || m->btf) && !m->uid && !m->cgroup &&
	       !m->tag && !m->user_ns && !m->pid_ns && !m->token;
}

/* A limit below what the cost model has for a small program admits next to none, and
 * says more of the model than of programs.
 */
static void note_limits(const struct ctx *ctx, const struct policy_rules *rules)
{
	const struct bpf_policy_rule *first = NULL;
	char limit[DURATION_LEN], small[DURATION_LEN];
	u64 ns = kwd_model_small_program();
	struct model_use model;
	u32 n = 0;

	for (u32 i = 0; i < rules->n; i++) {
		const struct bpf_policy_rule *r = &rules->rules[i];
		bool latency = r->flags & BPF_POLICY_F_LATENCY;

		if (!latency || r->max_latency_ns >= ns)
			continue;
		first = first ? first : r;
		n++;
	}
	if (!n || model_in_use(&model))
		return;
	note(ctx,
	     "%s:%u: max_latency %s is below the %s that the %s cost "
	     "model has for a small program (one lookup, one update): nearly "
	     "none is admitted%s",
	     rule_text(rules, first->file_off), first->line,
	     duration_set(first->max_latency_ns, limit), duration(ns, small),
	     model_source(&model),
	     model.loaded && !model.stale ?
		     "" :
		     "; measure this machine first: bpfwd calibrate run --load");
	if (n > 1)
		note(ctx, "and so for %u more of its limits", n - 1);
}

void loaded_policy_notes(const struct ctx *ctx, const struct loaded_policy *p)
{
	u64 now = time(NULL);

	for (size_t i = 0; i < p->set.n; i++) {
		const struct policy *q = p->set.policies[i];
		bool budgets = q->defaults && q->defaults->budget.ns;

		for (u32 k = 0; k < q->n_programs; k++)
			budgets |= q->programs[k].budget.ns ||
				   q->programs[k].on_overrun ||
				   q->programs[k].quarantine;

		for (u32 k = 0; k < q->n_exempt && q->mode == POLICY_ENFORCE;
		     k++) {
			const struct policy_match *m = &q->exempt[k].match;

			if (!is_hint(m))
				continue;
			note(ctx,
			     "%s:%u: whoever loads a program chooses its name, "
			     "BTF and its own comm: this exempts all who may; "
			     "uid, cgroup and tag cannot be chosen, nor "
			     "user_ns, pid_ns and token",
			     q->path, q->exempt[k].line);
			break;
		}
		for (u32 k = 0; k < q->n_exempt; k++)
			if (q->exempt[k].until_s && q->exempt[k].until_s <= now)
				note(ctx, "%s:%u: this exemption has expired",
				     q->path, q->exempt[k].line);
		for (u32 k = 0; k < q->n_hooks; k++)
			budgets |= q->hooks[k].budget.ns != 0;
		for (u32 k = 0; k < q->n_programs; k++)
			note_gone(ctx, q, &q->programs[k].match,
				  q->programs[k].line);
		for (u32 k = 0; k < q->n_together; k++)
			note_gone(ctx, q, &q->together[k].match,
				  q->together[k].line);
		for (u32 k = 0; k < q->n_exempt; k++)
			note_gone(ctx, q, &q->exempt[k].match,
				  q->exempt[k].line);
		if (q->mode == POLICY_MONITOR && budgets)
			note(ctx,
			     "%s: mode monitor: its budgets and actions "
			     "are not set",
			     q->path);
	}
	for (u32 i = 0; i < p->rules.n; i++) {
		const struct reach *r = rule_reach(&p->graphs, i);

		if (r)
			note(ctx,
			     "call graph %s: %zu functions, %zu "
			     "tracepoints, %zu other kinds of hooks; where its "
			     "%llu calls through pointers lead is known as far "
			     "as it was observed",
			     rule_text(&p->rules, p->rules.rules[i].name_off),
			     reach_functions(r), reach_tracepoints(r),
			     reach_hooks(r),
			     (unsigned long long)reach_indirect(r));
	}
	note_matches(ctx, p);
	note_limits(ctx, &p->rules);
	policy_note_shares(ctx, &p->rules);
	if (p->cg)
		note(ctx,
		     "call graphs from %s: %zu functions, %zu direct calls, "
		     "through pointers %zu that are known, %zu observed ones",
		     callgraph_source(p->cg), callgraph_functions(p->cg),
		     callgraph_calls(p->cg) - callgraph_known(p->cg) -
			     callgraph_observed(p->cg),
		     callgraph_known(p->cg), callgraph_observed(p->cg));
}

void attachment_estimate(struct attachment *a, const struct bpf_prog_info *info,
			 u32 info_len, const struct model_use *model)
{
	a->source = estimate_source(info, model);
	a->worst_ns = kwd_estimate_charge(info);
	a->tail_ns = kwd_estimate_tail(info, info_len);
	a->stop_ns = kwd_estimate_stop(info, info_len);
	a->terminable = info->terminable;
}

/* ---- What is attached ---- */

static void report_describe(struct attachment *a, const struct prog *p,
			    const struct model_use *model)
{
	a->prog = p ? p->name : "";
	a->longest_ns = 0;
	if (!p)
		return;
	a->type = p->info.type;
	a->uid = p->info.created_by_uid;
	a->uid_known = true;
	a->btf_id = p->info.btf_id;
	memcpy(a->tag, p->info.tag, sizeof(a->tag));
	if (!kwd_estimate_known(p->info_len))
		return;
	a->longest_ns = p->info.longest_run_ns;
	a->sampled_runs = p->info.sampled_runs;
	attachment_estimate(a, &p->info, p->info_len, model);
}

/* told: they say who would be exempt. */
static int from_charges(struct attached *at, u32 n, bool told)
{
	at->all = calloc(n + 1, sizeof(*at->all));
	if (!at->all)
		return -ENOMEM;
	for (u32 i = 0; i < n; i++) {
		struct bpf_policy_charge *c = &at->charges[i];

		c->hook[sizeof(c->hook) - 1] = '\0';
		at->all[i] = (struct attachment){ .hook = c->hook,
						  .prog_id = c->prog_id,
						  .type = c->prog_type,
						  .worst_ns = c->worst_ns,
						  .tail_ns = c->worst_ns,
						  .stop_ns = c->worst_ns,
						  .place = c->place,
						  .whole = c->whole,
						  .exempt_told = told,
						  .attached = true };
		at->all[i].exempt_there = c->flags & BPF_POLICY_CHARGE_EXEMPT;
		at->all[i].fixed = c->flags & BPF_POLICY_CHARGE_FIXED;
		at->all[i].closes = c->flags & BPF_POLICY_CHARGE_CLOSES;
		at->all[i].skipped = c->flags & BPF_POLICY_CHARGE_SKIPPED;
		report_describe(&at->all[i], progs_find(at->progs, c->prog_id),
				&at->model);
		/* with what is attached on it */
		if (c->worst_ns > at->all[i].worst_ns)
			at->all[i].worst_ns = c->worst_ns;
		if (c->worst_ns != UNBOUNDED &&
		    c->worst_ns > at->all[i].tail_ns)
			at->all[i].tail_ns = c->worst_ns;
	}
	at->n = n;
	return 0;
}

/* Without the kernel's own list: what links say, and so on. */
static int from_hooks(struct attached *at)
{
	size_t n = 0;

	for (size_t i = 0; i < progs_count(at->progs); i++)
		for (const char *const *h = progs_get(at->progs, i)->hooks; *h;
		     h++)
			n++;
	at->all = calloc(n + 1, sizeof(*at->all));
	if (!at->all)
		return -ENOMEM;
	for (size_t i = 0; i < progs_count(at->progs); i++) {
		const struct prog *p = progs_get(at->progs, i);

		for (const char *const *h = p->hooks; *h; h++) {
			struct attachment *a = &at->all[at->n++];

			a->hook = *h;
			a->attached = true;
			a->prog_id = p->info.id;
			a->worst_ns = UNBOUNDED;
			a->tail_ns = UNBOUNDED;
			a->stop_ns = UNBOUNDED;
			report_describe(a, p, &at->model);
		}
	}
	return 0;
}

static bool exempts(const struct policy_rules *rules)
{
	for (u32 i = 0; i < rules->n; i++)
		if (rules->rules[i].kind == BPF_POLICY_EXEMPT)
			return true;
	return false;
}

int attached_load(struct attached *at, const struct policy_rules *rules,
		  struct fault *f)
{
	bool ask = rules && exempts(rules);
	u32 n = 0;
	bool told;
	int err;

	*at = (struct attached){};
	model_in_use(&at->model);
	err = ask ? kwd_policy_try(rules, &at->charges, &n) : 0;
	told = !err;
	if (!ask || err)
		err = kwd_policy_charges(&at->charges, &n);
	/* what is said is by the policy in force */
	for (u32 i = 0; rules && !ask && !err && i < n; i++)
		at->charges[i].flags &= ~BPF_POLICY_CHARGE_EXEMPT;
	if (progs_load(&at->progs, NULL, err ? PROGS_HOOKS : 0, f)) {
		free(at->charges);
		return f->exit;
	}
	err = err ? from_hooks(at) : from_charges(at, n, told);
	if (!err)
		return 0;
	attached_free(at);
	return fault_set(f, EXIT_FAILED, err, "cannot list what is attached");
}

void attached_free(struct attached *at)
{
	free(at->all);
	free(at->charges);
	progs_free(at->progs);
	*at = (struct attached){};
}

/* ---- Decisions ---- */

struct row {
	const struct attachment *a;
	const struct policy_rules *rules;
	char policy[BPF_POLICY_NAME_LEN], rule[BPF_POLICY_NAME_LEN], why[200];
	char *path; /* of calls, if a call graph decided */
	const char *at;
	char where[512];
};

#define ROW const struct row *r = row

static struct val report_get_id(const void *row)
{
	ROW;
	return val_num(r->a->prog_id, r->a->prog_id);
}

static struct val report_get_name(const void *row)
{
	ROW;
	return val_text(r->a->prog);
}

static struct val report_get_hook(const void *row)
{
	ROW;
	return val_text(r->a->hook);
}

static struct val get_cost(const void *row)
{
	ROW;
	return val_num(r->a->cost_ns, true);
}

static struct val report_get_stop(const void *row)
{
	ROW;
	return val_num(r->a->stop_ns, true);
}

static struct val report_get_source(const void *row)
{
	ROW;
	return val_text(attachment_source(r->a));
}

static struct val report_get_terminable(const void *row)
{
	ROW;
	return val_text(kwd_terminable_name(r->a->terminable));
}

static bool has_sum(const struct row *r)
{
	return (r->a->reason == BPF_POLICY_OVER_LATENCY ||
		(!r->a->reason && r->a->limit_ns)) &&
	       r->a->there_ns != UNBOUNDED;
}

static struct val get_there(const void *row)
{
	ROW;
	return val_num(r->a->there_ns, has_sum(r));
}

static struct val report_get_limit(const void *row)
{
	ROW;
	return val_num(r->a->limit_ns,
		       r->a->limit_ns &&
			       r->a->reason != BPF_POLICY_OVER_PROGRAMS);
}

static struct val get_decision(const void *row)
{
	ROW;
	return val_text(r->a->exempt ? "exempt" :
				       decision_name(r->a->decision));
}

static struct val report_get_reason(const void *row)
{
	ROW;
	return val_text(r->a->reason ? rule_reason_name(r->a->reason) : NULL);
}

static struct val report_get_policy(const void *row)
{
	ROW;
	return val_text(r->policy);
}

static struct val get_rule(const void *row)
{
	ROW;
	return val_text(r->rule);
}

static struct val report_get_where(const void *row)
{
	ROW;
	return val_text(r->where);
}

static struct val report_get_why(const void *row)
{
	ROW;
	return val_text(r->why);
}

static struct val get_path(const void *row)
{
	ROW;
	return val_text(r->path);
}

static const struct col cols[] = {
	{ "id", "id", VAL_U64, COL_DEFAULT, "program id", report_get_id },
	{ "name", "name", VAL_STR, COL_DEFAULT, "program", report_get_name },
	{ "hook", "hook", VAL_STR, COL_DEFAULT, "where", report_get_hook },
	{ "cost", "cost_ns", VAL_NS_BOUND, COL_DEFAULT,
	  "what it is charged; inf: unbounded", get_cost },
	{ "source", "source", VAL_STR, COL_DEFAULT,
	  "of the cost: built-in, calibrated or stale (of another kernel or "
	  "CPU) model, or measured",
	  report_get_source },
	{ "stop", "stop_ns", VAL_NS_BOUND, COL_DEFAULT,
	  "from the end of its budget to its return, at most: the stop bound "
	  "or, if that is less or it cannot be ended, its worst case",
	  report_get_stop },
	{ "there", "there_ns", VAL_NS_BOUND, COL_DEFAULT,
	  "what is there already", get_there },
	{ "limit", "limit_ns", VAL_NS_SET, COL_DEFAULT, "of the rule",
	  report_get_limit },
	{ "decision", "decision", VAL_STR, COL_DEFAULT,
	  "allow, would_deny, deny, detach (or quarantine) or exempt",
	  get_decision },
	{ "rule", "rule", VAL_STR, COL_DEFAULT, "that decided", get_rule },
	{ "policy", "policy", VAL_STR, 0, "of the rule", report_get_policy },
	{ "terminable", "terminable", VAL_STR, 0,
	  "can it be ended early, as in `bpfwd ps`", report_get_terminable },
	{ "reason", "reason", VAL_STR, 0,
	  "over_latency, over_programs, over_stop, "
	  "unbounded or unknown_hook",
	  report_get_reason },
	{ "why", "why", VAL_STR, 0, "the arithmetic", report_get_why },
	{ "at", "at", VAL_STR, 0, "file and line of the rule",
	  report_get_where },
	{ "path", "path", VAL_STR, 0, "calls that lead to the hook", get_path },
};

static void report_explain(const struct ctx *ctx, const struct row *r)
{
	const struct attachment *a = r->a;

	if (a->decision == DECIDED_ALLOW || ctx->quiet)
		return;
	printf("%s at %s: %s\n  why: %s (policy %s, rule %s%s%s)\n",
	       *a->prog ? a->prog : "a program", a->hook,
	       a->decision == DECIDED_DETACH ? "detached when it is loaded" :
	       a->decision == DECIDED_DENY   ? "denied" :
					       "would be denied",
	       r->why, r->policy, r->rule, *r->where ? ", " : "", r->where);
	if (r->path)
		printf("  path: %s\n", r->path);
}

int decisions_print(struct ctx *ctx, const struct policy_rules *rules,
		    const struct policy_graphs *graphs,
		    const struct attachment *all, size_t n, const char *schema)
{
	struct table *t = table_new(cols, ARRAY_SIZE(cols));
	struct row *rows = calloc(n + 1, sizeof(*rows));
	size_t counts[DECIDED_DETACH + 1] = {}, exempt = 0;
	int ret = 0;

	if (!t || !rows)
		ret = fault_set(&ctx->fault, EXIT_FAILED, ENOMEM, "no table");
	/* machines get all of it */
	if (!ret && ctx->out.format != OUT_TABLE)
		ret = table_emit(t, "+terminable,policy,reason,why,at,path",
				 false, &ctx->fault);
	for (size_t i = 0; !ret && i < n; i++) {
		const struct attachment *a = &all[i];
		struct row *r = &rows[i];

		r->a = a;
		r->rules = rules;
		counts[a->decision]++;
		exempt += a->exempt;
		decision_why(a, r->why, sizeof(r->why));
		if (a->rule < rules->n) {
			const struct bpf_policy_rule *rule =
				&rules->rules[a->rule];

			rule_names(rule_text(rules, rule->name_off), r->policy,
				   r->rule);
			if (rule->line)
				snprintf(r->where, sizeof(r->where),
					 "%.480s:%u",
					 rule_text(rules, rule->file_off),
					 rule->line);
			if (rule_reach(graphs, a->rule))
				r->path = reach_path(
					rule_reach(graphs, a->rule), a->hook);
		}
		if (table_add(t, r))
			ret = fault_set(&ctx->fault, EXIT_FAILED, ENOMEM,
					"no table");
	}
	if (!ret) {
		char gone[48] = "";

		if (counts[DECIDED_DETACH])
			snprintf(gone, sizeof(gone), ", %zu detached",
				 counts[DECIDED_DETACH]);
		table_close(t);
		if (out_is_json(&ctx->out))
			out_json(&ctx->out,
				 json_pack(
					 "{s:s, s:I, s:I, s:I, s:I, s:o}",
					 "schema", schema, "allow",
					 (json_int_t)counts[DECIDED_ALLOW],
					 "would_deny",
					 (json_int_t)counts[DECIDED_WOULD_DENY],
					 "deny",
					 (json_int_t)counts[DECIDED_DENY],
					 "detach",
					 (json_int_t)counts[DECIDED_DETACH],
					 "programs", table_json(t)));
		else
			table_print(t, &ctx->out, true);
		for (size_t i = 0; ctx->out.format == OUT_TABLE && i < n; i++)
			report_explain(ctx, &rows[i]);
		note(ctx,
		     "%zu allowed (%zu of them exempt), %zu would be "
		     "denied, %zu denied%s",
		     counts[DECIDED_ALLOW], exempt, counts[DECIDED_WOULD_DENY],
		     counts[DECIDED_DENY], gone);
		ret = counts[DECIDED_ALLOW] < n ? EXIT_JUDGED : 0;
	}
	for (size_t i = 0; rows && i < n; i++)
		free(rows[i].path);
	free(rows);
	table_free(t);
	return ret;
}
