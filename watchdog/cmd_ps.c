// SPDX-License-Identifier: GPL-2.0
/* bpfwd ps: one table of programs, once or every so often. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "kwd.h"
#include "main.h"
#include "ps_cols.h"

#define SCHEMA "bpfwd.ps/1"

struct ps {
	struct ctx *ctx;
	struct table *table;
	const char *emit;
	bool wide, schema, stamp;
	u64 interval_ns, count;
	struct prog_sel *sel;
	int usage; /* exit status of the first bad option */
};

enum { KEY_SCHEMA = 0x100 };

static const struct argp_option options[] = {
	{ "emit", 'e', "COLS", 0,
	  "these columns, +COL in addition, `help` lists them", 1 },
	{ "wide", 'w', 0, 0, "more columns", 1 },
	{ "sort", 's', "COL[-]", 0, "sort by it, with - the largest first", 1 },
	{ "filter", 'f', "EXPR", 0,
	  "only these: COL=VALUE, also != < <= > >=, a pattern for the name, "
	  "or @FILE with one EXPR a line; may be repeated",
	  1 },
	{ "top", 'n', "N", 0, "the first N rows", 1 },
	{ "timestamp", 'T', 0, 0, "time and heads before each table", 1 },
	{ "schema", KEY_SCHEMA, 0, 0, "print the JSON Schema of -j", 1 },
	{ 0 },
};

static int take_args(struct ps *ps, int argc, char **argv)
{
	struct fault *f = &ps->ctx->fault;
	int used, err;

	if (prog_sel_parse(&ps->sel, argc, argv, &used, f))
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
	if (!err && ++used < argc)
		err = -E2BIG;
	if (err)
		return fault_set(f, EXIT_USAGE, err, "bad count '%s'",
				 argv[argc - 1]);
	return 0;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct ps *ps = state->input;
	struct fault *f = &ps->ctx->fault;
	u64 n;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = ps->ctx;
		return 0;
	case 'e':
		ps->emit = arg;
		return 0;
	case 'w':
		ps->wide = true;
		return 0;
	case 's':
		ps->usage = ps->usage ? ps->usage :
					table_sort(ps->table, arg, f);
		return 0;
	case 'f':
		ps->usage = ps->usage ? ps->usage :
					table_filter(ps->table, arg, f);
		return 0;
	case 'n':
		if (ps->usage)
			return 0;
		if (number_parse(arg, UINT32_MAX, &n) || !n)
			ps->usage = fault_set(f, EXIT_USAGE, EINVAL,
					      "bad number of rows '%s'", arg);
		else
			table_top(ps->table, n);
		return 0;
	case 'T':
		ps->stamp = true;
		return 0;
	case KEY_SCHEMA:
		ps->schema = true;
		return 0;
	case ARGP_KEY_ARGS:
		if (!ps->usage)
			ps->usage = take_args(ps, state->argc - state->next,
					      state->argv + state->next);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
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
	.children = common_options,
};

static u64 now_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

/* What one look needs from the one before it. */
struct look {
	struct progs *progs;
	u64 at_ns;
};

static void set_rates(struct ps_row *r, const struct look *last, u64 dt_ns)
{
	const struct prog *old =
		last->progs ? progs_find(last->progs, r->p->info.id) : NULL;
	double runs, time;

	if (!old || !dt_ns)
		return;
	runs = r->p->info.run_cnt - old->info.run_cnt;
	time = r->p->info.run_time_ns - old->info.run_time_ns;
	r->rates = true;
	r->rate = runs * 1e9 / dt_ns;
	r->cpu = time * 100 / dt_ns;
	r->cpu_rel = r->cpu / sysconf(_SC_NPROCESSORS_ONLN);
}

static char *join(const char *const *list)
{
	char *all = NULL;
	size_t len;
	FILE *f = open_memstream(&all, &len);

	for (size_t i = 0; f && list[i]; i++)
		fprintf(f, "%s%s", i ? "," : "", list[i]);
	if (f)
		fclose(f);
	return all;
}

static struct ps_row *make_rows(struct ps *ps, const struct look *look,
				const struct look *last)
{
	size_t n = progs_count(look->progs);
	struct ps_row *rows = calloc(n + 1, sizeof(*rows));
	struct kwd_state state;
	bool feature = !kwd_state_read(&state);
	u64 boot_ns = now_ns(CLOCK_BOOTTIME);

	for (size_t i = 0; rows && i < n; i++) {
		struct ps_row *r = &rows[i];

		r->p = progs_get(look->progs, i);
		r->feature = feature && kwd_info_known(r->p->info_len);
		r->default_budget_ns =
			feature ? state.val[KWD_BUDGET_US] * 1000 : 0;
		r->now_ns = boot_ns;
		r->hooks = join(r->p->hooks);
		set_rates(r, last, look->at_ns - last->at_ns);
		if (table_add(ps->table, r))
			note(ps->ctx, "no memory for program %u",
			     r->p->info.id);
	}
	return rows;
}

