// SPDX-License-Identifier: GPL-2.0
/* What ps, top and metrics share: options that choose rows and columns, and
 * looks at all programs that fill a table.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "kernel/kwd.h"
#include "progs/asleep.h"
#include "progs/view.h"
#include "show/duration.h"

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
	{ 0 },
};

static error_t view_parse(int key, char *arg, struct argp_state *state)
{
	struct view *view = state->input;
	struct fault *f = &view->ctx->fault;
	u64 n;

	switch (key) {
	case 'e':
		view->emit = arg;
		return 0;
	case 'w':
		view->wide = true;
		return 0;
	case 's':
		view->sort = arg;
		view->usage = view->usage ? view->usage :
					    table_sort(view->table, arg, f);
		return 0;
	case 'f':
		view->usage = view->usage ? view->usage :
					    table_filter(view->table, arg, f);
		return 0;
	case 'n':
		if (view->usage)
			return 0;
		if (number_parse(arg, UINT32_MAX, &n) || !n)
			view->usage = fault_set(f, EXIT_USAGE, EINVAL,
						"bad number of rows '%s'", arg);
		else
			table_top(view->table, n);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

const struct argp view_argp = { .options = options, .parser = view_parse };

int view_init(struct view *view, struct ctx *ctx)
{
	*view = (struct view){ .ctx = ctx, .sort = "run_time_ns-" };
	view->table = table_new(ps_cols, ps_n_cols);
	if (!view->table)
		return fault_set(&ctx->fault, EXIT_FAILED, ENOMEM, "no table");
	if (!kwd_here())
		table_defaults(view->table, COL_MEASURED);
	return table_sort(view->table, view->sort, &ctx->fault);
}

void view_free(struct view *view)
{
	prog_sel_free(view->sel);
	table_free(view->table);
}

bool view_help(const struct view *view)
{
	if (!view->emit || strcmp(view->emit, "help"))
		return false;
	table_help(view->table);
	return true;
}

int view_columns(struct view *view)
{
	return table_emit(view->table, view->emit, view->wide,
			  &view->ctx->fault);
}

static void set_rates(struct ps_row *r, const struct look *last, u64 at_ns,
		      long cpus)
{
	const struct prog *old = last ? progs_find(last->progs, r->p->info.id) :
					NULL;
	double dt_ns = old ? at_ns - last->at_ns : 0;

	if (!dt_ns)
		return;
	r->runs = r->p->info.run_cnt - old->info.run_cnt;
	r->time_ns = r->p->info.run_time_ns - old->info.run_time_ns;
	r->rates = true;
	r->rate = r->runs * 1e9 / dt_ns;
	r->cpu = r->time_ns * 100.0 / dt_ns;
	r->cpu_rel = r->cpu / cpus;
}

static char *view_join(const char *const *list)
{
	size_t len = 0;
	char *all, *at;

	for (size_t i = 0; list[i]; i++)
		len += strlen(list[i]) + 1;
	at = all = malloc(len + 1);
	if (!all)
		return NULL;
	*at = '\0';
	for (size_t i = 0; list[i]; i++) {
		if (i)
			*at++ = ',';
		at = stpcpy(at, list[i]);
	}
	return all;
}

int look_load(struct look *look, const struct look *last,
	      const struct prog_sel *sel, int what, struct fault *f)
{
	struct kwd_state state;
	bool feature = !kwd_state_read(&state);
	/* asked once: it reads a file */
	long cpus = last ? sysconf(_SC_NPROCESSORS_ONLN) : 1;
	u64 boot_ns;
	size_t n;

	*look = (struct look){ .at_ns = clock_ns(CLOCK_MONOTONIC) };
	if (progs_load(&look->progs, sel, what, f))
		return f->exit;
	boot_ns = clock_ns(CLOCK_BOOTTIME);
	n = progs_count(look->progs);
	look->rows = calloc(n + 1, sizeof(*look->rows));
	if (!look->rows) {
		look_free(look);
		return fault_set(f, EXIT_FAILED, ENOMEM, "no memory");
	}
	for (size_t i = 0; i < n; i++) {
		struct ps_row *r = &look->rows[i];

		r->p = progs_get(look->progs, i);
		r->feature = feature && kwd_info_known(r->p->info_len);
		r->default_budget_ns =
			feature ? state.val[KWD_BUDGET_US] * 1000 : 0;
		r->now_ns = boot_ns;
		r->hooks = view_join(r->p->hooks);
		r->asleep = asleep_text(&r->p->info, r->p->info_len);
		set_rates(r, last, look->at_ns, cpus);
	}
	return 0;
}

int look_fill(const struct look *look, struct table *t, struct fault *f)
{
	table_clear(t);
	for (size_t i = 0; look->rows && i < progs_count(look->progs); i++) {
		if (!table_add(t, &look->rows[i]))
			continue;
		table_clear(t);
		return fault_set(f, EXIT_FAILED, ENOMEM, "no memory");
	}
	table_close(t);
	return 0;
}

void look_free(struct look *look)
{
	for (size_t i = 0; look->rows && i < progs_count(look->progs); i++) {
		free(look->rows[i].hooks);
		free(look->rows[i].asleep);
	}
	free(look->rows);
	progs_free(look->progs);
	*look = (struct look){};
}

int view_look(struct view *view, struct look *last)
{
	struct fault *f = &view->ctx->fault;
	int what = PROGS_HOOKS;
	struct look look;

	if (view->owners || table_wants(view->table, "owner"))
		what |= PROGS_OWNERS;
	if (look_load(&look, last, view->sel, what, f))
		return f->exit;
	look_free(last);
	*last = look;
	return look_fill(last, view->table, f);
}

struct totals look_totals(const struct look *look)
{
	struct totals t = {
		.programs = look->rows ? progs_count(look->progs) : 0,
	};

	for (size_t i = 0; i < t.programs; i++) {
		const struct ps_row *r = &look->rows[i];

		if (r->feature)
			t.kills += r->p->info.terminations;
		if (!r->rates)
			continue;
		t.rates = true;
		t.rate += r->rate;
		t.cpu += r->cpu;
	}
	return t;
}
