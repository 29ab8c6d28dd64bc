// SPDX-License-Identifier: GPL-2.0
/* bpfwd top on a terminal: what is drawn, and what each key does. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "cmd/options.h"
#include "cmd/top.h"
#include "cmd/top_priv.h"
#include "kernel/kwd.h"
#include "show/ctx.h"
#include "show/duration.h"

#define TREND_MOST 40 /* cells */
#define CLOCK_READS 1000
#define LOW 8 /* lines of a screen that is too low for all heads */

/* ---- What is seen ---- */

/* What one of the clock reads costs by which the kernel counts run time: about what
 * ours do.
 */
static u64 clock_cost_ns(void)
{
	u64 from = clock_ns(CLOCK_MONOTONIC);

	for (int i = 0; i < CLOCK_READS; i++)
		clock_ns(CLOCK_MONOTONIC);
	return (clock_ns(CLOCK_MONOTONIC) - from) / CLOCK_READS;
}

static void remember(struct top *top)
{
	struct totals t = look_totals(&top->last);
	u64 cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	u64 now = clock_ns(CLOCK_MONOTONIC);

	if (top->cpu_at_ns && now > top->cpu_at_ns)
		top->own_cpu =
			(cpu - top->cpu_ns) * 100.0 / (now - top->cpu_at_ns);
	top->cpu_ns = cpu;
	top->cpu_at_ns = now;
	if (!t.rates)
		return;
	history_begin(top->all);
	history_add(top->all, 0, t.cpu, 0, 0);
	history_end(top->all);
	history_begin(top->history);
	for (size_t i = 0; i < t.programs; i++) {
		const struct ps_row *r = &top->last.rows[i];

		history_add(top->history, r->p->info.id, r->cpu, r->runs,
			    r->runs ? r->time_ns / r->runs : 0);
	}
	history_end(top->history);
}

static const char *trend(void *arg, u64 key, int width, char *buf, size_t size)
{
	const struct top *top = arg;

	return history_spark(history_find(top->history, key), width, buf, size);
}

static const struct ps_row *row_of(const struct top *top, u32 id)
{
	for (size_t i = 0; top->last.rows && i < progs_count(top->last.progs);
	     i++)
		if (top->last.rows[i].p->info.id == id)
			return &top->last.rows[i];
	return NULL;
}

static void tell(struct top *top, const struct fault *f)
{
	snprintf(top->msg, sizeof(top->msg), "%.250s%s%.250s", f->msg,
		 f->why[0] ? ": " : "", f->why);
}

static void show_table(struct top *top)
{
	top->shows = TOP_TABLE;
	top->view->owners = false;
	top->pager.first = top->pager.left = 0;
}

static void update_detail(struct top *top)
{
	const struct ps_row *row = row_of(top, top->detail);

	if (row) {
		pager_set(&top->pager, top_detail(top, row));
		return;
	}
	show_table(top);
	snprintf(top->msg, sizeof(top->msg), "program %u has gone",
		 top->detail);
}

static void refill(struct top *top)
{
	struct fault f = {};

	if (look_fill(&top->last, top->view->table, &f))
		tell(top, &f);
	grid_refresh(&top->grid);
}

static void look(struct top *top)
{
	struct fault *f = &top->ctx->fault;

	/* a program that has gone is no reason to leave */
	if (view_look(top->view, &top->last)) {
		tell(top, f);
		*f = (struct fault){};
	} else {
		remember(top);
	}
	grid_refresh(&top->grid);
	if (top->shows == TOP_DETAIL)
		update_detail(top);
}

static void draw_state(const struct top *top)
{
	char line[256], clock[16], budget[DURATION_LEN], delay[DURATION_LEN];
	struct totals t = look_totals(&top->last);
	struct kwd_state s;
	time_t now = time(NULL);

	strftime(clock, sizeof(clock), "%H:%M:%S", localtime(&now));
	duration_set(top->delay_ns, delay);
	if (kwd_state_read(&s))
		snprintf(line, sizeof(line),
			 "bpfwd top  %s  this kernel only measures, %zu "
			 "programs, every %s",
			 clock, t.programs, delay);
	else
		snprintf(line, sizeof(line),
			 "bpfwd top  %s  watchdog %s, budget %s, %zu programs, "
			 "%llu kills, every %s",
			 clock, s.val[KWD_ON] ? "on" : "off",
			 duration_set(s.val[KWD_BUDGET_US] * 1000, budget),
			 t.programs, (unsigned long long)t.kills, delay);
	screen_put(0, 0, 0, line);
}

/* All programs together, and what it costs to know that. */
static void draw_totals(const struct top *top)
{
	struct totals t = look_totals(&top->last);
	char line[256], spark[128], rate[DURATION_LEN], cpu[DURATION_LEN];

	if (!t.rates) {
		screen_put(1, 0, 0, "all: rates come with the second look");
		return;
	}
	snprintf(line, sizeof(line),
		 "all: %s runs/s, %s%% of a CPU; measuring: about %.2g%% "
		 "for statistics, %.2g%% for bpfwd",
		 amount(t.rate, rate), amount(t.cpu, cpu),
		 t.rate * 2 * top->clock_ns / 1e7, top->own_cpu);
	screen_put(1, 0, 0, line);
	screen_put(1, strlen(line) + 2, 0,
		   history_spark(history_find(top->all, 0), 30, spark,
				 sizeof(spark)));
}

