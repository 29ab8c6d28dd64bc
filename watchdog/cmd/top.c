// SPDX-License-Identifier: GPL-2.0
/* bpfwd top: the table of `bpfwd ps`, live. Off a terminal it is ps with an
 * interval.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "cmd/ps.h"
#include "cmd/top.h"
#include "show/ctx.h"
#include "show/duration.h"

#define DELAY_NS 2000000000ULL
#define DELAY_MIN_NS 100000000ULL

static const struct argp_option options[] = {
	{ "delay", 'd', "SECS", 0, "time between two looks, 2s if not given",
	  1 },
	{ 0 },
};

struct top_args {
	struct view view;
	u64 delay_ns;
};

#ifdef BPFWD_WITHOUT_SCREEN
static bool on_screen(struct top_args *top)
{
	note(top->view.ctx,
	     "this bpfwd was built without ncurses: it has no screen");
	return false;
}
#else
/* False: it is ps with an interval. */
static bool on_screen(struct top_args *top)
{
	/* before the terminal is taken: it has to come back */
	stop_on_signals();
	if (top_watch(&top->view, top->delay_ns))
		return true;
	note(top->view.ctx, "this terminal can do too little: $TERM is %s",
	     getenv("TERM") ?: "not set");
	return false;
}
#endif

static int top_run(struct top_args *top)
{
	struct ctx *ctx = top->view.ctx;
	struct look first = {};

	if (ctx->out.format == OUT_TABLE && isatty(STDIN_FILENO) &&
	    isatty(STDOUT_FILENO)) {
		/* what fails at once is better said where it stays */
		if (view_look(&top->view, &first))
			return ctx->fault.exit;
		look_free(&first);
		if (on_screen(top))
			return EXIT_OK;
	}
	return view_repeat(&top->view, top->delay_ns, 0, true);
}

static void take_delay(struct top_args *top, const char *arg)
{
	struct fault *f = &top->view.ctx->fault;
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
	struct top_args *top = state->input;
	struct fault *f = &top->view.ctx->fault;
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
		       "The key ? lists all keys; Enter shows all of a program, q "
		       "leaves. Run statistics are on while it runs, at the "
		       "cost of two clock reads per run.\n"
		       "Examples:\n"
		       "  bpfwd top -w\n"
		       "  bpfwd top -d 0.5 -s kills-",
		.children = view_options,
	};
	struct top_args top = { .delay_ns = DELAY_NS };
	int ret;

	if (view_init(&top.view, ctx))
		return ctx->fault.exit;
	parse_command(&argp, argc, argv, &top);
	ret = top.view.usage;
	if (!ret && !view_help(&top.view))
		ret = view_columns(&top.view) ?: top_run(&top);
	view_free(&top.view);
	return ret;
}
