// SPDX-License-Identifier: GPL-2.0
/* The kernel's policy: its rules with their counters, how it differs from files,
 * and what it denied.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "policy/report.h"
#include "policy/show.h"
#include "show/ctx.h"
#include "show/duration.h"
#include "show/table.h"

struct row {
	const struct bpf_policy_rule *rule;
	char policy[BPF_POLICY_NAME_LEN], name[BPF_POLICY_NAME_LEN];
	char *line;
	char where[512];
};

#define ROW const struct row *r = row

static bool decides(const struct row *r)
{
	return r->rule->kind != BPF_POLICY_PROGRAM &&
	       r->rule->kind != BPF_POLICY_TOGETHER;
}

static bool is_sum(const struct row *r)
{
	return r->rule->kind == BPF_POLICY_HOOK ||
	       r->rule->kind == BPF_POLICY_GRAPH;
}

static struct val show_get_policy(const void *row)
{
	ROW;
	return val_text(r->policy);
}

static struct val show_get_name(const void *row)
{
	ROW;
	return val_text(r->name);
}

static struct val get_allowed(const void *row)
{
	ROW;
	return val_num(r->rule->allowed, decides(r));
}

static struct val get_would_deny(const void *row)
{
	ROW;
	return val_num(r->rule->would_deny, decides(r));
}

static struct val get_denied(const void *row)
{
	ROW;
	return val_num(r->rule->denied, decides(r));
}

static struct val get_latency(const void *row)
{
	ROW;
	return val_num(r->rule->latency_ns, is_sum(r));
}

static struct val show_get_limit(const void *row)
{
	ROW;
	return val_num(r->rule->max_latency_ns,
		       r->rule->flags & BPF_POLICY_F_LATENCY);
}

static struct val get_programs(const void *row)
{
	ROW;
	return val_num(r->rule->programs,
		       is_sum(r) || r->rule->kind == BPF_POLICY_DEFAULTS);
}

static bool has_share(const struct row *r)
{
	return r->rule->flags & BPF_POLICY_F_SHARE;
}

static struct val get_taken(const void *row)
{
	ROW;
	return val_num(r->rule->share_taken_ns, has_share(r));
}

static struct val get_share(const void *row)
{
	ROW;
	return val_num(r->rule->share_ns, has_share(r));
}

static struct val get_window(const void *row)
{
	ROW;
	return val_num(r->rule->share_window_ns, has_share(r));
}

static struct val get_over(const void *row)
{
	ROW;
	return val_num(r->rule->over_share, has_share(r));
}

static struct val get_line(const void *row)
{
	ROW;
	return val_text(r->line);
}

static struct val show_get_where(const void *row)
{
	ROW;
	return val_text(r->where);
}

/* Where some rule has a share. */
#define SHARE_COLS \
	"policy,rule,progs,latency,limit,taken,share,window,over,says"

static const struct col cols[] = {
	{ "policy", "policy", VAL_STR, COL_DEFAULT, "name", show_get_policy },
	{ "rule", "rule", VAL_STR, COL_DEFAULT, "its place", show_get_name },
	{ "allow", "allowed", VAL_U64, COL_DEFAULT, "decisions", get_allowed },
	{ "would_deny", "would_deny", VAL_U64, COL_DEFAULT, "decisions",
	  get_would_deny },
	{ "deny", "denied", VAL_U64, COL_DEFAULT, "decisions", get_denied },
	{ "progs", "programs", VAL_U64, COL_DEFAULT, "attached now",
	  get_programs },
	{ "latency", "latency_ns", VAL_NS, COL_DEFAULT,
	  "charged now; of a hook rule, to one of its hooks at most",
	  get_latency },
	{ "limit", "limit_ns", VAL_NS_SET, COL_DEFAULT, "of the latency",
	  show_get_limit },
	{ "taken", "share_taken_ns", VAL_NS, 0,
	  "CPU time in this window, the most of what the rule applies to",
	  get_taken },
	{ "share", "share_ns", VAL_NS_SET, 0, "the most that it may be",
	  get_share },
	{ "window", "share_window_ns", VAL_NS_SET, 0, "of the share",
	  get_window },
	{ "over", "over_share", VAL_U64, 0,
	  "windows in which it was more than the share", get_over },
	{ "says", "text", VAL_STR, COL_DEFAULT, "the rule", get_line },
	{ "at", "at", VAL_STR, 0, "file and line", show_get_where },
};

