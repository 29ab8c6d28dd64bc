// SPDX-License-Identifier: GPL-2.0
/* bpfwd ps: one table of programs, once or every so often. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "cmd/ps.h"
#include "kernel/kwd.h"
#include "show/duration.h"

#define SCHEMA "bpfwd.ps/1"
#define MEASURE_NS 1000000000ULL

struct ps {
	struct ctx *ctx;
	struct view view;
	bool stamp;
	u64 interval_ns, count;
};

static const struct argp_option options[] = {
	{ "timestamp", 'T', 0, 0, "time and heads before each table", 1 },
	{ 0 },
};

static int take_args(struct ps *ps, int argc, char **argv)
{
	struct fault *f = &ps->ctx->fault;
	int used, err;

	if (prog_sel_parse(&ps->view.sel, argc, argv, &used, f))
		return f->exit;
	if (used == argc)
		return 0;
	err = duration_parse(argv[used], &ps->interval_ns);
	if (err) {
		fault_set(f, EXIT_USAGE, err,
			  "'%s' is no program and no "
			  "interval",
			  argv[used]);
		fault_why(f,
			  "PROG is: id N, name N, tag T, pinned PATH, a number "
			  "or a word; an interval has a unit, as 1s");
		return fault_hint(f, "bpfwd ps -h");
	}
	if (++used == argc)
		return 0;
	err = number_parse(argv[used], UINT32_MAX, &ps->count);
	if (!err && !ps->count)
		err = -ERANGE;
	if (err) {
		fault_set(f, EXIT_USAGE, err, "bad count '%s'", argv[used]);
		return fault_why(f, "it is how often to print, 1 or more");
	}
	if (++used < argc) {
		fault_set(f, EXIT_USAGE, 0, "one argument too many: '%s'",
			  argv[used]);
		return fault_hint(f, "bpfwd ps [PROG...] [INTERVAL [COUNT]]");
	}
	return 0;
}

static error_t ps_parse(int key, char *arg, struct argp_state *state)
{
	struct ps *ps = state->input;

	(void)arg;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &ps->view;
		state->child_inputs[1] = ps->view.ctx;
		return 0;
	case 'T':
		ps->stamp = true;
		return 0;
	case ARGP_KEY_ARGS:
		if (!ps->view.usage)
			ps->view.usage = take_args(ps,
						   state->argc - state->next,
						   state->argv + state->next);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	.options = options,
	.parser = ps_parse,
	.args_doc = "[PROG...] [INTERVAL [COUNT]]",
	.doc = "One table of all programs, or of some.\v"
	       "PROG is: id N, name N, tag T, pinned PATH, a number (an id) or "
	       "a word (a name). An INTERVAL has a unit (1s, 500ms); with it run "
	       "statistics are switched on while bpfwd runs, at the cost of two "
	       "clock reads per run.\n"
	       "Examples:\n"
	       "  bpfwd ps                  all programs\n"
	       "  bpfwd ps -w 1s            with rates, every second\n"
	       "  bpfwd ps -f 'kills>0' -s kills-\n"
	       "  bpfwd ps -e id,name,terminable,why",
	.children = view_options,
};

static int ps_print_json(struct view *view)
{
	const struct out *out = &view->ctx->out;
	size_t rows = table_rows(view->table);

	if (out->pretty && out->format == OUT_JSON)
		return out_json(out,
				json_pack("{s:s, s:b, s:o}", "schema", SCHEMA,
					  "watchdog", kwd_here(), "programs",
					  table_json(view->table)));
	if (out->format == OUT_JSON)
		printf("{\"schema\":\"" SCHEMA
		       "\",\"watchdog\":%s,\"programs\":[",
		       kwd_here() ? "true" : "false");
	for (size_t i = 0; i < rows; i++) {
		if (i && out->format == OUT_JSON)
			putchar(',');
		table_json_write(view->table, i, stdout);
		if (out->format == OUT_JSONL)
			putchar('\n');
	}
	if (out->format == OUT_JSON)
		puts("]}");
	return fflush(stdout) ? -errno : 0;
}

static int ps_print(struct view *view, bool stamped, u64 nth)
{
	const struct out *out = &view->ctx->out;
	time_t t = time(NULL);
	char stamp[32];

	if (out_is_json(out))
		return ps_print_json(view);
	if (stamped && out->format == OUT_TABLE) {
		strftime(stamp, sizeof(stamp), "%H:%M:%S", localtime(&t));
		printf("%s%s\n", nth ? "\n" : "", stamp);
	}
	table_print(view->table, out, stamped || !nth);
	return fflush(stdout) ? -errno : 0;
}

static void sleep_until_next(u64 interval_ns)
{
	struct timespec ts = { .tv_sec = interval_ns / 1000000000,
			       .tv_nsec = interval_ns % 1000000000 };

	nanosleep(&ts, NULL);
}

int view_repeat(struct view *view, u64 interval_ns, u64 count, bool stamp)
{
	struct ctx *ctx = view->ctx;
	struct look last = {};
	/* where nothing but measuring is there, one table is worth a second */
	bool measure = !interval_ns && !kwd_here() &&
		       table_wants(view->table, "cpu%");
	int ret = 0, stats = -1;

	if (measure)
		interval_ns = MEASURE_NS;
	if (interval_ns) {
		stop_on_signals();
		stats = bpf_enable_stats(BPF_STATS_RUN_TIME);
		if (stats < 0)
			note(ctx, "no run statistics, so no rates: %s (%s)",
			     strerror(-stats), errno_name(-stats));
	} else if (ctx->verbose && table_wants(view->table, "cpu%")) {
		note(ctx, "rates need an interval: bpfwd ps -w 1s");
	}
	if (measure)
		ret = view_look(view, &last);
	for (u64 nth = 0; !ret && !stopped && (!count || nth < count); nth++) {
		int err;

		if (nth || measure)
			sleep_until_next(interval_ns);
		if (stopped)
			break;
		ret = view_look(view, &last);
		err = ret ? 0 : ps_print(view, stamp, nth);
		if (err)
			ret = fault_set(&ctx->fault, EXIT_FAILED, err,
					"cannot write the table");
	}
	look_free(&last);
	if (stats >= 0)
		close(stats);
	return ret;
}

json_t *ps_schema(void)
{
	json_t *schema = cols_schema(ps_cols, ps_n_cols, SCHEMA, "programs");

	json_object_set_new(json_object_get(schema, "properties"), "watchdog",
			    json_pack("{s:s, s:s}", "type", "boolean",
				      "description",
				      "false: this kernel only measures"));
	return schema;
}

int cmd_ps(struct ctx *ctx, int argc, char **argv)
{
	struct ps ps = { .ctx = ctx };
	int ret;

	if (view_init(&ps.view, ctx))
		return ctx->fault.exit;
	parse_command(&argp, argc, argv, &ps);

	ret = ps.view.usage;
	if (!ret && !view_help(&ps.view))
		ret = view_columns(&ps.view) ?:
			      view_repeat(&ps.view, ps.interval_ns,
					  ps.interval_ns ? ps.count : 1,
					  ps.stamp);
	view_free(&ps.view);
	return ret;
}