static int heads(void)
{
	return LINES < LOW ? 1 : 2;
}

/* Lines for a table or a text: one is for the keys. */
static int body(void)
{
	return LINES > heads() + 1 ? LINES - heads() - 1 : 1;
}

static void draw_keys(const struct top *top)
{
	bool down;
	const struct col *sort = table_sorted(top->view->table, &down);
	char line[512];

	if (top->msg[0]) {
		screen_put(LINES - 1, 0, A_BOLD, top->msg);
		return;
	}
	if (top->shows == TOP_TABLE)
		snprintf(line, sizeof(line),
			 "q quit  ? help  Enter detail  <> sort: %s%s  / "
			 "filter%s%s",
			 sort ? sort->name : "none", down ? "-" : "",
			 top->filter[0] ? ": " : "", top->filter);
	else
		strcpy(line, "q back  j/k and arrows scroll");
	screen_put(LINES - 1, 0, 0, line);
}

static void draw(struct top *top)
{
	erase();
	draw_state(top);
	if (heads() > 1)
		draw_totals(top);
	if (top->shows == TOP_TABLE)
		grid_draw(&top->grid, heads(), body());
	else
		pager_draw(&top->pager, heads(), body());
	draw_keys(top);
	refresh();
}

/* ---- Keys of the table ---- */

static void sort_by(struct top *top, const struct col *col, bool down)
{
	struct fault ignored = {};
	char spec[80];

	snprintf(spec, sizeof(spec), "%s%s", col->key, down ? "-" : "+");
	table_sort(top->view->table, spec, &ignored);
	refill(top);
}

/* The next one of those that are shown; numbers have the largest first. */
static void sort_next(struct top *top, int step)
{
	const struct table *t = top->view->table;
	ssize_t n = table_shown(t), at = step > 0 ? -1 : n;
	bool down;
	const struct col *was = table_sorted(t, &down), *col;

	for (ssize_t i = 0; i < n; i++)
		if (table_shown_col(t, i) == was)
			at = i;
	col = table_shown_col(t, (at + step + n) % n);
	sort_by(top, col, col->kind != VAL_STR);
}

static void key_sort_left(struct top *top)
{
	sort_next(top, -1);
}

static void key_sort_right(struct top *top)
{
	sort_next(top, 1);
}

static void key_reverse(struct top *top)
{
	bool down;
	const struct col *col = table_sorted(top->view->table, &down);

	if (col)
		sort_by(top, col, !down);
}

static void key_sort(struct top *top)
{
	bool down;
	const struct col *was = table_sorted(top->view->table, &down);
	struct fault f = {};
	char spec[64];

	if (!screen_ask("sort by (COL, or COL- for the largest first): ", spec,
			sizeof(spec)) ||
	    !spec[0])
		return;
	if (!table_sort(top->view->table, spec, &f)) {
		refill(top);
		return;
	}
	tell(top, &f);
	if (was)
		sort_by(top, was, down);
}

static void key_filter(struct top *top)
{
	struct fault f = {};
	char expr[sizeof(top->filter)];

	if (!screen_ask("filter (as runs>0, or a pattern for the name; nothing: "
			"all): ",
			expr, sizeof(expr)))
		return;
	table_filter_none(top->view->table);
	if (expr[0] && table_filter(top->view->table, expr, &f)) {
		tell(top, &f);
		expr[0] = '\0';
	}
	strcpy(top->filter, expr);
	refill(top);
}

static void end_runs(struct top *top, const struct prog *p)
{
	struct kwd_step step = { .prog_id = p->info.id,
				 .prog_fd = bpf_prog_get_fd_by_id(p->info.id),
				 .op = BPF_WD_END,
				 .name = p->name,
				 .terminable = p->info.terminable };
	struct fault f = {};

	if (step.prog_fd < 0)
		fault_set(&f, EXIT_NO_PROG, step.prog_fd,
			  "program %u %s has gone", p->info.id, p->name);
	else if (!kwd_here())
		kwd_missing(&f, "cannot end runs");
	else
		kwd_steps_run(&step, 1, &f);
	if (step.prog_fd >= 0)
		close(step.prog_fd);
	if (f.exit)
		tell(top, &f);
	else
		snprintf(top->msg, sizeof(top->msg),
			 "told %u %s to end what runs; it stays loaded, KILLS "
			 "counts",
			 p->info.id, p->name);
}

