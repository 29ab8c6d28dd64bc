// SPDX-License-Identifier: GPL-2.0
/* The kernel's policy as metrics: what is charged to its rules, and decisions. */
#include <stddef.h>
#include <string.h>
#include "kernel/kwd.h"
#include "kernel/kwd_policy.h"
#include "policy/report.h"
#include "service/metrics.h"
#include "show/types.h"

static const struct sum {
	u32 kind;
	const char *label; /* what names the rule */
	struct expo_family latency, limit;
} sums[] = {
	{ BPF_POLICY_HOOK,
	  "rule",
	  { "bpfwd_hook_latency_seconds", EXPO_GAUGE,
	    "Worst cases of the programs at a hook, together; of the hooks of "
	    "a rule, the largest." },
	  { "bpfwd_hook_limit_seconds", EXPO_GAUGE, "What the rule allows." } },
	{ BPF_POLICY_GRAPH,
	  "call_graph",
	  { "bpfwd_call_graph_latency_seconds", EXPO_GAUGE,
	    "Worst cases of the programs at all hooks of a call graph, "
	    "together." },
	  { "bpfwd_call_graph_limit_seconds", EXPO_GAUGE,
	    "What the call graph allows." } },
};

static void write_sums(struct expo *e, const struct policy_rules *rules,
		       const struct sum *s, bool limit)
{
	bool open = false;

	for (u32 i = 0; i < rules->n; i++) {
		const struct bpf_policy_rule *r = &rules->rules[i];
		char policy[BPF_POLICY_NAME_LEN], rule[BPF_POLICY_NAME_LEN];
		struct expo_label labels[] = { { "policy", policy },
					       { s->label, rule } };

		if (r->kind != s->kind || !(r->flags & BPF_POLICY_F_LATENCY))
			continue;
		/* no head without a sample */
		if (!open)
			expo_family(e, limit ? &s->limit : &s->latency);
		open = true;
		rule_names(rule_text(rules, r->name_off), policy, rule);
		expo_seconds(e, "", labels, 2,
			     limit ? r->max_latency_ns : r->latency_ns);
	}
}

static void write_stops(struct expo *e, const struct policy_rules *rules)
{
	static const struct expo_family family = {
		"bpfwd_policy_max_stop_seconds", EXPO_GAUGE,
		"How long a rule allows a program to go on when it is to be "
		"ended."
	};
	bool open = false;

	for (u32 i = 0; i < rules->n; i++) {
		const struct bpf_policy_rule *r = &rules->rules[i];
		char policy[BPF_POLICY_NAME_LEN], rule[BPF_POLICY_NAME_LEN];
		struct expo_label labels[] = { { "policy", policy },
					       { "rule", rule } };

		if (!(r->flags & BPF_POLICY_F_STOP))
			continue;
		if (!open)
			expo_family(e, &family);
		open = true;
		rule_names(rule_text(rules, r->name_off), policy, rule);
		expo_seconds(e, "", labels, 2, r->max_stop_ns);
	}
}

/* What has taken more than its share, and of rules with one what is taken. */
static void write_shares(struct expo *e, const struct policy_rules *rules)
{
	static const struct {
		struct expo_family family;
		size_t offset;
		bool count;
	} rows[] = {
		{ { "bpfwd_policy_over_share_total", EXPO_COUNTER,
		    "Windows in which something took more CPU time than the "
		    "rule allows." },
		  offsetof(struct bpf_policy_rule, over_share),
		  true },
		{ { "bpfwd_policy_share_seconds", EXPO_GAUGE,
		    "CPU time that the rule allows in a window." },
		  offsetof(struct bpf_policy_rule, share_ns),
		  false },
		{ { "bpfwd_policy_share_window_seconds", EXPO_GAUGE,
		    "The window of that." },
		  offsetof(struct bpf_policy_rule, share_window_ns),
		  false },
		{ { "bpfwd_policy_share_taken_seconds", EXPO_GAUGE,
		    "The most that something has taken of this window so far." },
		  offsetof(struct bpf_policy_rule, share_taken_ns),
		  false },
	};

	for (size_t k = 0; k < ARRAY_SIZE(rows); k++) {
		bool open = false;

		for (u32 i = 0; i < rules->n; i++) {
			const struct bpf_policy_rule *r = &rules->rules[i];
			char policy[BPF_POLICY_NAME_LEN],
				rule[BPF_POLICY_NAME_LEN];
			struct expo_label labels[] = { { "policy", policy },
						       { "rule", rule } };
			u64 value;

			if (!(r->flags & BPF_POLICY_F_SHARE))
				continue;
			if (!open)
				expo_family(e, &rows[k].family);
			open = true;
			rule_names(rule_text(rules, r->name_off), policy, rule);
			memcpy(&value, (const char *)r + rows[k].offset,
			       sizeof(value));
			if (rows[k].count)
				expo_count(e, "", labels, 2, value);
			else
				expo_seconds(e, "", labels, 2, value);
		}
	}
}

