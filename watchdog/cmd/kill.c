// SPDX-License-Identifier: GPL-2.0
/* bpfwd kill: end the invocations of a program that run now, and detach it. bpfwd
 * set: its budget, action and quarantine.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "cmd/cmd.h"
#include "cmd/detach.h"
#include "cmd/options.h"
#include "kernel/kwd.h"
#include "progs/asleep.h"
#include "progs/prog.h"
#include "show/ctx.h"
#include "show/duration.h"

#define MAX_CHANGES 4

struct change {
	enum bpf_watchdog_op op;
	u64 value;
};

struct control {
	struct ctx *ctx;
	struct prog_sel *sel;
	bool all, dry_run, release_all, detach;
	struct change changes[MAX_CHANGES];
	size_t n_changes;
};

enum {
	KEY_ALL = 0x100,
	KEY_DRY,
	KEY_DETACH,
	KEY_BUDGET,
	KEY_ACTION,
	KEY_VERDICT,
	KEY_QUARANTINE,
	KEY_RELEASE,
	KEY_RELEASE_ALL,
};

#define OPTION_ALL \
	{ "all", KEY_ALL, 0, 0, "all programs that a PROG matches", 1 }
#define OPTION_DRY \
	{ "dry-run", KEY_DRY, 0, 0, "say what would be done, do nothing", 1 }

static const struct argp_option kill_options[] = {
	{ "detach", KEY_DETACH, 0, 0,
	  "take it off every place where it is attached, and say what stays",
	  1 },
	OPTION_ALL,
	OPTION_DRY,
	{ 0 },
};

static const struct argp_option set_options[] = {
	{ "budget", KEY_BUDGET, "DUR|default", 0, "CPU time per run", 1 },
	{ "action", KEY_ACTION, "end|warn", 0, "what happens to an overrun",
	  1 },
	{ "verdict", KEY_VERDICT, "VERDICT", 0,
	  "what it returns when it is ended or skipped: default, own, pass or deny",
	  1 },
	{ "quarantine", KEY_QUARANTINE, 0, 0, "skip it from now on", 1 },
	{ "release", KEY_RELEASE, 0, 0, "release it from quarantine", 1 },
	{ "release-all", KEY_RELEASE_ALL, 0, 0,
	  "release all programs, without PROG: needs no bpf(), which one may close",
	  1 },
	OPTION_ALL,
	OPTION_DRY,
	{ 0 },
};

/* Each aspect once: what comes later on the line wins. */
static void kill_change(struct control *c, enum bpf_watchdog_op op, u64 value,
			enum bpf_watchdog_op same)
{
	for (size_t i = 0; i < c->n_changes; i++) {
		if (c->changes[i].op != op && c->changes[i].op != same)
			continue;
		c->changes[i] = (struct change){ op, value };
		return;
	}
	c->changes[c->n_changes++] = (struct change){ op, value };
}

static void take_budget(struct control *c, const char *arg)
{
	u64 ns;

	if (!strcmp(arg, "default"))
		kill_change(c, BPF_WD_CLEAR_BUDGET, 0, BPF_WD_SET_BUDGET);
	else if (!duration_option(&c->ctx->fault, "budget", "10ms", arg, &ns))
		kill_change(c, BPF_WD_SET_BUDGET, ns, BPF_WD_CLEAR_BUDGET);
}

static void take_action(struct control *c, const char *arg)
{
	for (u32 i = BPF_WD_ACTION_END; i <= BPF_WD_ACTION_DETACH; i++) {
		if (strcmp(arg, kwd_action_name(i)))
			continue;
		kill_change(c, BPF_WD_SET_ACTION, i, BPF_WD_SET_ACTION);
		return;
	}
	fault_set(&c->ctx->fault, EXIT_USAGE, EINVAL, "bad action '%s'", arg);
	fault_why(&c->ctx->fault, "it is end, warn or detach");
}

