// SPDX-License-Identifier: GPL-2.0
/* bpfwd top: the table of `bpfwd ps`, live. Off a terminal it is ps with an
 * interval.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <locale.h>
#include <ncurses.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <term.h>
#include <termios.h>
#include <unistd.h>
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "cmd/ps.h"
#include "kernel/kwd.h"
#include "show/ctx.h"
#include "show/duration.h"

#define DELAY_NS 2000000000ULL
#define DELAY_MIN_NS 100000000ULL
#define CTRL_L ('L' - '@')
#define BODY 3 /* the first line of the table: state, message, heads */

struct top {
	struct ctx *ctx;
	struct view view;
	u64 delay_ns;
	struct look last;
	u32 id; /* of the program under the cursor, 0: none */
	size_t row, first; /* its row, and the first one on the screen */
	char sort[64];
	char msg[512];
};

static const struct argp_option options[] = {
	{ "delay", 'd', "SECS", 0, "time between two looks, 2s if not given",
	  1 },
	{ 0 },
};

/* ---- The terminal comes back however we end ---- */

static struct termios saved_termios;
static char restore[256];
static size_t restore_len;

static int restore_put(int c)
{
	if (restore_len < sizeof(restore))
		restore[restore_len++] = c;
	return c;
}

static void restore_add(const char *cap)
{
	const char *text = tigetstr(cap);

	if (text && text != (char *)-1)
		tputs(text, 1, restore_put);
}

/* endwin() may not be called in a signal handler; these may. */
static void on_fatal(int sig)
{
	/* if that fails, nothing is left to do about it */
	(void)!write(STDOUT_FILENO, restore, restore_len);
	tcsetattr(STDIN_FILENO, TCSANOW, &saved_termios);
	raise(sig);
}

static SCREEN *screen_open(const struct ctx *ctx)
{
	static const int fatal[] = { SIGABRT, SIGSEGV, SIGBUS,
				     SIGFPE,  SIGILL,  SIGQUIT };
	struct sigaction act = { .sa_handler = on_fatal,
				 .sa_flags = SA_RESETHAND | SA_NODEFER };
	SCREEN *screen;

	setlocale(LC_CTYPE, "");
	if (tcgetattr(STDIN_FILENO, &saved_termios))
		return NULL;
	/* before newterm(), which would end us by exit() otherwise */
	stop_on_signals();
	screen = newterm(NULL, stdout, stdin);
	if (!screen)
		return NULL;
	restore_add("sgr0");
	restore_add("cnorm");
	restore_add("rmkx");
	restore_add("rmcup");
	for (size_t i = 0; i < ARRAY_SIZE(fatal); i++)
		sigaction(fatal[i], &act, NULL);
	cbreak();
	noecho();
	keypad(stdscr, TRUE);
	set_escdelay(25);
	curs_set(0);
	if (ctx->out.color && has_colors()) {
		start_color();
		use_default_colors();
		init_pair(1, COLOR_RED, -1);
	}
	return screen;
}

static void screen_close(SCREEN *screen)
{
	endwin();
	delscreen(screen);
}

/* ---- What is on it ---- */

/* Never beyond the right edge: the rest would begin the next line. */
static void top_put(int y, int x, const char *text)
{
	if (y < LINES && x < COLS)
		mvaddnstr(y, x, text, COLS - x);
}

static int page(void)
{
	/* one line for the keys */
	return LINES > BODY + 1 ? LINES - BODY - 1 : 1;
}

static u64 kills(const struct look *look)
{
	u64 n = 0;

	for (size_t i = 0; look->rows && i < progs_count(look->progs); i++)
		if (look->rows[i].feature)
			n += look->rows[i].p->info.terminations;
	return n;
}

static void draw_state(const struct top *top)
{
	char line[256], clock[16], budget[DURATION_LEN], delay[DURATION_LEN];
	struct kwd_state s;
	time_t now = time(NULL);
	size_t all = top->last.rows ? progs_count(top->last.progs) : 0;

	strftime(clock, sizeof(clock), "%H:%M:%S", localtime(&now));
	duration_set(top->delay_ns, delay);
	if (kwd_state_read(&s))
		snprintf(line, sizeof(line),
			 "bpfwd top  %s  no watchdog in this kernel, %zu "
			 "programs, every %s",
			 clock, all, delay);
	else
		snprintf(line, sizeof(line),
			 "bpfwd top  %s  watchdog %s, budget %s, %zu programs, "
			 "%llu kills, every %s",
			 clock, s.val[KWD_ON] ? "on" : "off",
			 duration_set(s.val[KWD_BUDGET_US] * 1000, budget), all,
			 (unsigned long long)kills(&top->last), delay);
	top_put(0, 0, line);
	attron(A_BOLD);
	top_put(1, 0, top->msg);
	attroff(A_BOLD);
}

static void draw_cell(int y, int x, int width, bool left, const char *text)
{
	top_put(y, left ? x : x + width - (int)strlen(text), text);
}

