// SPDX-License-Identifier: GPL-2.0
/* bpfwd status: the watchdog, and the programs under it in numbers. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "kernel/kwd.h"
#include "kernel/machine.h"
#include "progs/prog.h"
#include "service/serve_policy.h"
#include "show/ctx.h"
#include "show/duration.h"

#define MAX_REASONS 32

struct tally {
	size_t programs, quarantined, throttled, own_budget, warn_only;
	u64 overruns, terminations, late, stuck, asleep, image_bytes, images;
	struct {
		u32 terminable;
		size_t n;
	} reasons[MAX_REASONS];
	size_t n_reasons;
};

static void tally_reason(struct tally *t, u32 terminable)
{
	size_t i = 0;

	while (i < t->n_reasons && t->reasons[i].terminable != terminable)
		i++;
	if (i == MAX_REASONS)
		return;
	if (i == t->n_reasons)
		t->reasons[t->n_reasons++].terminable = terminable;
	t->reasons[i].n++;
}

static void tally(struct tally *t, const struct progs *progs)
{
	t->programs = progs_count(progs);
	for (size_t i = 0; i < t->programs; i++) {
		const struct prog *p = progs_get(progs, i);
		const struct bpf_prog_info *info = &p->info;

		if (!kwd_info_known(p->info_len))
			continue;
		t->quarantined += !!info->quarantined;
		t->throttled += !!info->throttled;
		t->own_budget += !!info->watchdog_budget_ns;
		t->warn_only += info->watchdog_action == BPF_WD_ACTION_WARN;
		t->overruns += info->overruns;
		t->terminations += info->terminations;
		t->image_bytes += info->fast_path_bytes;
		t->images += !!info->fast_path_bytes;
		tally_reason(t, info->terminable);
		if (!kwd_stops_known(p->info_len))
			continue;
		t->late += info->late_ends;
		t->stuck += info->stuck_ends;
		t->asleep += info->nr_asleep;
	}
}

static void status_print_json(const struct ctx *ctx, const struct kwd_state *s,
			      const struct tally *t,
			      const struct serve_policy *policy, int stats)
{
	json_t *reasons = json_object(), *doc;
	struct model_use use;

	for (size_t i = 0; i < t->n_reasons; i++)
		json_object_set_new(
			reasons, kwd_terminable_name(t->reasons[i].terminable),
			json_integer(t->reasons[i].n));
	doc = json_pack(
		"{s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, "
		"s:I, s:I, s:I, s:I, s:I, s:o}",
		"schema", "bpfwd.status/1", "enabled", (int)s->val[KWD_ON],
		"period_ns", (json_int_t)s->val[KWD_PERIOD_US] * 1000,
		"budget_ns", (json_int_t)s->val[KWD_BUDGET_US] * 1000,
		"min_budget_ns", (json_int_t)s->val[KWD_BUDGET_MIN_US] * 1000,
		"slack_percent", (json_int_t)s->val[KWD_SLACK_PERCENT],
		"quarantine_after", (json_int_t)s->val[KWD_QUARANTINE],
		"programs", (json_int_t)t->programs, "quarantined",
		(json_int_t)t->quarantined, "own_budget",
		(json_int_t)t->own_budget, "warn_only",
		(json_int_t)t->warn_only, "overruns", (json_int_t)t->overruns,
		"terminations", (json_int_t)t->terminations, "fast_path_images",
		(json_int_t)t->images, "fast_path_bytes",
		(json_int_t)t->image_bytes, "terminable", reasons);
	json_object_set_new(doc, "late_ends", json_integer(t->late));
	json_object_set_new(doc, "stuck_ends", json_integer(t->stuck));
	json_object_set_new(doc, "asleep", json_integer(t->asleep));
	json_object_set_new(doc, "throttled", json_integer(t->throttled));
	if (s->val[KWD_BUDGET_USER_US] != KWD_UNKNOWN)
		json_object_set_new(
			doc, "user_budget_ns",
			json_integer(s->val[KWD_BUDGET_USER_US] * 1000));
	if (policy->loaded)
		json_object_set_new(doc, "policy",
				    json_pack("{s:s, s:s, s:I, s:b}", "name",
					      policy->name, "mode",
					      policy->mode, "denied",
					      (json_int_t)policy->denied,
					      "shares_unmeasured",
					      (int)policy->shares_blind));
	if (stats >= 0)
		json_object_set_new(doc, "bpf_stats_enabled",
				    json_boolean(stats));
	if (!model_in_use(&use))
		json_object_set_new(doc, "cost_model",
				    json_pack("{s:s, s:b, s:s}", "source",
					      model_source(&use), "stale",
					      (int)use.stale, "text",
					      use.text));
	out_json(&ctx->out, doc);
}

static void print_policy(const struct serve_policy *p)
{
	if (kwd_policy_probe())
		puts("policy      this kernel cannot enforce policies");
	else if (!p->loaded)
		puts("policy      none");
	else
		printf("policy      %s, mode %s, %llu denied\n", p->name,
		       p->mode, (unsigned long long)p->denied);
	if (p->shares_blind)
		puts("            its shares are not measured: neither the "
		     "watchdog nor statistics are on");
}

static void status_print_text(const struct kwd_state *s, const struct tally *t,
			      const struct serve_policy *policy, int stats)
{
	char budget[DURATION_LEN], least[DURATION_LEN], period[DURATION_LEN];
	struct model_use use;

	printf("watchdog    %s\n", s->val[KWD_ON] ? "on" : "off");
	printf("budget      %s by default, %zu programs have their own\n",
	       duration_set(s->val[KWD_BUDGET_US] * 1000, budget),
	       t->own_budget);
	if (s->val[KWD_BUDGET_USER_US] != KWD_UNKNOWN)
		printf("            %s for runs that user space waits for\n",
		       duration_set(s->val[KWD_BUDGET_USER_US] * 1000, least));
	if (s->val[KWD_SLACK_PERCENT])
		printf("slack       %llu%% of the worst case where it is known, %s at least\n",
		       (unsigned long long)s->val[KWD_SLACK_PERCENT],
		       duration_set(s->val[KWD_BUDGET_MIN_US] * 1000, least));
	else
		printf("slack       off, budgets do not depend on estimates\n");
	printf("period      %s\n",
	       duration_set(s->val[KWD_PERIOD_US] * 1000, period));
	if (s->val[KWD_QUARANTINE])
		printf("quarantine  after %llu kills, %zu programs now\n",
		       (unsigned long long)s->val[KWD_QUARANTINE],
		       t->quarantined);
	else
		printf("quarantine  off, %zu programs now\n", t->quarantined);
	printf("programs    %zu, %zu only warned about, %zu throttled now\n",
	       t->programs, t->warn_only, t->throttled);
	printf("overruns    %llu, of which ended %llu\n",
	       (unsigned long long)t->overruns,
	       (unsigned long long)t->terminations);
	printf("            %llu returned before they were ended, %llu did not stop for long\n",
	       (unsigned long long)t->late, (unsigned long long)t->stuck);
	if (t->asleep)
		printf("asleep      %llu tasks in a run: bpfwd ps -f 'asleep>0' -e id,name,asleep_in\n",
		       (unsigned long long)t->asleep);
	printf("images      %llu bytes for %llu programs\n",
	       (unsigned long long)t->image_bytes,
	       (unsigned long long)t->images);
	printf("statistics  %s\n",
	       stats > 0 ? "on by kernel.bpf_stats_enabled" :
			   "off, unless a process holds BPF_ENABLE_STATS");
	if (!model_in_use(&use))
		printf("cost model  %s\n", use.text);
	print_policy(policy);
	for (size_t i = 0; i < t->n_reasons; i++)
		printf("%-11s %5zu  %-13s %s\n", i ? "" : "terminable",
		       t->reasons[i].n,
		       kwd_terminable_name(t->reasons[i].terminable),
		       kwd_terminable_text(t->reasons[i].terminable));
}

int cmd_status(struct ctx *ctx, int argc, char **argv)
{
	struct kwd_state state;
	struct progs *progs;
	struct serve_policy policy = {};
	struct tally t = {};
	int err;

	parse_plain(ctx, argc, argv,
		    "State of the watchdog, and the programs "
		    "under it in numbers.");
	err = kwd_state_read(&state);
	if (err == -ENOSYS)
		return kwd_missing(&ctx->fault, "no status");
	if (err)
		return fault_set(&ctx->fault, EXIT_FAILED, err,
				 "cannot read the watchdog's sysctls");
	if (progs_load(&progs, NULL, 0, &ctx->fault))
		return ctx->fault.exit;
	tally(&t, progs);
	progs_free(progs);
	serve_policy_look(&policy);
	if (out_is_json(&ctx->out))
		status_print_json(ctx, &state, &t, &policy, kwd_stats_sysctl());
	else
		status_print_text(&state, &t, &policy, kwd_stats_sysctl());
	return EXIT_OK;
}
