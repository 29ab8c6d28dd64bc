// SPDX-License-Identifier: GPL-2.0
/* bpfwd estimate: how long the programs of objects can take, and what of it has
 * changed since another run.
 */
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "kernel/kwd.h"
#include "kernel/kwd_estimate.h"
#include "kernel/kwd_model.h"
#include "kernel/machine.h"
#include "progs/btfs.h"
#include "progs/objs.h"
#include "progs/source.h"
#include "show/ctx.h"
#include "show/duration.h"
#include "show/table.h"

#define SCHEMA "bpfwd.estimate/1"

struct row {
	char *object, *name, *section, *why;
	struct estimate e;
	bool loaded, known, whole;
	char at[300];
	struct row *next;
};

struct estimates {
	struct ctx *ctx;
	struct table *table;
	struct btfs *btfs;
	struct row *rows;
	struct obj_settings settings;
	char **words;
	int n_words, usage;
	bool compare;
	u64 tolerance;
	size_t programs, bounded, unbounded, failed;
};

enum { KEY_TOLERANCE = 0x100 };

static const struct argp_option options[] = {
	{ "compare", 'C', 0, 0, "compare two runs saved with -o csv", 1 },
	{ "tolerance", KEY_TOLERANCE, "PERCENT", 0,
	  "-C: this much longer is no regression (default 0)", 1 },
	{ "sort", 's', "COL[-]", 0, "sort by it, with - the largest first", 1 },
	{ "filter", 'f', "EXPR", 0, "only these rows: COL=VALUE and so on", 1 },
	{ "top", 'n', "N", 0, "the first N rows", 1 },
	{ 0 },
};

static error_t estimate_parse(int key, char *arg, struct argp_state *state)
{
	struct estimates *s = state->input;
	struct fault *f = &s->ctx->fault;
	u64 n;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &s->settings;
		state->child_inputs[1] = s->ctx;
		return 0;
	case 'C':
		s->compare = true;
		return 0;
	case KEY_TOLERANCE:
		if (number_parse(arg, 1000000, &s->tolerance) && !s->usage) {
			fault_set(f, EXIT_USAGE, EINVAL, "bad tolerance '%s'",
				  arg);
			s->usage = fault_why(f, "it is a number of percent");
		}
		return 0;
	case 's':
		s->usage = s->usage ? s->usage : table_sort(s->table, arg, f);
		return 0;
	case 'f':
		s->usage = s->usage ? s->usage : table_filter(s->table, arg, f);
		return 0;
	case 'n':
		if (s->usage)
			return 0;
		s->usage = count_option(f, "rows", arg, &n);
		if (!s->usage)
			table_top(s->table, n);
		return 0;
	case ARGP_KEY_ARGS:
		s->words = state->argv + state->next;
		s->n_words = state->argc - state->next;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	.options = options,
	.parser = estimate_parse,
	.args_doc = "OBJ...\n-C A.csv B.csv",
	.doc = "How long the programs of objects can take.\v"
	       "Each program is loaded, not attached, and what the kernel "
	       "estimates with its cost model is printed. With -C, exit status "
	       "4 if a program of B takes longer at worst than in A.\n"
	       "Examples:\n"
	       "  bpfwd estimate *.bpf.o -s worst-\n"
	       "  bpfwd estimate *.bpf.o -o csv >new.csv\n"
	       "  bpfwd estimate -C old.csv new.csv --tolerance 10",
	.children = object_options,
};

#define ROW const struct row *r = row
static struct val get_object(const void *row)
{
	ROW;
	return val_text(r->object);
}

static struct val estimate_get_name(const void *row)
{
	ROW;
	return val_text(r->name);
}

static struct val get_section(const void *row)
{
	ROW;
	return val_text(r->section);
}

static struct val estimate_get_best(const void *row)
{
	ROW;
	return (struct val){ .known = r->known,
			     .num = r->e.info.estimate_best_ns };
}

static struct val estimate_get_worst(const void *row)
{
	ROW;
	return (struct val){ .known = r->known,
			     .num = r->e.info.estimate_worst_ns };
}

static struct val estimate_get_tail(const void *row)
{
	ROW;
	return (struct val){ .known = r->known && r->whole &&
				      r->e.info.estimate_reason ==
					      BPF_ESTIMATE_TAIL_CALL &&
				      kwd_tail_known(r->e.info_len),
			     .num = r->e.info.estimate_tail_ns };
}