static void draw_table(struct top *top)
{
	const struct table *t = top->view.table;
	char buf[TABLE_CELL_LEN];
	int x = 0;

	attron(A_REVERSE);
	mvhline(BODY - 1, 0, ' ', COLS);
	attroff(A_REVERSE);
	if (top->row < table_rows(t))
		mvchgat(BODY + top->row - top->first, 0, -1, A_STANDOUT, 0,
			NULL);
	for (size_t i = 0; i < table_shown(t) && x < COLS; i++) {
		bool left = table_left(t, i), mark;
		int width = table_width(t, i);

		attron(A_REVERSE);
		draw_cell(BODY - 1, x, width, left, table_head(t, i, buf));
		attroff(A_REVERSE);
		for (size_t r = top->first;
		     r < table_rows(t) && r < top->first + page(); r++) {
			const char *text = table_cell(t, r, i, &mark, buf);
			int attr = (r == top->row ? A_BOLD | A_UNDERLINE : 0) |
				   (mark && top->ctx->out.color ?
					    COLOR_PAIR(1) :
					    0);

			attron(attr);
			draw_cell(BODY + r - top->first, x, width, left, text);
			attroff(attr);
		}
		x += width + 2;
	}
}

/* The cursor stays on its program where the table moved. */
static void find_cursor(struct top *top)
{
	const struct table *t = top->view.table;
	const struct col *id = table_col(t, "id");
	size_t n = table_rows(t), shown = page();

	for (size_t r = 0; top->id && r < n; r++)
		if (table_val(t, r, id)->num == top->id)
			top->row = r;
	if (top->row >= n)
		top->row = n ? n - 1 : 0;
	top->id = n ? table_val(t, top->row, id)->num : 0;
	if (top->row < top->first)
		top->first = top->row;
	if (top->row >= top->first + shown)
		top->first = top->row - shown + 1;
}

static void draw(struct top *top)
{
	find_cursor(top);
	erase();
	draw_state(top);
	draw_table(top);
	top_put(LINES - 1, 0,
		"q quit  j/k move  s sort  f filter  K end its runs");
	refresh();
}

/* ---- Keys ---- */

/* One line from the user; false if it was given up. */
static bool ask(const char *prompt, char *buf, size_t size)
{
	int ret;

	move(1, 0);
	clrtoeol();
	top_put(1, 0, prompt);
	echo();
	curs_set(1);
	timeout(-1);
	ret = getnstr(buf, size - 1);
	noecho();
	curs_set(0);
	return ret == OK && !stopped;
}

static void tell(struct top *top, const struct fault *f)
{
	snprintf(top->msg, sizeof(top->msg), "%.250s%s%.250s", f->msg,
		 f->why[0] ? ": " : "", f->why);
}

static void refill(struct top *top)
{
	struct fault f = {};

	if (look_fill(&top->last, top->view.table, &f))
		tell(top, &f);
}

static void key_sort(struct top *top)
{
	struct fault f = {}, ignored = {};
	char spec[sizeof(top->sort)];

	if (!ask("sort by (COL, or COL- for the largest first): ", spec,
		 sizeof(spec)) ||
	    !spec[0])
		return;
	if (table_sort(top->view.table, spec, &f)) {
		tell(top, &f);
		table_sort(top->view.table, top->sort, &ignored);
		return;
	}
	strcpy(top->sort, spec);
	refill(top);
}

static void key_filter(struct top *top)
{
	struct fault f = {};
	char expr[128];

	if (!ask("filter (as kills>0, or a pattern for the name; nothing: show "
		 "all): ",
		 expr, sizeof(expr)))
		return;
	table_filter_none(top->view.table);
	if (expr[0] && table_filter(top->view.table, expr, &f))
		tell(top, &f);
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
	const struct prog *p = progs_find(top->last.progs, top->id);
	char prompt[256], answer[8];

	if (!p)
		return;
	snprintf(prompt, sizeof(prompt), "end the runs of %u %s? [y/N] ",
		 p->info.id, p->name);
	if (ask(prompt, answer, sizeof(answer)) &&
	    (!strcmp(answer, "y") || !strcmp(answer, "Y")))
		end_runs(top, p);
	else
		strcpy(top->msg, "nothing was ended");
}

static void move_to(struct top *top, ssize_t row)
{
	const struct table *t = top->view.table;
	ssize_t n = table_rows(t);

	row = row >= n ? n - 1 : row;
	top->row = row < 0 ? 0 : row;
	top->id = n ? table_val(t, top->row, table_col(t, "id"))->num : 0;
}