static void key_kill(struct top *top)
{
	const struct prog *p = progs_find(top->last.progs, top->grid.at);
	char prompt[256], answer[8];

	if (!p)
		return;
	snprintf(prompt, sizeof(prompt), "end the runs of %u %s? [y/N] ",
		 p->info.id, p->name);
	if (screen_ask(prompt, answer, sizeof(answer)) &&
	    (!strcmp(answer, "y") || !strcmp(answer, "Y")))
		end_runs(top, p);
	else
		strcpy(top->msg, "nothing was ended");
}

static void key_detail(struct top *top)
{
	if (!top->grid.at)
		return;
	top->detail = top->grid.at;
	top->shows = TOP_DETAIL;
	/* once more, for it tells who holds it */
	top->view->owners = true;
	look(top);
}

static void key_help(struct top *top);

/* One row a key: what it is called, what it does. Those without a function are others'. */
static const struct key {
	int ch, also;
	const char *name, *help;
	void (*run)(struct top *top);
} keys[] = {
	{ '\n', KEY_ENTER, "Enter",
	  "all of the program under the cursor: graph, places, run times, last "
	  "ends, worst path",
	  key_detail },
	{ '<', 0, "<", "sort by the column to the left", key_sort_left },
	{ '>', 0, ">", "sort by the column to the right", key_sort_right },
	{ 'r', 0, "r", "turn the order round", key_reverse },
	{ 's', 0, "s", "sort by a column that is typed, shown or not",
	  key_sort },
	{ '/', 'f', "/ f",
	  "show only some: runs>0, or a pattern for the name; nothing: all",
	  key_filter },
	{ 'K', 0, "K", "end the runs of the program under the cursor, as kill",
	  key_kill },
	{ 0, 0, "j k", "one row down, up; so do the arrows", NULL },
	{ 0, 0, "g G", "first row, last row; so do Home and End", NULL },
	{ 0, 0, "PgUp PgDn", "one screen up, down", NULL },
	{ 0, 0, "h l", "one column to the left, right; so do the arrows",
	  NULL },
	{ 0, 0, "^L", "draw everything again", NULL },
	{ '?', 0, "?", "this help", key_help },
	{ 0, 0, "q", "leave; in a detail or this help: back, as Esc", NULL },
};

static void key_help(struct top *top)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return;
	fputs("KEYS\n", f);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		fprintf(f, "  %-10s %s\n", keys[i].name, keys[i].help);
	fputs("COLUMNS\n", f);
	for (size_t i = 0; i < table_shown(top->view->table); i++) {
		const struct col *c = table_shown_col(top->view->table, i);

		fprintf(f, "  %-10s %s\n", c->name, c->help);
	}
	fputs("  trend      share of a CPU at the last looks, each program's "
	      "largest full\n"
	      "`bpfwd ps -e help` lists all columns, `man bpfwd` explains them.\n",
	      f);
	if (fclose(f)) {
		free(text);
		return;
	}
	pager_set(&top->pager, text);
	top->shows = TOP_HELP;
}

/* False: leave. */
static bool top_key(struct top *top, int ch)
{
	if (ch == ERR || ch == KEY_RESIZE)
		return true;
	if (ch == KEY_CTRL('L')) {
		clearok(stdscr, TRUE);
		return true;
	}
	top->msg[0] = '\0';
	if (top->shows != TOP_TABLE) {
		if (ch == 'q' || ch == KEY_ESC)
			show_table(top);
		else
			pager_key(&top->pager, ch, body());
		return true;
	}
	if (ch == 'q')
		return false;
	if (grid_key(&top->grid, ch, body()))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (keys[i].run && (ch == keys[i].ch || ch == keys[i].also))
			keys[i].run(top);
	return true;
}

/* Until somebody leaves. */
static void watch(struct top *top)
{
	u64 next = 0, now;

	while (!stopped) {
		now = clock_ns(CLOCK_MONOTONIC);
		if (now >= next) {
			look(top);
			next = now + top->delay_ns;
		}
		draw(top);
		timeout((next - now) / 1000000 + 1);
		if (!top_key(top, getch()))
			break;
	}
}

bool top_watch(struct view *view, u64 delay_ns)
{
	struct top top = {
		.ctx = view->ctx,
		.view = view,
		.delay_ns = delay_ns,
		.grid = { .table = view->table,
			  .key = "id",
			  .fixed = 2,
			  .extra = { "TREND", 8, TREND_MOST, trend, &top } },
		.clock_ns = clock_cost_ns(),
		.history = history_new(),
		.all = history_new(),
	};
	int stats;

	if (!screen_open(view->ctx->out.color))
		return false;
	stats = bpf_enable_stats(BPF_STATS_RUN_TIME);
	if (stats < 0)
		snprintf(top.msg, sizeof(top.msg),
			 "no run statistics, so no rates: %s (%s)",
			 strerror(-stats), errno_name(-stats));
	if (top.history && top.all)
		watch(&top);
	screen_close();
	look_free(&top.last);
	grid_free(&top.grid);
	history_free(top.history);
	history_free(top.all);
	top_detail_free(top.details);
	pager_set(&top.pager, NULL);
	if (stats >= 0)
		close(stats);
	return true;
}
