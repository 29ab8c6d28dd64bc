// SPDX-License-Identifier: GPL-2.0
/* bpfwd enable, bpfwd disable: the switch and the defaults, now and, with
 * --persist, after every boot.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "kernel/kwd.h"
#include "kernel/ring.h"
#include "show/ctx.h"
#include "show/duration.h"

#define PERSIST_DIR "/etc/sysctl.d"
#define MAX_SLACK 100000 /* of kernel.bpf_watchdog_slack_percent */
#define PERSIST PERSIST_DIR "/60-bpfwd.conf"

struct enable {
	struct ctx *ctx;
	bool on, persist, dry_run;
	bool given[KWD_SYSCTLS];
	u64 val[KWD_SYSCTLS];
};

enum {
	KEY_BUDGET = 0x100,
	KEY_USER,
	KEY_MIN,
	KEY_SLACK,
	KEY_PERIOD,
	KEY_QUARANTINE,
	KEY_PERSIST,
	KEY_DRY,
};

static const struct argp_option enable_options[] = {
	{ "budget", KEY_BUDGET, "DUR", 0,
	  "CPU time per run for programs without a budget of their own", 1 },
	{ "user-budget", KEY_USER, "DUR", 0,
	  "the same for runs that user space asks for and waits for", 1 },
	{ "slack", KEY_SLACK, "PERCENT", 0,
	  "budget by estimate: so much of the worst case, 0: not by estimate",
	  1 },
	{ "min-budget", KEY_MIN, "DUR", 0,
	  "the least that an estimate gives; --budget is the most", 1 },
	{ "period", KEY_PERIOD, "DUR", 0, "how often a CPU looks", 1 },
	{ "quarantine", KEY_QUARANTINE, "N", 0,
	  "skip a program after N of its runs were ended; 0: never", 1 },
	{ "persist", KEY_PERSIST, 0, 0, "also in " PERSIST, 1 },
	{ "dry-run", KEY_DRY, 0, 0, "say what would be done, do nothing", 1 },
	{ 0 },
};

static const struct argp_option disable_options[] = {
	{ "persist", KEY_PERSIST, 0, 0, "also in " PERSIST, 1 },
	{ "dry-run", KEY_DRY, 0, 0, "say what would be done, do nothing", 1 },
	{ 0 },
};

static void take_duration(struct enable *e, const char *option,
			  enum kwd_sysctl which, const char *arg)
{
	struct fault *f = &e->ctx->fault;
	u64 ns;

	if (f->exit || duration_option(f, option, "10ms", arg, &ns) ||
	    kwd_sysctl_check(which, option, ns, f))
		return;
	e->given[which] = true;
	e->val[which] = ns / 1000;
}

static error_t enable_parse(int key, char *arg, struct argp_state *state)
{
	struct enable *e = state->input;
	struct fault *f = &e->ctx->fault;
	int err;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = e->ctx;
		return 0;
	case KEY_BUDGET:
		take_duration(e, "budget", KWD_BUDGET_US, arg);
		return 0;
	case KEY_USER:
		take_duration(e, "user-budget", KWD_BUDGET_USER_US, arg);
		return 0;
	case KEY_PERIOD:
		take_duration(e, "period", KWD_PERIOD_US, arg);
		return 0;
	case KEY_MIN:
		take_duration(e, "min-budget", KWD_BUDGET_MIN_US, arg);
		return 0;
	case KEY_SLACK:
		err = number_parse(arg, MAX_SLACK, &e->val[KWD_SLACK_PERCENT]);
		if (err && !f->exit) {
			fault_set(f, EXIT_USAGE, err, "bad slack '%s'", arg);
			fault_why(f, "it is a number of percent, 0 to %d",
				  MAX_SLACK);
		}
		e->given[KWD_SLACK_PERCENT] = true;
		return 0;
	case KEY_QUARANTINE:
		err = number_parse(arg, INT32_MAX, &e->val[KWD_QUARANTINE]);
		if (err && !f->exit) {
			fault_set(f, EXIT_USAGE, err, "bad quarantine '%s'",
				  arg);
			fault_why(f, "it is a number of ended runs, 0 to %d",
				  INT32_MAX);
		}
		e->given[KWD_QUARANTINE] = true;
		return 0;
	case KEY_PERSIST:
		e->persist = true;
		return 0;
	case KEY_DRY:
		e->dry_run = true;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "takes no argument, got '%s'", arg);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

/* Written beside it and renamed: there is never half a file. */
static int persist(const struct kwd_state *state, struct fault *f)
{
	char path[] = PERSIST ".XXXXXX";
	int fd, err = 0;
	FILE *file;

	if (mkdir(PERSIST_DIR, 0755) && errno != EEXIST)
		err = -errno;
	fd = err ? -1 : mkstemp(path);
	file = fd < 0 ? NULL : fdopen(fd, "w");
	if (!file) {
		err = err ? err : -errno;
		if (fd >= 0)
			close(fd);
		goto out;
	}
	fputs("# written by `bpfwd enable|disable --persist`\n", file);
	for (size_t i = 0; i < KWD_SYSCTLS; i++)
		if (state->val[i] != KWD_UNKNOWN)
			fprintf(file, "%s = %llu\n", kwd_sysctl_name(i),
				(unsigned long long)state->val[i]);
	if (fchmod(fd, 0644) || fflush(file) || fsync(fd))
		err = -errno;
	if (fclose(file) && !err)
		err = -errno;
	if (!err && rename(path, PERSIST))
		err = -errno;
	if (err)
		unlink(path);
out:
	if (!err)
		return 0;
	fault_set(f, EXIT_FAILED, err, "cannot write %s", PERSIST);
	return fault_why(f, "nothing was changed");
}