/* The rule of all: its mode is that of the policy. */
static const struct bpf_policy_rule *defaults(const struct policy_rules *rules)
{
	for (u32 i = 0; i < rules->n; i++)
		if (rules->rules[i].kind == BPF_POLICY_DEFAULTS)
			return &rules->rules[i];
	return NULL;
}

static void show_print(struct ctx *ctx, const struct policy_rules *rules,
		       struct table *t)
{
	const struct bpf_policy_rule *d = defaults(rules);
	const char *mode = d ? rule_mode_name(d->mode) : "unknown";

	if (out_is_json(&ctx->out)) {
		json_t *doc = json_pack("{s:s, s:b, s:s, s:s, s:I, s:o}",
					"schema", "bpfwd.policy/1", "loaded", 1,
					"name", rules->name, "mode", mode,
					"generation",
					(json_int_t)rules->generation, "rules",
					table_json(t));

		if (rules->revert_s)
			json_object_set_new(doc, "returns_in_s",
					    json_integer(rules->revert_s));
		out_json(&ctx->out, doc);
		return;
	}
	if (ctx->out.format == OUT_TABLE) {
		printf("policy %s, mode %s, %u rules\n",
		       *rules->name ? rules->name : "(no name)", mode,
		       rules->n);
		if (rules->revert_s)
			printf("returns to the policy before in %u s: `bpfwd "
			       "policy keep` keeps it\n",
			       rules->revert_s);
	}
	table_print(t, &ctx->out, true);
}

int policy_show(struct ctx *ctx)
{
	struct policy_rules rules;
	struct row *rows = NULL;
	struct table *t = NULL;
	int err = kwd_policy_get(&rules), ret = 0;
	bool shares = false;

	if (err == -ENOENT) {
		if (out_is_json(&ctx->out))
			out_json(&ctx->out,
				 json_pack("{s:s, s:b, s:s, s:[]}", "schema",
					   "bpfwd.policy/1", "loaded", 0,
					   "mode", "off", "rules"));
		else
			puts("no policy is loaded");
		return EXIT_OK;
	}
	if (err)
		return kwd_policy_missing(&ctx->fault, err,
					  "cannot read the policy");
	t = table_new(cols, ARRAY_SIZE(cols));
	rows = calloc(rules.n + 1, sizeof(*rows));
	if (!t || !rows)
		ret = fault_set(&ctx->fault, EXIT_FAILED, ENOMEM, "no table");
	for (u32 i = 0; i < rules.n; i++)
		shares |= rules.rules[i].flags & BPF_POLICY_F_SHARE;
	if (!ret && ctx->out.format != OUT_TABLE)
		ret = table_emit(t, "+taken,share,window,over,at", false,
				 &ctx->fault);
	else if (!ret && shares)
		ret = table_emit(t, SHARE_COLS, false, &ctx->fault);
	for (u32 i = 0; !ret && i < rules.n; i++) {
		struct row *r = &rows[i];

		r->rule = &rules.rules[i];
		rule_names(rule_text(&rules, r->rule->name_off), r->policy,
			   r->name);
		r->line = rule_line(&rules, i);
		if (r->rule->line)
			snprintf(r->where, sizeof(r->where), "%.480s:%u",
				 rule_text(&rules, r->rule->file_off),
				 r->rule->line);
		if (table_add(t, r))
			ret = fault_set(&ctx->fault, EXIT_FAILED, ENOMEM,
					"no table");
	}
	if (!ret) {
		table_close(t);
		show_print(ctx, &rules, t);
	}
	for (u32 i = 0; rows && i < rules.n; i++)
		free(rows[i].line);
	free(rows);
	table_free(t);
	policy_rules_free(&rules);
	return ret;
}

/* ---- diff ---- */

