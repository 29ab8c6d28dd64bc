// SPDX-License-Identifier: GPL-2.0
/* bpfwd calibrate: measure, show, compare and load cost models. */
#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "calibrate/calib.h"
#include "calibrate/load.h"
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "kernel/kwd.h"
#include "kernel/kwd_model.h"
#include "kernel/machine.h"
#include "show/ctx.h"
#include "show/duration.h"
#include "show/table.h"

#define SCHEMA "bpfwd.calibrate/1"

struct calibrate {
	struct ctx *ctx;
	struct calib_opts opts;
	bool load, force;
	const char *filter, *sort;
	char *words[3];
	int n_words;
};

#define MAX_ERROR_PCT 50

enum {
	KEY_QUICK = 0x100,
	KEY_LOAD,
	KEY_ONLY,
	KEY_PASSES,
	KEY_MAX_ERROR,
	KEY_FORCE
};

static const struct argp_option options[] = {
	{ "quick", KEY_QUICK, 0, 0, "run: one round, no contention", 1 },
	{ "load", KEY_LOAD, 0, 0, "run: load the result into the kernel", 1 },
	{ "only", KEY_ONLY, "GLOB", 0, "run: only these helpers and kfuncs",
	  1 },
	{ "passes", KEY_PASSES, "N", 0,
	  "run: measure all that often, 1 to 9 (2; 1 with --quick)", 1 },
	{ "max-error", KEY_MAX_ERROR, "PCT", 0,
	  "run: passes may differ, and lines be off, by so much (50)", 1 },
	{ "force", KEY_FORCE, 0, 0,
	  "load: even if it is of another kernel or CPU", 1 },
	{ "sort", 's', "COL[-]", 0, "show, diff: sort by it", 1 },
	{ "filter", 'f', "EXPR", 0, "show, diff: only these", 1 },
	{ 0 },
};

static error_t calibrate_parse(int key, char *arg, struct argp_state *state)
{
	struct calibrate *c = state->input;
	u64 n;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = c->ctx;
		return 0;
	case KEY_QUICK:
		c->opts.quick = true;
		return 0;
	case KEY_LOAD:
		c->load = true;
		return 0;
	case KEY_ONLY:
		c->opts.only = arg;
		return 0;
	case KEY_PASSES:
		if (number_parse(arg, CALIB_PASSES_MAX, &n) || !n)
			argp_error(state, "--passes %s: 1 to %d", arg,
				   CALIB_PASSES_MAX);
		c->opts.passes = n;
		return 0;
	case KEY_MAX_ERROR:
		if (number_parse(arg, 1000000, &n))
			argp_error(state, "--max-error %s is no percentage",
				   arg);
		c->opts.max_error_pct = n;
		return 0;
	case KEY_FORCE:
		c->force = true;
		return 0;
	case 's':
		c->sort = arg;
		return 0;
	case 'f':
		c->filter = arg;
		return 0;
	case ARGP_KEY_ARG:
		if (c->n_words == ARRAY_SIZE(c->words))
			argp_error(state, "too many arguments");
		c->words[c->n_words++] = arg;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	.options = options,
	.parser = calibrate_parse,
	.args_doc =
		"[run [FILE]]\nshow FILE|kernel\ndiff A B\nload [--force] FILE\nreset",
	.doc = "What instructions, helpers and kfuncs cost on this machine.\v"
	       "`run` measures (2 to 10 minutes, on any kernel, as root) and "
	       "writes the model to FILE or stdout; `load` replaces the "
	       "kernel's model, or changes nothing; `reset` goes back to the "
	       "built-in one.\n"
	       "Examples:\n"
	       "  bpfwd calibrate run --load model.txt\n"
	       "  bpfwd calibrate show model.txt -s worst_ns-\n"
	       "  bpfwd calibrate diff old.txt new.txt",
	.children = common_options,
};

static void calibrate_say(void *arg, const char *name, const char *what)
{
	struct ctx *ctx = arg;

	if (ctx->verbose)
		note(ctx, "%-36s %s", name, what);
}

static void note_loaded(struct ctx *ctx, const struct model_loaded *l)
{
	note(ctx, "loaded %zu entries as model %llu, for %u CPUs at once",
	     l->entries, (unsigned long long)l->generation, l->cpus);
	if (l->foreign)
		note(ctx, "left out: %zu kfuncs that this kernel does not have",
		     l->foreign);
}