static struct val get_async(const void *row)
{
	ROW;
	return (struct val){ .known = r->known && r->e.info.estimate_async_ns,
			     .num = r->e.info.estimate_async_ns };
}

static struct val estimate_get_bounded(const void *row)
{
	ROW;
	return (struct val){ .known = r->known,
			     .num = r->e.info.estimate_worst_ns != UINT64_MAX };
}

static struct val estimate_get_type(const void *row)
{
	ROW;
	return val_text(r->loaded ? libbpf_bpf_prog_type_str(r->e.info.type) :
				    NULL);
}

static struct val estimate_get_terminable(const void *row)
{
	ROW;
	return val_text(r->loaded ? kwd_terminable_name(r->e.info.terminable) :
				    NULL);
}

static struct val estimate_get_reason(const void *row)
{
	ROW;
	return val_text(!r->loaded ?
				"not_loaded" :
			!r->e.info.estimate_reason ?
				NULL :
				kwd_reason_name(r->e.info.estimate_reason));
}

static struct val estimate_get_why(const void *row)
{
	ROW;
	return val_text(r->why);
}

static struct val get_at(const void *row)
{
	ROW;
	return val_text(r->at);
}

static const struct col cols[] = {
	{ "object", "object", VAL_STR, COL_DEFAULT, "object file", get_object },
	{ "program", "name", VAL_STR, COL_DEFAULT, "program",
	  estimate_get_name },
	{ "best", "best_ns", VAL_NS_BOUND, COL_DEFAULT, "shortest run",
	  estimate_get_best },
	{ "worst", "worst_ns", VAL_NS_BOUND, COL_DEFAULT,
	  "longest run; inf: unbounded", estimate_get_worst },
	{ "tail", "tail_ns", VAL_NS_BOUND, COL_DEFAULT,
	  "longest run with what the object puts into its tables of tail calls",
	  estimate_get_tail },
	{ "async", "async_ns", VAL_NS_BOUND, 0,
	  "longest run of a timer's or work queue's callback", get_async },
	{ "bounded", "bounded", VAL_BOOL, 0, "is there a longest run",
	  estimate_get_bounded },
	{ "section", "section", VAL_STR, 0, "SEC() of the program",
	  get_section },
	{ "type", "type", VAL_STR, 0, "program type", estimate_get_type },
	{ "terminable", "terminable", VAL_STR, 0,
	  "can an overrun be ended: yes, or the reason why not",
	  estimate_get_terminable },
	{ "why", "reason", VAL_STR, COL_DEFAULT, "why there is no bound",
	  estimate_get_reason },
	{ "because", "reason_text", VAL_STR, 0, "the same in words",
	  estimate_get_why },
	{ "at", "at", VAL_STR, COL_DEFAULT,
	  "instruction that makes it so; why it does not load", get_at },
};

static int estimate_take(void *arg, const struct obj_prog *prog)
{
	struct estimates *s = arg;
	struct row *r = calloc(1, sizeof(*r));
	struct source src;
	int err;

	if (!r)
		return fault_set(&s->ctx->fault, EXIT_FAILED, ENOMEM,
				 "cannot keep the estimates");
	r->next = s->rows;
	s->rows = r;
	r->object = strdup(prog->object);
	r->name = strdup(prog->name);
	r->section = strdup(prog->section);
	s->programs++;
	r->loaded = prog->fd >= 0;
	r->whole = prog->whole;
	if (!r->loaded) {
		s->failed++;
		if (asprintf(&r->why, "not loaded: %s (%s)", prog->why,
			     errno_name(-prog->fd)) < 0)
			r->why = NULL;
		snprintf(r->at, sizeof(r->at), "%s", prog->why);
		goto out;
	}
	err = kwd_estimate_get(prog->fd, &r->e);
	if (err == -ENOSYS)
		return kwd_estimate_missing(&s->ctx->fault);
	if (err)
		return fault_set(&s->ctx->fault, EXIT_FAILED, err,
				 "cannot ask the kernel about %s", r->name);
	r->known = !kwd_estimate_none(r->e.info.estimate_reason);
	if (r->known && r->e.info.estimate_worst_ns != UINT64_MAX)
		s->bounded++;
	else
		s->unbounded++;
	if (r->e.info.estimate_reason)
		r->why = strdup(kwd_reason_text(r->e.info.estimate_reason));
	if (r->e.info.estimate_reason &&
	    r->e.info.estimate_xlated_off != UINT32_MAX &&
	    source_find_insn(s->btfs, prog->fd, r->e.info.estimate_xlated_off,
			     &src))
		snprintf(r->at, sizeof(r->at), "%.60s:%u: %.200s", src.file,
			 src.line, src.text ? src.text : "");
	else if (r->e.info.estimate_reason &&
		 r->e.info.estimate_insn_off != UINT32_MAX)
		snprintf(r->at, sizeof(r->at), "insn %u",
			 r->e.info.estimate_insn_off);
out:
	return table_add(s->table, r) ?
		       fault_set(&s->ctx->fault, EXIT_FAILED, ENOMEM,
				 "cannot keep the estimates") :
		       0;
}