static void take_verdict(struct control *c, const char *arg)
{
	u32 v;

	for (v = BPF_WD_VERDICT_DEFAULT; v <= BPF_WD_VERDICT_DENY; v++) {
		if (strcmp(arg, kwd_verdict_name(v)))
			continue;
		kill_change(c, BPF_WD_SET_VERDICT, v, BPF_WD_SET_VERDICT);
		return;
	}
	fault_set(&c->ctx->fault, EXIT_USAGE, EINVAL, "bad verdict '%s'", arg);
	fault_why(&c->ctx->fault, "it is default, own, pass or deny");
}

static void take_progs(struct control *c, int argc, char **argv)
{
	struct fault *f = &c->ctx->fault;
	int used;

	if (prog_sel_parse(&c->sel, argc, argv, &used, f) || used == argc)
		return;
	fault_set(f, EXIT_USAGE, EINVAL, "'%s' is no program", argv[used]);
	fault_why(f, "PROG is: id N, name N, tag T, pinned PATH, a number or "
		     "a word");
}

static error_t kill_parse(int key, char *arg, struct argp_state *state)
{
	struct control *c = state->input;
	bool bad = c->ctx->fault.exit; /* the first fault is the one reported */

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = c->ctx;
		return 0;
	case KEY_ALL:
		c->all = true;
		return 0;
	case KEY_DRY:
		c->dry_run = true;
		return 0;
	case KEY_DETACH:
		c->detach = true;
		return 0;
	case KEY_BUDGET:
		if (!bad)
			take_budget(c, arg);
		return 0;
	case KEY_ACTION:
		if (!bad)
			take_action(c, arg);
		return 0;
	case KEY_VERDICT:
		if (!bad)
			take_verdict(c, arg);
		return 0;
	case KEY_QUARANTINE:
		kill_change(c, BPF_WD_QUARANTINE, 0, BPF_WD_RELEASE);
		return 0;
	case KEY_RELEASE:
		kill_change(c, BPF_WD_RELEASE, 0, BPF_WD_QUARANTINE);
		return 0;
	case KEY_RELEASE_ALL:
		c->release_all = true;
		return 0;
	case ARGP_KEY_ARGS:
		if (!bad)
			take_progs(c, state->argc - state->next,
				   state->argv + state->next);
		return 0;
	case ARGP_KEY_NO_ARGS:
		if (!c->release_all)
			argp_error(state, "which program?");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static struct kwd_step make_step(const struct prog *p, int fd,
				 const struct change *change)
{
	const struct bpf_prog_info *info = &p->info;
	struct kwd_step step = { .prog_id = info->id,
				 .prog_fd = fd,
				 .op = change->op,
				 .value = change->value,
				 .name = p->name,
				 .terminable = info->terminable };

	switch (change->op) {
	case BPF_WD_SET_BUDGET:
	case BPF_WD_CLEAR_BUDGET:
		step.undo_op = info->watchdog_budget_ns ? BPF_WD_SET_BUDGET :
							  BPF_WD_CLEAR_BUDGET;
		step.undo_value = info->watchdog_budget_ns;
		break;
	case BPF_WD_SET_ACTION:
		step.undo_op = BPF_WD_SET_ACTION;
		step.undo_value = info->watchdog_action;
		break;
	case BPF_WD_SET_VERDICT:
		step.undo_op = BPF_WD_SET_VERDICT;
		step.undo_value = info->watchdog_verdict;
		break;
	case BPF_WD_QUARANTINE:
		step.undo_op = info->quarantined ? 0 : BPF_WD_RELEASE;
		break;
	case BPF_WD_RELEASE:
		step.undo_op = info->quarantined ? BPF_WD_QUARANTINE : 0;
		break;
	default:
		break;
	}
	return step;
}

static int run_steps(struct control *c, const struct progs *progs)
{
	size_t n_progs = progs_count(progs), n = 0;
	struct kwd_step *steps =
		calloc(n_progs * c->n_changes + 1, sizeof(*steps));
	struct fault *f = &c->ctx->fault;
	int ret = 0;

	if (!steps)
		return fault_set(f, EXIT_FAILED, ENOMEM, "no memory");
	for (size_t i = 0; i < n_progs && !ret; i++) {
		const struct prog *p = progs_get(progs, i);
		int fd = bpf_prog_get_fd_by_id(p->info.id);

		if (fd < 0) {
			ret = fault_set(f, EXIT_NO_PROG, fd,
					"cannot open program %u %s", p->info.id,
					p->name);
			break;
		}
		for (size_t k = 0; k < c->n_changes; k++)
			steps[n++] = make_step(p, fd, &c->changes[k]);
	}
	if (!ret)
		ret = kwd_steps_run(steps, n, f);
	for (size_t i = 0; i < n; i += c->n_changes)
		close(steps[i].prog_fd);
	free(steps);
	return ret;
}

/* What the changes make of a program. */
static struct bpf_prog_info changed(const struct control *c,
				    const struct bpf_prog_info *now)
{
	struct bpf_prog_info info = *now;

	for (size_t i = 0; i < c->n_changes; i++) {
		const struct change *change = &c->changes[i];

		switch (change->op) {
		case BPF_WD_SET_BUDGET:
		case BPF_WD_CLEAR_BUDGET:
			info.watchdog_budget_ns = change->value;
			break;
		case BPF_WD_SET_ACTION:
			info.watchdog_action = change->value;
			break;
		case BPF_WD_SET_VERDICT:
			info.watchdog_verdict = change->value;
			break;
		case BPF_WD_QUARANTINE:
		case BPF_WD_RELEASE:
			info.quarantined = change->op == BPF_WD_QUARANTINE;
			break;
		default:
			break;
		}
	}
	return info;
}

static void report_set(struct control *c, const struct progs *progs)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < progs_count(progs); i++) {
		const struct prog *p = progs_get(progs, i);
		struct bpf_prog_info info = c->dry_run ? changed(c, &p->info) :
							 p->info;
		char budget[DURATION_LEN] = "default";

		if (info.watchdog_budget_ns)
			duration_set(info.watchdog_budget_ns, budget);
		if (!out_is_json(&c->ctx->out))
			printf("%s%u %s: budget %s, action %s, verdict %s%s\n",
			       c->dry_run ? "would be: " : "", info.id, p->name,
			       budget, kwd_action_name(info.watchdog_action),
			       kwd_verdict_name(info.watchdog_verdict),
			       info.quarantined ? ", quarantined" : "");
		json_array_append_new(
			rows, json_pack("{s:i, s:s, s:I, s:s, s:s, s:b}", "id",
					info.id, "name", p->name,
					"watchdog_budget_ns",
					(json_int_t)info.watchdog_budget_ns,
					"watchdog_action",
					kwd_action_name(info.watchdog_action),
					"watchdog_verdict",
					kwd_verdict_name(info.watchdog_verdict),
					"quarantined", (int)info.quarantined));
	}
	if (out_is_json(&c->ctx->out))
		out_json(&c->ctx->out,
			 json_pack("{s:s, s:o, s:b}", "schema", "bpfwd.set/1",
				   "programs", rows, "dry_run", c->dry_run));
	else
		json_decref(rows);
}