/* To be known before minutes of measuring: a file is put in place by its folder. */
static bool writable(const char *path)
{
	const char *slash = strrchr(path, '/');
	char dir[512];

	if (!strcmp(path, "-"))
		return true;
	if (slash && slash - path >= (ptrdiff_t)sizeof(dir)) {
		errno = ENAMETOOLONG;
		return false;
	}
	snprintf(dir, sizeof(dir), "%.*s", slash ? (int)(slash - path + 1) : 1,
		 slash ? path : ".");
	return !access(dir, W_OK);
}

static int do_run(struct calibrate *c)
{
	const char *path = c->n_words > 1 ? c->words[1] : "-";
	struct fault *f = &c->ctx->fault;
	struct calib_env *env;
	struct model_loaded loaded;
	struct model m = {};
	size_t measured = 0, outliers = 0, widened = 0, unbounded = 0;
	int ret;

	if (!calib_knows(c->opts.only)) {
		fault_set(f, EXIT_USAGE, 0,
			  "no helper and no kfunc is called '%s'",
			  c->opts.only);
		return fault_hint(f, "bpfwd calibrate show kernel lists them");
	}
	if (c->load && !kwd_here())
		return kwd_model_fault(f, -EOPNOTSUPP, "load the cost model");
	if (!writable(path))
		return fault_set(f, EXIT_FAILED, errno, "cannot write %s",
				 path);
	c->opts.say = calibrate_say;
	c->opts.arg = c->ctx;
	model_stamp(&m);
	c->opts.exact = strstr(m.clock, ",icount");
	env = calib_env_new(f);
	if (!env)
		return f->exit;
	snprintf(m.path, sizeof(m.path), "%s", path);
	if (!c->opts.passes)
		c->opts.passes = c->opts.quick ? 1 : 2;
	ret = calib_measure(env, &c->opts, &m, f);
	if (!ret && !c->opts.quick)
		ret = calib_measure_cpus(env, &c->opts, &m, f);
	calib_env_free(env);
	calib_keep_state(&m);
	if (!ret && calib_keep_unbounded(&m))
		ret = fault_set(f, EXIT_FAILED, ENOMEM,
				"cannot make the model");
	if (ret)
		goto out;
	model_sort(&m);
	for (size_t i = 0; i < m.n; i++) {
		measured += m.entries[i].measured;
		outliers += m.entries[i].outliers;
		widened += m.entries[i].widened;
		unbounded += m.entries[i].worst_ps == MODEL_UNBOUNDED;
	}
	ret = model_write(&m, path, f);
	note(c->ctx,
	     "%zu entries: %zu measured, %zu by default; %zu calls that "
	     "an interrupt fell into are left out",
	     m.n, measured, m.n - measured, outliers);
	note(c->ctx,
	     "%u passes, off by %s %% at most, %zu entries widened for it; "
	     "%zu stay unbounded, as in the kernel's built-in model",
	     m.passes, m.error, widened, unbounded);
	if (!ret && c->load) {
		ret = model_load(&m, &loaded, f);
		if (!ret)
			note_loaded(c->ctx, &loaded);
	}
out:
	model_free(&m);
	return ret;
}

static int read_model(struct calibrate *c, const char *path, struct model *m)
{
	char how[400];
	u64 generation;
	int ret;

	if (!strcmp(path, "kernel"))
		return model_loaded(m, &generation, &c->ctx->fault);
	ret = model_read(m, path, &c->ctx->fault);
	if (!ret && machine_differs(&m->of, how, sizeof(how)))
		note(c->ctx, "%s is of another machine: %s", path, how);
	return ret;
}

/* Costs of another kernel or processor are no costs of this one. */
static int check_origin(struct calibrate *c, const struct model *m)
{
	struct fault *f = &c->ctx->fault;
	char how[400];

	if (c->force || !machine_differs(&m->of, how, sizeof(how)))
		return 0;
	fault_set(f, EXIT_FAILED, 0, "%s is of another machine: %s", m->path,
		  how);
	return fault_hint(f,
			  "bpfwd calibrate run --load %s, or load it with "
			  "--force",
			  m->path);
}

/* The kernel takes a bound from whoever may load a model; this tool gives it none
 * where none can be known.
 */
static int check_unbounded(struct calibrate *c, const struct model *m)
{
	char key[128];

	for (size_t i = 0; !c->force && i < m->n; i++) {
		const struct model_entry *e = &m->entries[i];

		if (e->worst_ps == MODEL_UNBOUNDED || !calib_unbounded(e))
			continue;
		fault_set(&c->ctx->fault, EXIT_FAILED, EINVAL,
			  "%s:%d: %s: nothing bounds it", m->path, e->line,
			  model_key(e, key, sizeof(key)));
		return fault_hint(&c->ctx->fault,
				  "write worst_ns=unbounded, or load it with "
				  "--force");
	}
	return 0;
}