static char **lines_of(const struct policy_rules *rules)
{
	char **lines = calloc(rules->n + 1, sizeof(*lines));

	for (u32 i = 0; lines && i < rules->n; i++) {
		char *line = rule_line(rules, i);

		if (!line ||
		    asprintf(&lines[i], "%s  %s",
			     rule_text(rules, rules->rules[i].name_off),
			     line) < 0)
			lines[i] = strdup("?");
		free(line);
	}
	return lines;
}

static void free_lines(char **lines, u32 n)
{
	for (u32 i = 0; lines && i < n; i++)
		free(lines[i]);
	free(lines);
}

static void print_change(const struct ctx *ctx, json_t *changes, char sign,
			 const char *line)
{
	if (out_is_json(&ctx->out))
		json_array_append_new(changes,
				      json_pack("{s:s, s:s}", "only_in",
						sign == '-' ? "kernel" : "file",
						"rule", line));
	else
		printf("%c %s\n", sign, line);
}

/* Is the i-th of a in b, at its turn or later? Order counts. */
static u32 find_line(char *const *lines, u32 from, u32 n, const char *line)
{
	while (from < n && strcmp(lines[from], line))
		from++;
	return from;
}

int policy_diff(struct ctx *ctx, const struct loaded_policy *file)
{
	struct policy_rules kernel = {};
	json_t *changes = json_array();
	char **a, **b;
	u32 k = 0, n = 0;
	int err = kwd_policy_get(&kernel);

	if (err && err != -ENOENT) {
		json_decref(changes);
		return kwd_policy_missing(&ctx->fault, err,
					  "cannot read the policy");
	}
	a = lines_of(&kernel);
	b = lines_of(&file->rules);
	for (u32 i = 0; a && b && i < file->rules.n; i++) {
		u32 same = find_line(a, k, kernel.n, b[i]);

		if (same == kernel.n) {
			print_change(ctx, changes, '+', b[i]);
			n++;
			continue;
		}
		for (; k < same; k++, n++)
			print_change(ctx, changes, '-', a[k]);
		k = same + 1;
	}
	for (; a && b && k < kernel.n; k++, n++)
		print_change(ctx, changes, '-', a[k]);
	if (out_is_json(&ctx->out))
		out_json(&ctx->out, json_pack("{s:s, s:b, s:O}", "schema",
					      "bpfwd.policy-diff/1", "same", !n,
					      "changes", changes));
	else if (!n)
		note(ctx, "the kernel has the same policy");
	json_decref(changes);
	err = a && b ? 0 :
		       fault_set(&ctx->fault, EXIT_FAILED, ENOMEM,
				 "cannot compare");
	free_lines(a, kernel.n);
	free_lines(b, file->rules.n);
	policy_rules_free(&kernel);
	return err ? err : n ? EXIT_JUDGED : EXIT_OK;
}

/* ---- denials ---- */

void denial_numbers(json_t *doc, u32 reason, u64 worst_ns, u64 there_ns,
		    u64 limit_ns)
{
	if (worst_ns != UNBOUNDED)
		json_object_set_new(doc, "worst_ns", json_integer(worst_ns));
	if (reason == BPF_POLICY_OVER_LATENCY ||
	    reason == BPF_POLICY_OVER_SHARE)
		json_object_set_new(doc, "there_ns", json_integer(there_ns));
	if (reason == BPF_POLICY_OVER_STOP && there_ns != UNBOUNDED)
		json_object_set_new(doc, "stop_ns", json_integer(there_ns));
	if (reason == BPF_POLICY_OVER_LATENCY ||
	    reason == BPF_POLICY_OVER_STOP || reason == BPF_POLICY_OVER_SHARE ||
	    (reason == BPF_POLICY_UNBOUNDED && limit_ns))
		json_object_set_new(doc, "limit_ns", json_integer(limit_ns));
}