static void report(const struct enable *e, const struct kwd_state *s)
{
	char budget[DURATION_LEN], period[DURATION_LEN],
		quarantine[48] = "off", user[DURATION_LEN + 24] = "",
		dur[DURATION_LEN];
	u64 user_us = s->val[KWD_BUDGET_USER_US];
	json_t *doc;

	if (out_is_json(&e->ctx->out)) {
		doc = json_pack(
			"{s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:b, s:b}",
			"schema", "bpfwd.enable/1", "enabled",
			(int)s->val[KWD_ON], "budget_ns",
			(json_int_t)s->val[KWD_BUDGET_US] * 1000,
			"min_budget_ns",
			(json_int_t)s->val[KWD_BUDGET_MIN_US] * 1000,
			"slack_percent", (json_int_t)s->val[KWD_SLACK_PERCENT],
			"period_ns", (json_int_t)s->val[KWD_PERIOD_US] * 1000,
			"quarantine_after", (json_int_t)s->val[KWD_QUARANTINE],
			"persisted", e->persist && !e->dry_run, "dry_run",
			e->dry_run);
		if (user_us != KWD_UNKNOWN)
			json_object_set_new(doc, "user_budget_ns",
					    json_integer(user_us * 1000));
		out_json(&e->ctx->out, doc);
		return;
	}
	if (s->val[KWD_QUARANTINE])
		snprintf(quarantine, sizeof(quarantine), "after %llu kills",
			 (unsigned long long)s->val[KWD_QUARANTINE]);
	if (e->given[KWD_BUDGET_USER_US])
		snprintf(user, sizeof(user), ", for user space %s",
			 duration_set(user_us * 1000, dur));
	printf("%swatchdog %s: budget %s%s, period %s, quarantine %s%s\n",
	       e->dry_run ? "would be: " : "", s->val[KWD_ON] ? "on" : "off",
	       duration_set(s->val[KWD_BUDGET_US] * 1000, budget), user,
	       duration_set(s->val[KWD_PERIOD_US] * 1000, period), quarantine,
	       e->persist ? ", in " PERSIST : "");
}

static int apply(struct enable *e)
{
	struct fault *f = &e->ctx->fault;
	struct kwd_state old, new;
	int err = kwd_state_read(&old);

	if (err == -ENOSYS)
		return kwd_missing(f, e->on ? "cannot enable the watchdog" :
					      "cannot disable the watchdog");
	if (err)
		return fault_set(f, EXIT_FAILED, err,
				 "cannot read the watchdog's sysctls");
	new = old;
	for (size_t i = 0; i < KWD_SYSCTLS; i++)
		if (e->given[i])
			new.val[i] = e->val[i];
	if (e->dry_run) {
		report(e, &new);
		return 0;
	}
	if (kwd_state_write(&old, &new, f))
		return f->exit;
	if (e->persist && persist(&new, f)) {
		struct fault ignored = {};

		kwd_state_write(&new, &old, &ignored);
		return f->exit;
	}
	err = e->on ? ring_history_start() : ring_history_stop();
	if (err)
		note(e->ctx, "no history of events is kept: %s (%s)",
		     strerror(-err), errno_name(-err));
	report(e, &new);
	return 0;
}

static int enable_run(struct ctx *ctx, bool on, const struct argp *argp,
		      int argc, char **argv)
{
	struct enable e = { .ctx = ctx, .on = on };

	e.given[KWD_ON] = true;
	e.val[KWD_ON] = on;
	parse_command(argp, argc, argv, &e);
	return ctx->fault.exit ? ctx->fault.exit : apply(&e);
}

int cmd_enable(struct ctx *ctx, int argc, char **argv)
{
	static const struct argp argp = {
		.options = enable_options,
		.parser = enable_parse,
		.doc = "Switch the watchdog on, set its defaults; what is not "
		       "given stays as it is.\v"
		       "Also starts the history that `bpfwd events` prints. "
		       "While the watchdog is on each run has a record on its "
		       "stack, but reads no clock.\n"
		       "Example: bpfwd enable --budget 10ms --persist",
		.children = common_options,
	};

	return enable_run(ctx, true, &argp, argc, argv);
}

int cmd_disable(struct ctx *ctx, int argc, char **argv)
{
	static const struct argp argp = {
		.options = disable_options,
		.parser = enable_parse,
		.doc = "Switch the watchdog off. Defaults, budgets and the "
		       "history of events stay.",
		.children = common_options,
	};

	return enable_run(ctx, false, &argp, argc, argv);
}