static int do_load(struct calibrate *c)
{
	struct model_loaded loaded;
	struct model m = {};
	char how[400];
	int ret = model_read(&m, c->words[1], &c->ctx->fault);

	ret = ret ? ret : check_origin(c, &m);
	ret = ret ? ret : check_unbounded(c, &m);
	ret = ret ? ret : model_load(&m, &loaded, &c->ctx->fault);
	if (!ret && machine_differs(&m.of, how, sizeof(how)))
		note(c->ctx, "forced: %s is of another machine: %s", m.path,
		     how);
	if (!ret && out_is_json(&c->ctx->out))
		out_json(&c->ctx->out,
			 json_pack("{s:s, s:I, s:I, s:I, s:b}", "schema",
				   "bpfwd.calibrate-load/1", "generation",
				   (json_int_t)loaded.generation, "entries",
				   (json_int_t)loaded.entries, "left_out",
				   (json_int_t)loaded.foreign, "stale",
				   (int)machine_differs(&m.of, how,
							sizeof(how))));
	else if (!ret)
		note_loaded(c->ctx, &loaded);
	model_free(&m);
	return ret;
}

/* One row of `show` and `diff`; b is NULL in `show`. */
struct row {
	const struct model_entry *a, *b;
	char key[128];
};

static const struct model_entry *either(const struct row *r)
{
	return r->a ? r->a : r->b;
}

static struct val calibrate_get_name(const void *row)
{
	const struct row *r = row;

	return (struct val){ .known = true, .str = r->key };
}

static struct val calibrate_get_source(const void *row)
{
	const struct model_entry *e = either(row);

	return (struct val){ .known = true,
			     .str = e->widened	? "widened" :
				    e->measured ? "measured" :
						  "default" };
}

static struct val calibrate_get_reason(const void *row)
{
	const struct model_entry *e = either(row);

	return (struct val){ .known = e->reason[0], .str = e->reason };
}

#define NS(name, which, field)                                  \
	static struct val calibrate_get_##name(const void *row) \
	{                                                       \
		const struct model_entry *e =                   \
			((const struct row *)row)->which;       \
		return e ? val_real(e->field / 1e3, true) :     \
			   val_real(0, false);                  \
	}
NS(best, a, best_ps)
NS(unit, a, per_unit_ps)
NS(best_b, b, best_ps)
NS(unit_b, b, per_unit_ps)

static struct val worst_of(const struct model_entry *e)
{
	if (!e)
		return val_real(0, false);
	return val_real(e->worst_ps == MODEL_UNBOUNDED ? INFINITY :
							 e->worst_ps / 1e3,
			true);
}

static struct val calibrate_get_worst(const void *row)
{
	return worst_of(((const struct row *)row)->a);
}

static struct val calibrate_get_worst_b(const void *row)
{
	return worst_of(((const struct row *)row)->b);
}

static struct val get_mean(const void *row)
{
	const struct model_entry *e = either(row);

	return val_real(e->mean_ps / 1e3, e->measured && e->mean_ps);
}

static struct val get_fit(const void *row)
{
	const struct model_entry *e = either(row);

	return val_real(e->fit_error_permille / 10.0,
			e->measured && e->fit_error_permille);
}

static struct val get_difference(const void *row)
{
	const struct model_entry *e = either(row);

	return val_real(e->difference_permille / 10.0,
			e->measured && e->difference_permille);
}

static struct val get_outliers(const void *row)
{
	const struct model_entry *e = either(row);

	return (struct val){ .known = e->calls, .num = e->outliers };
}

static struct val get_calls(const void *row)
{
	const struct model_entry *e = either(row);

	return (struct val){ .known = e->calls, .num = e->calls };
}

static struct val get_cpus2(const void *row)
{
	const struct model_entry *e = either(row);

	return (struct val){ .known = e->cpus_pct[2], .num = e->cpus_pct[2] };
}

static struct val get_law(const void *row)
{
	double above = model_contention_above(either(row));

	return val_real(above, above >= 0);
}

static struct val get_change(const void *row)
{
	const struct row *r = row;

	if (!r->a || !r->b || !r->a->worst_ps)
		return val_real(0, false);
	return val_real(((double)r->b->worst_ps / r->a->worst_ps - 1) * 100,
			true);
}