/* Without bpf(): no program is looked at. */
static int release_all(struct control *c)
{
	struct ctx *ctx = c->ctx;

	if (c->sel || c->n_changes) {
		fault_set(
			&ctx->fault, EXIT_USAGE, 0,
			"--release-all takes no program and nothing else to set");
		return fault_hint(&ctx->fault, "bpfwd set PROG --release");
	}
	if (!c->dry_run && kwd_release_all(&ctx->fault))
		return ctx->fault.exit;
	if (out_is_json(&ctx->out))
		return out_json(&ctx->out,
				json_pack("{s:s, s:b, s:b}", "schema",
					  "bpfwd.set/1", "released_all",
					  !c->dry_run, "dry_run", c->dry_run));
	printf("%sall programs in quarantine run again\n",
	       c->dry_run ? "would be: " : "");
	return 0;
}

static bool all_moved(const struct progs *old, const struct progs *now)
{
	for (size_t i = 0; i < progs_count(old); i++) {
		const struct prog *p = progs_get(old, i);
		const struct prog *q = progs_find(now, p->info.id);

		if (!q || (q->info.terminations == p->info.terminations &&
			   q->info.late_ends == p->info.late_ends))
			return false;
	}
	return true;
}

/* Terminations are counted when they are done: give them a moment. */
static struct progs *wait_for_ends(struct control *c, const struct progs *old)
{
	struct timespec ms = { .tv_nsec = 1000000 };
	struct progs *now = NULL;
	struct fault ignored = {};