/* As JSON and in words. */
static const char *denial_word(const struct bpf_policy_denial *d, bool json)
{
	static const char *const words[][2] = {
		[POLICY_DONE_THROTTLED] = { "THROTTLED", "throttled" },
		[POLICY_DONE_QUARANTINED] = { "QUARANTINED", "quarantined" },
		[POLICY_DONE_DETACHED] = { "DETACHED", "detached" },
	};

	if (d->reason == BPF_POLICY_OVER_SHARE)
		return d->denied < ARRAY_SIZE(words) && words[d->denied][0] ?
			       words[d->denied][json] :
		       json ? "over_share" :
			      "OVER SHARE";
	if (d->denied == POLICY_DETACHED)
		return json ? "detached" : "DETACHED";
	if (d->denied)
		return json ? "attach_denied" : "DENIED";
	return json ? "attach_would_deny" : "WOULD DENY";
}

static void denial_json(struct ctx *ctx, const struct bpf_policy_denial *d,
			const char *policy, const char *rule, const char *why)
{
	json_t *doc;
	char ts[UTC_LEN];

	doc = json_pack("{s:s, s:s, s:I, s:s, s:I, s:s, s:{s:i, s:s, s:s}, "
			"s:s, s:s, s:s}",
			"schema", "bpfwd.event/1", "event",
			denial_word(d, true), "seq", (json_int_t)d->seq, "ts",
			utc(d->time_ns + clock_boot_to_real(), ts), "mono_ns",
			(json_int_t)d->time_ns, "reason",
			rule_reason_name(d->reason), "prog", "id", d->prog_id,
			"name", d->prog_name, "hook", d->hook, "policy", policy,
			"rule", rule, "why", why);
	denial_numbers(doc, d->reason, d->worst_ns, d->there_ns, d->limit_ns);
	if (d->pid)
		json_object_set_new(doc, "task",
				    json_pack("{s:i, s:s*}", "pid", d->pid,
					      "comm", d->comm));
	if (d->line) {
		json_object_set_new(doc, "file", json_string(d->file));
		json_object_set_new(doc, "line", json_integer(d->line));
	}
	ctx->out.format = OUT_JSONL;
	out_json(&ctx->out, doc);
}

static void denial_print(struct ctx *ctx, struct bpf_policy_denial *d)
{
	char policy[BPF_POLICY_NAME_LEN], rule[BPF_POLICY_NAME_LEN], why[200];
	struct attachment a = { .cost_ns = d->worst_ns,
				.worst_ns = d->worst_ns,
				.there_ns = d->there_ns,
				.limit_ns = d->limit_ns,
				.terminable = d->terminable,
				.reason = d->reason };

	/* whatever the kernel says, texts end */
	d->comm[sizeof(d->comm) - 1] = '\0';
	d->prog_name[sizeof(d->prog_name) - 1] = '\0';
	d->rule_name[sizeof(d->rule_name) - 1] = '\0';
	d->file[sizeof(d->file) - 1] = '\0';
	d->hook[sizeof(d->hook) - 1] = '\0';
	rule_names(d->rule_name, policy, rule);
	decision_why(&a, why, sizeof(why));
	if (out_is_json(&ctx->out)) {
		denial_json(ctx, d, policy, rule, why);
		return;
	}
	printf("%s %u %s %s ", denial_word(d, false), d->prog_id, d->prog_name,
	       *d->hook ? d->hook : "-");
	if (d->reason == BPF_POLICY_OVER_SHARE)
		puts("takes too much");
	else if (d->pid)
		printf("%s[%u]\n", *d->comm ? d->comm : "-", d->pid);
	else
		puts("was attached before the policy");
	printf("  why: %s (policy %s, rule %s", why, policy, rule);
	if (d->line)
		printf(", %s:%u", d->file, d->line);
	puts(")");
	printf("  try: bpfwd explain %u, or its object file\n", d->prog_id);
}

int denials_print(struct ctx *ctx, u32 last)
{
	struct bpf_policy_denial *all;
	u32 n;
	int err = kwd_policy_denials(&all, &n);

	if (err)
		return kwd_policy_missing(&ctx->fault, err,
					  "cannot read what was denied");
	for (u32 i = n > last ? n - last : 0; i < n; i++)
		denial_print(ctx, &all[i]);
	if (!n)
		note(ctx, "nothing was denied since boot");
	free(all);
	return EXIT_OK;
}