/* False: leave. */
static bool top_key(struct top *top, int ch)
{
	ssize_t row = top->row;

	if (ch != ERR && ch != KEY_RESIZE && ch != CTRL_L)
		top->msg[0] = '\0';
	switch (ch) {
	case 'q':
		return false;
	case 'j':
	case KEY_DOWN:
		move_to(top, row + 1);
		break;
	case 'k':
	case KEY_UP:
		move_to(top, row - 1);
		break;
	case KEY_NPAGE:
		move_to(top, row + page());
		break;
	case KEY_PPAGE:
		move_to(top, row - page());
		break;
	case 'g':
	case KEY_HOME:
		move_to(top, 0);
		break;
	case 'G':
	case KEY_END:
		move_to(top, table_rows(top->view.table));
		break;
	case 's':
		key_sort(top);
		break;
	case 'f':
		key_filter(top);
		break;
	case 'K':
		key_kill(top);
		break;
	case CTRL_L:
		clearok(stdscr, TRUE);
		break;
	}
	return true;
}

static void look(struct top *top)
{
	struct fault *f = &top->ctx->fault;

	/* a program that has gone is no reason to leave */
	if (view_look(&top->view, &top->last)) {
		tell(top, f);
		*f = (struct fault){};
	}
}

static void watch(struct top *top)
{
	u64 next = 0, now;
	int stats = bpf_enable_stats(BPF_STATS_RUN_TIME);

	if (stats < 0)
		snprintf(top->msg, sizeof(top->msg),
			 "no run statistics, so no rates: %s (%s)",
			 strerror(-stats), errno_name(-stats));
	do {
		now = clock_ns(CLOCK_MONOTONIC);
		if (now >= next) {
			look(top);
			next = now + top->delay_ns;
		}
		draw(top);
		timeout((next - now) / 1000000 + 1);
	} while (!stopped && top_key(top, getch()) && !stopped);
	look_free(&top->last);
	if (stats >= 0)
		close(stats);
}

static int top_run(struct top *top)
{
	SCREEN *screen = NULL;
	struct look first = {};
	struct kwd_state state;

	if (top->ctx->out.format == OUT_TABLE && isatty(STDIN_FILENO) &&
	    isatty(STDOUT_FILENO)) {
		/* what fails at once is better said where it stays */
		if (view_look(&top->view, &first))
			return top->ctx->fault.exit;
		look_free(&first);
		screen = screen_open(top->ctx);
		if (!screen)
			note(top->ctx, "this terminal can do too little");
	}
	if (!screen)
		return view_repeat(&top->view, top->delay_ns, 0, true);
	watch(top);
	screen_close(screen);
	if (kwd_state_read(&state) == -ENOSYS)
		return kwd_missing(&top->ctx->fault, "measured columns only");
	return EXIT_OK;
}

static void take_delay(struct top *top, const char *arg)
{
	struct fault *f = &top->ctx->fault;
	char *end, with_unit[64];
	double secs = strtod(arg, &end);

	if (top->view.usage)
		return;
	/* a bare number is seconds here, as for top(1) */
	if (end != arg && !*end && secs >= 0) {
		snprintf(with_unit, sizeof(with_unit), "%ss", arg);
		arg = with_unit;
	}
	top->view.usage =
		duration_option(f, "delay", "1s", arg, &top->delay_ns);
	if (top->view.usage || top->delay_ns >= DELAY_MIN_NS)
		return;
	top->view.usage =
		fault_set(f, EXIT_USAGE, ERANGE, "bad delay '%s'", arg);
	fault_why(f, "it is at least 100ms, for looking costs time as well");
}

static error_t top_parse(int key, char *arg, struct argp_state *state)
{
	struct top *top = state->input;
	struct fault *f = &top->ctx->fault;
	int used;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &top->view;
		state->child_inputs[1] = top->view.ctx;
		return 0;
	case 'd':
		take_delay(top, arg);
		return 0;
	case ARGP_KEY_ARGS:
		if (top->view.usage)
			return 0;
		top->view.usage = prog_sel_parse(&top->view.sel,
						 state->argc - state->next,
						 state->argv + state->next,
						 &used, f);
		if (!top->view.usage && state->next + used < state->argc)
			argp_error(state, "'%s' is no program",
				   state->argv[state->next + used]);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

int cmd_top(struct ctx *ctx, int argc, char **argv)
{
	static const struct argp argp = {
		.options = options,
		.parser = top_parse,
		.args_doc = "[PROG...]",
		.doc = "The table of bpfwd ps, live. Off a terminal it prints "
		       "the table every so often.\v"
		       "Keys: q leaves, j and k or the arrows move, s sorts, f "
		       "filters, K ends the runs of the program under the "
		       "cursor. Run statistics are on while it runs, at the "
		       "cost of two clock reads per run.\n"
		       "Examples:\n"
		       "  bpfwd top -w\n"
		       "  bpfwd top -d 0.5 -s kills-",
		.children = view_options,
	};
	struct top top = { .ctx = ctx, .delay_ns = DELAY_NS };
	int ret;

	if (view_init(&top.view, ctx))
		return ctx->fault.exit;
	parse_command(&argp, argc, argv, &top);
	ret = top.view.usage;
	snprintf(top.sort, sizeof(top.sort), "%s", top.view.sort);
	if (!ret && !view_help(&top.view))
		ret = view_columns(&top.view) ?: top_run(&top);
	view_free(&top.view);
	return ret;
}