static void estimate_print(struct estimates *s)
{
	const struct out *out = &s->ctx->out;
	struct model_use use = {};
	int err = model_in_use(&use);

	table_close(s->table);
	if (out_is_json(out)) {
		out_json(out, json_pack("{s:s, s:s, s:o}", "schema", SCHEMA,
					"source", model_source(&use),
					"programs", table_json(s->table)));
		return;
	}
	table_print(s->table, out, true);
	note(s->ctx,
	     "%zu programs: %zu bounded, %zu not, %zu did not load; "
	     "cost model: %s",
	     s->programs, s->bounded, s->unbounded, s->failed,
	     err ? "none" : use.text);
}

/* One line of a saved run. */
struct saved {
	char object[128], name[128];
	u64 worst; /* UINT64_MAX: unbounded */
	bool known;
	bool used;
};

struct run {
	struct saved *rows;
	size_t n;
};

/* The next cell of a line of CSV, unquoted in place; NULL at the end. */
static char *next_cell(char **line)
{
	char *from = *line, *to, *start;

	if (!from)
		return NULL;
	if (*from != '"') {
		start = strsep(line, ",");
		return start;
	}
	start = to = ++from;
	while (*from && !(from[0] == '"' && from[1] != '"')) {
		if (*from == '"')
			from++;
		*to++ = *from++;
	}
	if (*from == '"')
		from++;
	*line = *from == ',' ? from + 1 : NULL;
	*to = '\0';
	return start;
}

static int read_run(struct run *run, const char *path, struct fault *f)
{
	static const char *const wanted[] = { "object", "name", "worst_ns",
					      "reason" };
	int at[ARRAY_SIZE(wanted)] = { -1, -1, -1, -1 }, line_no = 0, ret = 0;
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;
	ssize_t len;

	if (!file)
		return fault_set(f, EXIT_FAILED, errno, "cannot read %s", path);
	while (!ret && (len = getline(&line, &size, file)) >= 0) {
		char *rest = line, *cell, *cells[ARRAY_SIZE(wanted)] = {};
		struct saved s = {};
		void *p;

		while (len && (line[len - 1] == '\n' || line[len - 1] == '\r'))
			line[--len] = '\0';
		line_no++;
		for (int i = 0; (cell = next_cell(&rest)); i++)
			for (size_t k = 0; k < ARRAY_SIZE(wanted); k++) {
				if (line_no == 1 && !strcmp(cell, wanted[k]))
					at[k] = i;
				else if (line_no > 1 && at[k] == i)
					cells[k] = cell;
			}
		if (line_no == 1) {
			if (at[0] < 0 || at[1] < 0 || at[2] < 0)
				ret = fault_set(f, EXIT_FAILED, EINVAL,
						"%s:1: no run of bpfwd "
						"estimate -o csv",
						path);
			continue;
		}
		if (!cells[0] || !cells[1] || !cells[2]) {
			ret = fault_set(f, EXIT_FAILED, EINVAL,
					"%s:%d: too few cells", path, line_no);
			continue;
		}
		snprintf(s.object, sizeof(s.object), "%s", cells[0]);
		snprintf(s.name, sizeof(s.name), "%s", cells[1]);
		s.worst = UINT64_MAX;
		s.known = !cells[3] || strcmp(cells[3], "not_loaded");
		if (*cells[2] && number_parse(cells[2], UINT64_MAX, &s.worst)) {
			ret = fault_set(f, EXIT_FAILED, EINVAL,
					"%s:%d: '%s' is no number of ns", path,
					line_no, cells[2]);
			continue;
		}
		p = reallocarray(run->rows, run->n + 1, sizeof(s));
		if (!p) {
			ret = fault_set(f, EXIT_FAILED, ENOMEM,
					"cannot read %s", path);
			continue;
		}
		run->rows = p;
		run->rows[run->n++] = s;
	}
	free(line);
	fclose(file);
	return ret;
}

