// SPDX-License-Identifier: GPL-2.0
/* bpfwd: control tool of the BPF runtime watchdog. Finds the command and runs
 * it; what fails is reported here and nowhere else.
 */
#include <bpf/libbpf.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "main.h"

static const struct cmd cmds[] = {
	{ "doctor", "what this kernel supports, and what is missing",
	  cmd_doctor },
	{ "status", "state of the watchdog", cmd_status },
	{ "enable", "switch the watchdog on, set its defaults", cmd_enable },
	{ "disable", "switch the watchdog off", cmd_disable },
	{ "ps", "one table of all programs, or of some", cmd_ps },
	{ "top", "the same table, live", cmd_top },
	{ "set", "budget, action and quarantine of a program", cmd_set },
	{ "kill", "end the running invocations of a program", cmd_kill },
	{ "estimate", "how long the programs of objects can take", cmd_estimate },
	{ "explain", "what makes the worst case of a program", cmd_explain },
	{ "policy", "which programs may be attached where", cmd_policy },
	{ "check", "would a policy admit the programs of objects",
	  cmd_check },
	{ "calibrate", "what instructions, helpers and kfuncs cost here",
	  cmd_calibrate },
	{ "metrics", "everything as Prometheus text, once", cmd_metrics },
	{ "serve", "policies, metrics by HTTP, events to the log", cmd_serve },
	{ "events", "what the watchdog did", cmd_events },
};

static bool debug;

static int print_libbpf(enum libbpf_print_level level, const char *fmt,
			va_list ap)
{
	(void)level;
	return debug ? vfprintf(stderr, fmt, ap) : 0;
}

enum { KEY_DEBUG = 0x1000, KEY_COLOR };

static const struct argp_option common_opts[] = {
	{ "json", 'j', 0, 0, "JSON on stdout, errors too", 90 },
	{ "pretty", 'p', 0, 0, "indented JSON", 90 },
	{ "output", 'o', "FORMAT", 0, "table, csv, json or jsonl", 90 },
	{ "color", KEY_COLOR, "WHEN", 0, "auto, always or never", 90 },
	{ "quiet", 'q', 0, 0, "no notes, results and errors only", 91 },
	{ "verbose", 'v', 0, 0, "say more", 91 },
	{ "debug", KEY_DEBUG, 0, 0, "show the messages of libbpf", 91 },
	{ "help", 'h', 0, 0, "this help", 92 },
	{ "usage", '?', 0, OPTION_HIDDEN, 0, 92 },
	{ "version", 'V', 0, 0, "print the version", 92 },
	{ 0 },
};

static bool want_color(const char *when)
{
	const char *term = getenv("TERM"), *no = getenv("NO_COLOR");

	if (strcmp(when, "auto"))
		return !strcmp(when, "always");
	return isatty(STDOUT_FILENO) && term && strcmp(term, "dumb") &&
	       !(no && *no);
}