static void write_decisions(struct expo *e, const struct policy_rules *rules,
			    const struct bpf_policy_rule *all)
{
	static const struct expo_family family = {
		"bpfwd_attach_decisions_total", EXPO_COUNTER,
		"What the policy decided since it was loaded."
	};
	const struct {
		const char *name;
		u64 n;
	} decisions[] = { { "allow", all->allowed },
			  { "would_deny", all->would_deny },
			  { "deny", all->denied } };

	expo_family(e, &family);
	for (size_t i = 0; i < ARRAY_SIZE(decisions); i++) {
		struct expo_label labels[] = {
			{ "policy", rules->name },
			{ "decision", decisions[i].name },
		};

		expo_count(e, "", labels, 2, decisions[i].n);
	}
}

/* What is attached and would not be admitted, one by one; and sums over their limit. */
static void write_violations(struct expo *e, const struct policy_rules *rules)
{
	static const struct expo_family family = {
		"bpfwd_policy_violations", EXPO_GAUGE,
		"What is attached now and the policy would not admit, and call "
		"graphs over their limit."
	};
	struct expo_label labels[] = { { "policy", rules->name } };
	struct fault ignored = {};
	struct attached at;
	u64 n = 0;

	if (attached_load(&at, NULL, &ignored))
		return;
	if (!policy_judge(rules, NULL, at.all, at.n, at.n))
		for (size_t i = 0; i < at.n; i++)
			n += at.all[i].decision != DECIDED_ALLOW;
	attached_free(&at);
	for (u32 i = 0; i < rules->n; i++)
		n += rules->rules[i].kind == BPF_POLICY_GRAPH &&
		     rules->rules[i].flags & BPF_POLICY_F_LATENCY &&
		     rules->rules[i].latency_ns >
			     rules->rules[i].max_latency_ns;
	expo_family(e, &family);
	expo_count(e, "", labels, 1, n);
}

/* Whether the kernel has what the files say is not for the kernel to tell. */
static void write_files(struct expo *e, const struct metrics_events *events)
{
	const char *path = events     ? events->policy_path :
			   kwd_here() ? POLICY_DIR :
					NULL;

	metrics_gauge(e, "bpfwd_policy_files",
		      "Files of policies that should be in force.",
		      path ? policy_files(path) : 0);
	if (events)
		metrics_gauge(e, "bpfwd_policy_load_failed",
			      "1: they could not be loaded; the log says why.",
			      events->policy_failed);
}

void metrics_policy(struct expo *e, const struct metrics_events *events)
{
	static const struct expo_family info = {
		"bpfwd_policy_info", EXPO_GAUGE,
		"Always 1: the policy that the kernel has."
	};
	struct policy_rules rules;

	write_files(e, events);
	if (kwd_policy_get(&rules))
		return;
	for (u32 i = 0; i < rules.n; i++) {
		const struct bpf_policy_rule *r = &rules.rules[i];
		struct expo_label labels[] = {
			{ "policy", rules.name },
			{ "mode", rule_mode_name(r->mode) },
		};

		if (r->kind != BPF_POLICY_DEFAULTS)
			continue;
		expo_family(e, &info);
		expo_count(e, "", labels, 2, 1);
		write_decisions(e, &rules, r);
	}
	for (size_t i = 0; i < ARRAY_SIZE(sums); i++) {
		write_sums(e, &rules, &sums[i], false);
		write_sums(e, &rules, &sums[i], true);
	}
	write_stops(e, &rules);
	write_shares(e, &rules);
	write_violations(e, &rules);
	policy_rules_free(&rules);
}
