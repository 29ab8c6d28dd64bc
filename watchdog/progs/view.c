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
#include "kernel/machine.h"
#include "progs/asleep.h"
#include "progs/digest.h"
#include "progs/holders.h"
#include "progs/run_times.h"
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
		view->usage = count_option(f, "rows", arg, &n);
		if (!view->usage)
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
	r->p99_ns = r->p->times ? run_times_p99(r->p->times, old->times,
						r->p->n_times,
						r->p->info.longest_run_ns) :
				  0;
	r->rates = true;
	r->rate = r->runs * 1e9 / dt_ns;
	r->cpu = r->time_ns * 100.0 / dt_ns;
	r->cpu_rel = r->cpu / cpus;
}

#define LIST_MAX 16 /* of what a cell shows */

/* Texts with commas in between; owns what it is given. */
struct list {
	char *text;
	size_t n;
};

static void list_append(struct list *list, const char *text)
{
	char *all;

	if (!text)
		return;
	/* the last word says how many are left out */
	if (list->n++ >= LIST_MAX)
		return;
	all = place_text("%s%s%s", list->text ? list->text : "",
			 list->text ? "," : "", text);
	if (all) {
		free(list->text);
		list->text = all;
	}
}

static char *list_end(struct list *list)
{
	char *all = list->text;

	if (list->n <= LIST_MAX)
		return all;
	all = place_text("%s,+%zu", list->text, list->n - LIST_MAX);
	free(list->text);
	return all;
}

/* Of all that its places have in common: one device, say, for two directions. */
static char *places_list(const struct prog *p,
			 const char *(*of)(const struct place *p))
{
	struct list list = {};

	for (size_t i = 0; i < p->n_places; i++) {
		const char *text = of(&p->places[i]);
		size_t k = 0;

		while (text && k < i &&
		       (!of(&p->places[k]) || strcmp(of(&p->places[k]), text)))
			k++;
		if (k == i)
			list_append(&list, text);
	}
	return list_end(&list);
}

static const char *device_of(const struct place *p)
{
	return p->device;
}

static const char *cgroup_of(const struct place *p)
{
	return p->cgroup;
}

static char *functions_list(const struct prog *p)
{
	struct list list = {};

	for (size_t i = 0; i < p->n_places; i++)
		for (u32 k = 0; k < p->places[i].n_funcs; k++)
			list_append(&list, p->places[i].funcs[k]);
	return list_end(&list);
}

char *prog_where(const struct prog *p)
{
	struct list list = {};
	size_t n = p->n_places;

	/* functions are hooks of their own, and all others are places */
	for (size_t i = 0; i < p->n_places; i++)
		if (p->places[i].n_funcs)
			n = 0;
	for (size_t i = 0; i < n; i++) {
		char *name = place_name(&p->places[i]);

		list_append(&list, name);
		free(name);
	}
	for (size_t i = 0; !n && p->hooks[i]; i++)
		list_append(&list, p->hooks[i]);
	return list_end(&list);
}

static json_t *places_json(const struct prog *p)
{
	json_t *all = json_array();

	for (size_t i = 0; i < p->n_places; i++)
		json_array_append_new(all, place_json(&p->places[i]));
	return all;
}

static void describe(struct ps_row *r, int what)
{
	const struct prog *p = r->p;

	r->hooks = prog_where(p);
	r->devices = places_list(p, device_of);
	r->cgroups = places_list(p, cgroup_of);
	r->functions = functions_list(p);
	if (what & LOOK_BTF)
		r->btf = btf_digest(p->info.btf_id);
	if (what & LOOK_JSON)
		r->places_json = places_json(p);
	if (!(what & PROGS_HOLDERS))
		return;
	r->holders = holders_text(p);
	if (what & LOOK_JSON)
		r->holders_json = holders_json(p);
}

int look_load(struct look *look, const struct look *last,
	      const struct prog_sel *sel, int what, struct fault *f)
{
	struct model_use use;
	struct kwd_state state;
	bool feature = !kwd_state_read(&state);
	/* asked once: it reads a file */
	long cpus = last ? sysconf(_SC_NPROCESSORS_ONLN) : 1;
	u64 boot_ns;
	size_t n;

	*look = (struct look){ .at_ns = clock_ns(CLOCK_MONOTONIC) };
	model_in_use(&use);
	if (progs_load(&look->progs, sel, what & ~(LOOK_JSON | LOOK_BTF), f))
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
		describe(r, what);
		r->source = estimate_source(&r->p->info, &use);
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
		struct ps_row *r = &look->rows[i];

		free(r->hooks);
		free(r->devices);
		free(r->cgroups);
		free(r->functions);
		free(r->holders);
		free(r->asleep);
		json_decref(r->places_json);
		json_decref(r->holders_json);
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

	if (out_is_json(&view->ctx->out))
		what |= LOOK_JSON;
	if (view->owners || table_wants(view->table, "owner") ||
	    table_wants(view->table, "holders"))
		what |= PROGS_HOLDERS;
	if (table_wants(view->table, "p99_now"))
		what |= PROGS_TIMES;
	if (table_wants(view->table, "btf"))
		what |= LOOK_BTF;
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