static error_t parse_common(int key, char *arg, struct argp_state *state)
{
	struct ctx *ctx = state->input;

	switch (key) {
	case 'j':
		ctx->out.format = OUT_JSON;
		return 0;
	case 'p':
		ctx->out.format = OUT_JSON;
		ctx->out.pretty = true;
		return 0;
	case 'o':
		if (out_format_parse(arg, &ctx->out.format))
			argp_error(state,
				   "no output format '%s': it is table, csv, "
				   "json or jsonl",
				   arg);
		return 0;
	case KEY_COLOR:
		if (strcmp(arg, "auto") && strcmp(arg, "always") &&
		    strcmp(arg, "never"))
			argp_error(state,
				   "no colour mode '%s': it is auto, always "
				   "or never",
				   arg);
		ctx->out.color = want_color(arg);
		return 0;
	case 'q':
		ctx->quiet = true;
		return 0;
	case 'v':
		ctx->verbose++;
		return 0;
	case KEY_DEBUG:
		debug = true;
		return 0;
	case 'h':
	case '?':
		argp_state_help(state, stdout, ARGP_HELP_STD_HELP);
		return 0;
	case 'V':
		printf("bpfwd %s, libbpf %s\n", BPFWD_VERSION,
		       libbpf_version_string());
		exit(EXIT_OK);
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp common_argp = { .options = common_opts,
					 .parser = parse_common };

const struct argp_child common_options[] = {
	{ &common_argp, 0, "Options of all commands:", 90 },
	{ 0 },
};

int parse_command(const struct argp *argp, int argc, char **argv, void *input)
{
	static char name[64];

	snprintf(name, sizeof(name), "bpfwd %s", argv[0]);
	argv[0] = name;
	return argp_parse(argp, argc, argv, ARGP_NO_HELP, NULL, input);
}

static error_t parse_nothing(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = state->input;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "takes no argument, got '%s'", arg);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

int parse_plain(struct ctx *ctx, int argc, char **argv, const char *doc)
{
	struct argp argp = { .parser = parse_nothing,
			     .doc = doc,
			     .children = common_options };

	return parse_command(&argp, argc, argv, ctx);
}

void note(const struct ctx *ctx, const char *fmt, ...)
{
	va_list ap;

	if (ctx->quiet || out_is_json(&ctx->out))
		return;
	fflush(stdout);
	fputs("bpfwd: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

volatile int stopped;

static void on_signal(int sig)
{
	(void)sig;
	stopped = 1;
}

void stop_on_signals(void)
{
	/* no SA_RESTART: a blocked read or sleep must return */
	struct sigaction act = { .sa_handler = on_signal };

	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	sigaction(SIGHUP, &act, NULL);
	/* a closed pipe is a write error, so that the clean-up runs */
	signal(SIGPIPE, SIG_IGN);
}

/* Finds the command's place in argv; global options may stand before it. */
struct where {
	struct ctx *ctx;
	int command;
};

static error_t parse_main(int key, char *arg, struct argp_state *state)
{
	struct where *where = state->input;

	(void)arg;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = where->ctx;
		return 0;
	case ARGP_KEY_ARG:
		where->command = state->next - 1;
		state->next = state->argc;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_state_help(state, stderr,
				(ARGP_HELP_STD_HELP & ~ARGP_HELP_EXIT_OK) |
					ARGP_HELP_EXIT_ERR);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static char *list_commands(int key, const char *text, void *input)
{
	char *doc = NULL;
	size_t len;
	FILE *f;

	(void)input;
	if (key != ARGP_KEY_HELP_POST_DOC)
		return (char *)text;
	f = open_memstream(&doc, &len);
	if (!f)
		return (char *)text;
	fputs("Commands:\n", f);
	for (size_t i = 0; i < ARRAY_SIZE(cmds); i++)
		fprintf(f, "  %-10s %s\n", cmds[i].name, cmds[i].help);
	fputs("\n`bpfwd COMMAND -h` explains one of them, bpfwd(8) all.", f);
	fclose(f);
	return doc;
}

static const struct argp main_argp = {
	.parser = parse_main,
	.args_doc = "COMMAND [ARGUMENT...]",
	.doc = "Control tool of the BPF runtime watchdog\v",
	.children = common_options,
	.help_filter = list_commands,
};

int main(int argc, char **argv)
{
	struct ctx ctx = { .out.color = want_color("auto") };
	struct where where = { .ctx = &ctx };
	const struct cmd *cmd = cmds, *end = cmds + ARRAY_SIZE(cmds);
	int ret;

	argp_err_exit_status = EXIT_USAGE;
	libbpf_set_print(print_libbpf);
	argp_parse(&main_argp, argc, argv, ARGP_IN_ORDER | ARGP_NO_HELP, NULL,
		   &where);

	while (cmd < end && strcmp(argv[where.command], cmd->name))
		cmd++;
	if (cmd == end) {
		fault_set(&ctx.fault, EXIT_USAGE, 0, "no command '%s'",
			  argv[where.command]);
		ret = fault_hint(&ctx.fault, "bpfwd -h");
	} else {
		ret = cmd->run(&ctx, argc - where.command,
			       argv + where.command);
	}
	if (fflush(stdout) && !ctx.fault.exit)
		ret = fault_set(&ctx.fault, EXIT_FAILED, errno,
				"cannot write the result");
	if (ctx.fault.exit)
		fault_print(&ctx.fault, &ctx.out);
	return ret;
}