	for (int i = 0; i < 20 && !all_moved(old, now); i++) {
		nanosleep(&ms, NULL);
		progs_free(now);
		if (progs_load(&now, c->sel, 0, &ignored))
			return NULL;
	}
	return now;
}

static void report_kill(struct control *c, const struct progs *old,
			const struct progs *now)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < progs_count(old); i++) {
		const struct prog *p = progs_get(old, i);
		const struct prog *q = now ? progs_find(now, p->info.id) : NULL;
		u64 ended = q ? q->info.terminations - p->info.terminations : 0;
		u64 late = q ? q->info.late_ends - p->info.late_ends : 0;
		const char *hook = q ? p->hooks[0] : NULL;
		char *asleep = q ? asleep_text(&q->info, q->info_len) : NULL;
		json_t *row;

		if (!out_is_json(&c->ctx->out)) {
			printf("%u %s: ", p->info.id, p->name);
			if (c->dry_run)
				printf("would end what runs now");
			else if (ended)
				printf("ended %llu run%s",
				       (unsigned long long)ended,
				       ended == 1 ? "" : "s");
			else if (late)
				printf("%llu run%s returned before",
				       (unsigned long long)late,
				       late == 1 ? "" : "s");
			else if (!asleep)
				printf("nothing was running");
			if (asleep && !c->dry_run)
				printf("%spending: asleep in %s",
				       ended || late ? ", " : "", asleep);
			if (!q && !c->dry_run)
				puts("; it is no longer loaded");
			else
				printf("; it stays loaded%s%s\n",
				       hook ? " and attached to " : "",
				       hook ? hook : "");
		}
		row = json_pack("{s:i, s:s, s:I}", "id", p->info.id, "name",
				p->name, "ended", (json_int_t)ended);
		json_object_set_new(row, "late", json_integer(late));
		if (asleep) {
			json_object_set_new(row, "pending",
					    json_integer(q->info.nr_asleep));
			json_object_set_new(row, "asleep_in",
					    json_string(asleep));
		}
		free(asleep);
		if (hook)
			json_object_set_new(row, "hook", json_string(hook));
		json_array_append_new(rows, row);
	}
	if (out_is_json(&c->ctx->out))
		out_json(&c->ctx->out,
			 json_pack("{s:s, s:o, s:b}", "schema", "bpfwd.kill/1",
				   "programs", rows, "dry_run", c->dry_run));
	else
		json_decref(rows);
}

/* No clock is read at the entry of most runs that are short. */
static void note_short_budget(const struct control *c,
			      const struct kwd_state *s)
{
	u64 period_ns = s->val[KWD_PERIOD_US] * 1000;
	char text[DURATION_LEN];

	for (size_t i = 0; i < c->n_changes; i++)
		if (c->changes[i].op == BPF_WD_SET_BUDGET &&
		    c->changes[i].value < period_ns && kwd_stats_sysctl() <= 0)
			note(c->ctx,
			     "less than the period of %s: an overrun is found up to a period "
			     "later, unless kernel.bpf_stats_enabled is 1",
			     duration_set(period_ns, text));
}