struct change {
	const struct saved *a, *b;
	bool worse;
};

static struct val get_c_object(const void *row)
{
	const struct change *c = row;

	return val_text((c->a ? c->a : c->b)->object);
}

static struct val get_c_name(const void *row)
{
	const struct change *c = row;

	return val_text((c->a ? c->a : c->b)->name);
}

static struct val get_a(const void *row)
{
	const struct change *c = row;

	return (struct val){ .known = c->a && c->a->known,
			     .num = c->a ? c->a->worst : 0 };
}

static struct val get_b(const void *row)
{
	const struct change *c = row;

	return (struct val){ .known = c->b && c->b->known,
			     .num = c->b ? c->b->worst : 0,
			     .mark = c->worse };
}

static struct val get_diff(const void *row)
{
	const struct change *c = row;
	bool known = c->a && c->b && c->a->known && c->b->known &&
		     c->a->worst && c->a->worst != UINT64_MAX &&
		     c->b->worst != UINT64_MAX;

	return (struct val){
		.known = known,
		.real = known ? ((double)c->b->worst / c->a->worst - 1) * 100 :
				0
	};
}

static struct val estimate_get_verdict(const void *row)
{
	const struct change *c = row;

	return val_text(c->worse		     ? "worse" :
			!c->a			     ? "new" :
			!c->b			     ? "gone" :
			!c->a->known || !c->b->known ? "unknown" :
			c->b->worst < c->a->worst    ? "better" :
			c->b->worst > c->a->worst    ? "tolerated" :
						       "same");
}

static const struct col change_cols[] = {
	{ "object", "object", VAL_STR, COL_DEFAULT, "object", get_c_object },
	{ "program", "name", VAL_STR, COL_DEFAULT, "program", get_c_name },
	{ "worst(a)", "worst_a_ns", VAL_NS_BOUND, COL_DEFAULT, "A", get_a },
	{ "worst(b)", "worst_b_ns", VAL_NS_BOUND, COL_DEFAULT, "B", get_b },
	{ "diff%", "worst_change_percent", VAL_REAL, COL_DEFAULT, "change",
	  get_diff },
	{ "verdict", "verdict", VAL_STR, COL_DEFAULT,
	  "same, better, worse, tolerated, new, gone or unknown",
	  estimate_get_verdict },
};

static bool is_worse(const struct saved *a, const struct saved *b,
		     u64 tolerance)
{
	u64 most;

	if (!a || !b || !a->known || !b->known || b->worst <= a->worst)
		return false;
	if (b->worst == UINT64_MAX)
		return true;
	return __builtin_mul_overflow(a->worst, 100 + tolerance, &most) ?
		       false :
		       b->worst > most / 100;
}