static const struct col show_cols[] = {
	{ "name", "name", VAL_STR, COL_DEFAULT, "what it is",
	  calibrate_get_name },
	{ "best_ns", "best_ns", VAL_REAL, COL_DEFAULT, "shortest",
	  calibrate_get_best },
	{ "mean_ns", "mean_ns", VAL_REAL, COL_DEFAULT, "mean", get_mean },
	{ "worst_ns", "worst_ns", VAL_REAL, COL_DEFAULT, "longest",
	  calibrate_get_worst },
	{ "unit_ns", "per_unit_ns", VAL_REAL, COL_DEFAULT,
	  "more for each byte or element", calibrate_get_unit },
	{ "fit%", "fit_error_percent", VAL_REAL, COL_DEFAULT,
	  "largest distance of a mean from the line", get_fit },
	{ "passes%", "difference_percent", VAL_REAL, COL_DEFAULT,
	  "difference of the mean between passes", get_difference },
	{ "2cpus%", "cpus2_percent", VAL_U64, COL_DEFAULT,
	  "on two CPUs at once, of what it takes on one", get_cpus2 },
	{ "law%", "cpus_law_error_percent", VAL_REAL, 0,
	  "what was measured on more CPUs is above a line over their number by",
	  get_law },
	{ "calls", "calls", VAL_U64, 0, "calls measured", get_calls },
	{ "outliers", "outliers", VAL_U64, COL_DEFAULT,
	  "calls left out for an interrupt", get_outliers },
	{ "source", "source", VAL_STR, COL_DEFAULT,
	  "measured, widened (measured, and off by more than the limit) or default",
	  calibrate_get_source },
	{ "why", "reason", VAL_STR, COL_DEFAULT, "why it is a default",
	  calibrate_get_reason },
};

static const struct col diff_cols[] = {
	{ "name", "name", VAL_STR, COL_DEFAULT, "what it is",
	  calibrate_get_name },
	{ "best_a", "best_a_ns", VAL_REAL, COL_DEFAULT, "A",
	  calibrate_get_best },
	{ "best_b", "best_b_ns", VAL_REAL, COL_DEFAULT, "B",
	  calibrate_get_best_b },
	{ "worst_a", "worst_a_ns", VAL_REAL, COL_DEFAULT, "A",
	  calibrate_get_worst },
	{ "worst_b", "worst_b_ns", VAL_REAL, COL_DEFAULT, "B",
	  calibrate_get_worst_b },
	{ "unit_a", "unit_a_ns", VAL_REAL, COL_DEFAULT, "A",
	  calibrate_get_unit },
	{ "unit_b", "unit_b_ns", VAL_REAL, COL_DEFAULT, "B",
	  calibrate_get_unit_b },
	{ "worst%", "worst_change_percent", VAL_REAL, COL_DEFAULT,
	  "change of the longest", get_change },
};

static bool differ(const struct model_entry *a, const struct model_entry *b)
{
	return !a || !b || a->best_ps != b->best_ps ||
	       a->worst_ps != b->worst_ps || a->per_unit_ps != b->per_unit_ps ||
	       a->best_per_unit_ps != b->best_per_unit_ps;
}

/* Rows live as long as the table, which keeps pointers into them. */
struct rows {
	struct row *rows;
	size_t n;
};

static int add_row(struct rows *rows, struct table *t,
		   const struct model_entry *a, const struct model_entry *b)
{
	struct row *r;

	if (!rows->rows)
		return -ENOMEM;
	r = &rows->rows[rows->n++];
	r->a = a;
	r->b = b;
	model_key(either(r), r->key, sizeof(r->key));
	return table_add(t, r);
}

static int calibrate_print(struct calibrate *c, struct table *t,
			   const struct model *a, const struct model *b)
{
	struct fault *f = &c->ctx->fault;
	const struct out *out = &c->ctx->out;

	if (c->sort && table_sort(t, c->sort, f))
		return f->exit;
	table_close(t);
	if (out_is_json(out)) {
		json_t *doc = json_pack("{s:s, s:s, s:s, s:s, s:s, s:o}",
					"schema", SCHEMA, "cpu", a->of.cpu,
					"kernel", a->of.kernel, "date", a->date,
					"clock", a->clock, "entries",
					table_json(t));

		if (a->passes) {
			const struct {
				const char *key, *value;
			} heads[] = {
				{ "quantile_percent", a->quantile },
				{ "max_error_percent", a->max_error },
				{ "error_percent", a->error },
			};

			for (size_t i = 0; i < ARRAY_SIZE(heads); i++)
				json_object_set_new(
					doc, heads[i].key,
					json_real(
						strtod(heads[i].value, NULL)));
			json_object_set_new(doc, "microcode",
					    json_string(a->of.microcode));
			json_object_set_new(doc, "build",
					    json_string(a->of.build));
			json_object_set_new(doc, "passes",
					    json_integer(a->passes));
		}
		if (b)
			json_object_set_new(doc, "cpu_b",
					    json_string(b->of.cpu));
		out_json(out, doc);
		return 0;
	}
	if (out->format == OUT_TABLE && !b)
		printf("cpu %s, kernel %s, %s, clock %s\n\n", a->of.cpu,
		       a->of.kernel[0] ? a->of.kernel : "-",
		       a->date[0] ? a->date : "-",
		       a->clock[0] ? a->clock : "-");
	if (out->format == OUT_TABLE && !b && a->passes)
		printf("build %s, microcode %s\n%u passes, %s %% of the calls "
		       "within, off by %s %% (limit %s %%)\n\n",
		       a->of.build, a->of.microcode, a->passes, a->quantile,
		       a->error, a->max_error);
	table_print(t, out, true);
	return 0;
}