static int kill_run(struct control *c, bool kill)
{
	struct fault *f = &c->ctx->fault, ignored = {};
	struct progs *progs, *now = NULL;
	struct kwd_state state;
	int ret;

	if (!c->detach && kwd_state_read(&state) == -ENOSYS)
		return kwd_missing(f, kill ? "cannot end runs" :
					     "cannot set budgets");
	if (progs_load(&progs, c->sel, c->detach ? PROGS_HOLDERS : PROGS_HOOKS,
		       f))
		return f->exit;
	ret = progs_one_each(progs, c->sel, c->all, f);
	if (!ret && c->detach) {
		ret = detach_progs(c->ctx, progs, c->dry_run);
		progs_free(progs);
		return ret;
	}
	if (!ret && !c->dry_run)
		ret = run_steps(c, progs);
	if (!ret && !kill)
		note_short_budget(c, &state);
	if (!ret && kill) {
		now = c->dry_run ? NULL : wait_for_ends(c, progs);
		report_kill(c, progs, c->dry_run ? progs : now);
	} else if (!ret && !progs_load(&now, c->sel, 0, &ignored)) {
		report_set(c, now);
	}
	progs_free(progs);
	progs_free(now);
	return ret;
}

static int kill_command(struct ctx *ctx, bool kill, const struct argp *argp,
			int argc, char **argv)
{
	struct control c = { .ctx = ctx };
	int ret;

	if (kill)
		kill_change(&c, BPF_WD_END, 0, BPF_WD_END);
	parse_command(argp, argc, argv, &c);
	ret = ctx->fault.exit;
	if (!ret && c.release_all) {
		ret = release_all(&c);
		prog_sel_free(c.sel);
		return ret;
	}
	if (!ret && !c.n_changes) {
		fault_set(&ctx->fault, EXIT_USAGE, 0, "nothing to set");
		ret = fault_hint(&ctx->fault, "bpfwd set -h");
	}
	ret = ret ? ret : kill_run(&c, kill);
	prog_sel_free(c.sel);
	return ret;
}

int cmd_kill(struct ctx *ctx, int argc, char **argv)
{
	static const struct argp argp = {
		.options = kill_options,
		.parser = kill_parse,
		.args_doc = "PROG...",
		.doc = "End the runs of a program that are under way now. It "
		       "stays loaded and attached: its next run is a new one. "
		       "With --detach it is taken off instead: links, devices, "
		       "cgroups, filters of tc, entries of maps, and pins of "
		       "links that go no other way.\v"
		       "PROG is: id N, name N, tag T, pinned PATH, a number (an "
		       "id) or a word (a name).\n"
		       "Examples:\n"
		       "  bpfwd kill spin\n"
		       "  bpfwd kill --detach --dry-run 42\n"
		       "Exit status of --detach: 0 it is attached nowhere, 1 it "
		       "stays somewhere.",
		.children = common_options,
	};

	return kill_command(ctx, true, &argp, argc, argv);
}

int cmd_set(struct ctx *ctx, int argc, char **argv)
{
	static const struct argp argp = {
		.options = set_options,
		.parser = kill_parse,
		.args_doc = "PROG...",
		.doc = "Set the budget of a program, what happens when it "
		       "overruns, what it returns then, or its quarantine. "
		       "All that is given is done, or nothing.\v"
		       "PROG is: id N, name N, tag T, pinned PATH, a number (an "
		       "id) or a word (a name).\n"
		       "Examples:\n"
		       "  bpfwd set 42 --budget 500us\n"
		       "  bpfwd set name spin --budget default --action warn\n"
		       "  bpfwd set 42 --release\n"
		       "  bpfwd set --release-all",
		.children = common_options,
	};

	return kill_command(ctx, false, &argp, argc, argv);
}