static int print_json(struct ps *ps, const struct fault *f)
{
	json_t *rows = table_json(ps->table), *row;
	size_t i;
	int err = 0;

	if (ps->ctx->out.format == OUT_JSON) {
		json_t *doc = json_pack("{s:s, s:o}", "schema", SCHEMA,
					"programs", rows);

		if (f->exit)
			json_object_set_new(doc, "error", fault_json(f));
		return out_json(&ps->ctx->out, doc);
	}
	json_array_foreach(rows, i, row)
		err = err ? err : out_json(&ps->ctx->out, json_incref(row));
	json_decref(rows);
	return err;
}

static int print(struct ps *ps, const struct fault *f, u64 nth)
{
	time_t t = time(NULL);
	char stamp[32];

	if (out_is_json(&ps->ctx->out))
		return print_json(ps, f);
	if (ps->stamp && ps->ctx->out.format == OUT_TABLE) {
		strftime(stamp, sizeof(stamp), "%H:%M:%S", localtime(&t));
		printf("%s%s\n", nth ? "\n" : "", stamp);
	}
	table_print(ps->table, &ps->ctx->out, ps->stamp || !nth);
	return fflush(stdout) ? -errno : 0;
}

/* One look: load, print, and leave it behind for the next one's rates. */
static int look_once(struct ps *ps, struct look *last, const struct fault *f,
		     u64 nth)
{
	struct look look = { .at_ns = now_ns(CLOCK_MONOTONIC) };
	int what = PROGS_HOOKS, err;
	struct ps_row *rows;

	if (table_wants(ps->table, "owner"))
		what |= PROGS_OWNERS;
	if (progs_load(&look.progs, ps->sel, what, &ps->ctx->fault))
		return ps->ctx->fault.exit;
	table_clear(ps->table);
	rows = make_rows(ps, &look, last);
	table_close(ps->table);
	err = print(ps, f, nth);
	for (size_t i = 0; rows && i < progs_count(look.progs); i++)
		free(rows[i].hooks);
	free(rows);
	progs_free(last->progs);
	*last = look;
	if (err)
		return fault_set(&ps->ctx->fault, EXIT_FAILED, err,
				 "cannot write the table");
	return 0;
}

static void sleep_until_next(u64 interval_ns)
{
	struct timespec ts = { .tv_sec = interval_ns / 1000000000,
			       .tv_nsec = interval_ns % 1000000000 };

	nanosleep(&ts, NULL);
}

static int run(struct ps *ps)
{
	struct kwd_state state;
	struct fault missing = {};
	struct look last = {};
	int ret, stats = -1;

	if (kwd_state_read(&state) == -ENOSYS)
		kwd_missing(&missing, "ps shows measured columns only");
	if (ps->interval_ns) {
		stop_on_signals();
		stats = bpf_enable_stats(BPF_STATS_RUN_TIME);
		if (stats < 0)
			note(ps->ctx, "no run statistics, so no rates: %s (%s)",
			     strerror(-stats), errno_name(-stats));
	} else if (ps->ctx->verbose && table_wants(ps->table, "cpu%")) {
		note(ps->ctx, "rates need an interval: bpfwd ps -w 1s");
	}
	ret = look_once(ps, &last, &missing, 0);
	for (u64 nth = 1; !ret && ps->interval_ns && !stopped &&
			  (!ps->count || nth < ps->count);
	     nth++) {
		sleep_until_next(ps->interval_ns);
		if (!stopped)
			ret = look_once(ps, &last, &missing, nth);
	}
	progs_free(last.progs);
	if (stats >= 0)
		close(stats);
	if (ret || !missing.exit)
		return ret;
	/* JSON says it inside the document, so that there is one */
	if (ps->ctx->out.format != OUT_JSON)
		ps->ctx->fault = missing;
	return missing.exit;
}

int cmd_ps(struct ctx *ctx, int argc, char **argv)
{
	struct ps ps = { .ctx = ctx };
	int ret;

	ps.table = table_new(ps_cols, ps_n_cols);
	if (!ps.table)
		return fault_set(&ctx->fault, EXIT_FAILED, ENOMEM, "no table");
	table_sort(ps.table, "run_time_ns-", &ctx->fault);
	parse_command(&argp, argc, argv, &ps);

	ret = ps.usage;
	if (!ret && ps.emit && !strcmp(ps.emit, "help")) {
		table_help(ps.table);
	} else if (!ret && ps.schema) {
		out_json(&ctx->out, table_schema(ps.table, SCHEMA, "programs"));
	} else if (!ret) {
		ret = table_emit(ps.table, ps.emit, ps.wide, &ctx->fault);
		ret = ret ? ret : run(&ps);
	}
	prog_sel_free(ps.sel);
	table_free(ps.table);
	return ret;
}