static int do_show(struct calibrate *c)
{
	struct table *t = table_new(show_cols, ARRAY_SIZE(show_cols));
	struct model m = {};
	int ret = read_model(c, c->words[1], &m);
	struct rows rows = { calloc(m.n + 1, sizeof(struct row)), 0 };

	if (!ret && c->filter)
		ret = table_filter(t, c->filter, &c->ctx->fault);
	for (size_t i = 0; !ret && i < m.n; i++)
		if (add_row(&rows, t, &m.entries[i], NULL))
			ret = fault_set(&c->ctx->fault, EXIT_FAILED, ENOMEM,
					"cannot show the model");
	ret = ret ? ret : calibrate_print(c, t, &m, NULL);
	free(rows.rows);
	model_free(&m);
	table_free(t);
	return ret;
}

static int do_diff(struct calibrate *c)
{
	struct table *t = table_new(diff_cols, ARRAY_SIZE(diff_cols));
	struct model a = {}, b = {};
	struct rows rows = {};
	size_t same = 0;
	int err = 0, ret = read_model(c, c->words[1], &a);

	ret = ret ? ret : read_model(c, c->words[2], &b);
	rows.rows = calloc(a.n + b.n + 1, sizeof(*rows.rows));
	if (!ret && c->filter)
		ret = table_filter(t, c->filter, &c->ctx->fault);
	for (size_t i = 0; !ret && !err && i < a.n; i++) {
		const struct model_entry *other = model_find(&b, &a.entries[i]);

		if (differ(&a.entries[i], other))
			err = add_row(&rows, t, &a.entries[i], other);
		else
			same++;
	}
	for (size_t i = 0; !ret && !err && i < b.n; i++)
		if (!model_find(&a, &b.entries[i]))
			err = add_row(&rows, t, NULL, &b.entries[i]);
	if (err)
		ret = fault_set(&c->ctx->fault, EXIT_FAILED, err,
				"cannot compare the models");
	ret = ret ? ret : calibrate_print(c, t, &a, &b);
	if (!ret)
		note(c->ctx, "%zu entries are the same", same);
	free(rows.rows);
	model_free(&a);
	model_free(&b);
	table_free(t);
	return ret;
}

static int do_reset(struct calibrate *c)
{
	return kwd_model_reset(&c->ctx->fault);
}

static const struct verb {
	const char *name;
	int words, at_least;
	int (*run)(struct calibrate *c);
} verbs[] = {
	{ "run", 1, 0, do_run },     { "show", 1, 1, do_show },
	{ "diff", 2, 2, do_diff },   { "load", 1, 1, do_load },
	{ "reset", 0, 0, do_reset },
};

int cmd_calibrate(struct ctx *ctx, int argc, char **argv)
{
	struct calibrate c = { .ctx = ctx,
			       .opts.max_error_pct = MAX_ERROR_PCT };
	const char *name;

	parse_command(&argp, argc, argv, &c);
	name = c.n_words ? c.words[0] : "run";
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		int words = c.n_words ? c.n_words - 1 : 0;

		if (strcmp(verbs[i].name, name))
			continue;
		if (words < verbs[i].at_least || words > verbs[i].words) {
			fault_set(&ctx->fault, EXIT_USAGE, 0,
				  "calibrate %s takes %d argument%s, got %d",
				  name, verbs[i].words,
				  verbs[i].words == 1 ? "" : "s", words);
			return fault_hint(&ctx->fault, "bpfwd calibrate -h");
		}
		return verbs[i].run(&c);
	}
	fault_set(&ctx->fault, EXIT_USAGE, 0, "calibrate what? '%s'", name);
	return fault_hint(&ctx->fault, "bpfwd calibrate -h");
}