static int estimate_compare(struct estimates *s)
{
	struct fault *f = &s->ctx->fault;
	struct run a = {}, b = {};
	struct table *t;
	size_t worse = 0;
	int ret;

	if (s->n_words != 2) {
		fault_set(f, EXIT_USAGE, 0, "-C takes two files, got %d",
			  s->n_words);
		return fault_hint(f, "bpfwd estimate -C A.csv B.csv");
	}
	t = table_new(change_cols, ARRAY_SIZE(change_cols));
	ret = read_run(&a, s->words[0], f);
	ret = ret ? ret : read_run(&b, s->words[1], f);
	for (size_t i = 0; !ret && i < b.n + a.n; i++) {
		struct change c = { .b = i < b.n ? &b.rows[i] : NULL };

		if (c.b) {
			for (size_t k = 0; k < a.n && !c.a; k++)
				if (!a.rows[k].used &&
				    !strcmp(a.rows[k].object, c.b->object) &&
				    !strcmp(a.rows[k].name, c.b->name)) {
					a.rows[k].used = true;
					c.a = &a.rows[k];
				}
		} else if (!a.rows[i - b.n].used) {
			c.a = &a.rows[i - b.n];
		} else {
			continue;
		}
		c.worse = is_worse(c.a, c.b, s->tolerance);
		worse += c.worse;
		if (table_add(t, &c))
			ret = fault_set(f, EXIT_FAILED, ENOMEM,
					"cannot compare");
	}
	if (!ret) {
		table_close(t);
		if (out_is_json(&s->ctx->out))
			out_json(&s->ctx->out,
				 json_pack("{s:s, s:I, s:o}", "schema",
					   "bpfwd.compare/1", "worse",
					   (json_int_t)worse, "programs",
					   table_json(t)));
		else
			table_print(t, &s->ctx->out, true);
		if (worse)
			note(s->ctx, "%zu programs can take longer than before",
			     worse);
		ret = worse ? EXIT_JUDGED : 0;
	}
	table_free(t);
	free(a.rows);
	free(b.rows);
	return ret;
}

json_t *estimate_schema(void)
{
	json_t *schema =
		cols_schema(cols, ARRAY_SIZE(cols), SCHEMA, "programs");

	json_object_set_new(json_object_get(schema, "properties"), "source",
			    json_pack("{s:s, s:s}", "type", "string",
				      "description", "of the costs"));
	return schema;
}

int cmd_estimate(struct ctx *ctx, int argc, char **argv)
{
	struct estimates s = { .ctx = ctx };
	int ret, unreadable = 0;

	s.table = table_new(cols, ARRAY_SIZE(cols));
	s.btfs = btfs_new();
	if (!s.table || !s.btfs) {
		table_free(s.table);
		btfs_free(s.btfs);
		return fault_set(&ctx->fault, EXIT_FAILED, ENOMEM, "no table");
	}
	parse_command(&argp, argc, argv, &s);
	ret = s.usage;
	if (!ret && s.compare) {
		ret = estimate_compare(&s);
	} else if (!ret && !s.n_words) {
		fault_set(&ctx->fault, EXIT_USAGE, 0, "estimate what?");
		ret = fault_hint(&ctx->fault, "bpfwd estimate OBJ...");
	} else if (!ret && !kwd_here()) {
		ret = kwd_estimate_missing(&ctx->fault);
	} else if (!ret) {
		/* CSV is for -C: with all that identifies a program */
		if (ctx->out.format == OUT_CSV)
			table_emit(s.table, "+async,bounded,section,because",
				   false, &ctx->fault);
		for (int i = 0; !ret && i < s.n_words; i++) {
			ret = objs_each(ctx, s.words[i], &s.settings,
					estimate_take, &s);
			/* one of many does not take the others with it */
			if (ret != EXIT_FAILED || s.n_words == 1)
				continue;
			note(ctx, "%s (%s)", ctx->fault.msg,
			     errno_name(ctx->fault.err));
			ctx->fault = (struct fault){};
			unreadable++;
			ret = 0;
		}
		ret = ret ? ret : obj_settings_used(&s.settings, &ctx->fault);
		if (!ret && !s.programs && s.settings.only) {
			fault_set(&ctx->fault, EXIT_NO_PROG, ENOENT,
				  "no program is called '%s'", s.settings.only);
			ret = fault_hint(&ctx->fault,
					 "without --only all are listed");
		}
		if (!ret)
			estimate_print(&s);
		if (!ret && unreadable)
			ret = fault_set(&ctx->fault, EXIT_FAILED, 0,
					"%d of %d objects cannot be read",
					unreadable, s.n_words);
		else if (!ret && s.failed)
			ret = fault_set(&ctx->fault, EXIT_FAILED, 0,
					"%zu of %zu programs do not load on "
					"this kernel",
					s.failed, s.programs);
	}
	obj_settings_free(&s.settings);
	table_free(s.table);
	btfs_free(s.btfs);
	while (s.rows) {
		struct row *r = s.rows;

		s.rows = r->next;
		free(r->object);
		free(r->name);
		free(r->section);
		free(r->why);
		free(r);
	}
	return ret;
}
