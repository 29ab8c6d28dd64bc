// SPDX-License-Identifier: GPL-2.0
/* bpfwd: control tool of the BPF runtime watchdog. Finds the command and runs
 * it; what fails is reported here and nowhere else.
 */
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "show/ctx.h"
#include "show/types.h"

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
	{ "estimate", "how long the programs of objects can take",
	  cmd_estimate },
	{ "explain", "what makes the worst case of a program", cmd_explain },
	{ "policy", "which programs may be attached where", cmd_policy },
	{ "check", "would a policy admit the programs of objects", cmd_check },
	{ "calibrate", "what instructions, helpers and kfuncs cost here",
	  cmd_calibrate },
	{ "metrics", "everything as Prometheus text, once", cmd_metrics },
	{ "serve", "policies, metrics by HTTP, events to the log", cmd_serve },
	{ "events", "what the watchdog did", cmd_events },
};

static int print_libbpf(enum libbpf_print_level level, const char *fmt,
			va_list ap)
{
	(void)level;
	return common_debug ? vfprintf(stderr, fmt, ap) : 0;
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

/* `bpfwd help COMMAND` is `bpfwd COMMAND -h`. */
static char **help_words(struct where *where, int argc, char **argv)
{
	static char *words[3] = { "bpfwd", "-h" };

	if (argc > 1)
		words[0] = argv[1];
	else
		argp_parse(&main_argp, 2, words, ARGP_NO_HELP, NULL, where);
	return words;
}

/* Help, version and schema end where they are printed. */
static void check_stdout(int status, void *arg)
{
	int err = fflush(stdout) ? errno : EIO;

	(void)arg;
	if (status || !ferror(stdout))
		return;
	fprintf(stderr, "bpfwd: cannot write the result: %s (%s)\n",
		strerror(err), errno_name(err));
	_exit(EXIT_FAILED);
}

int main(int argc, char **argv)
{
	struct ctx ctx = { .out.color = color_wanted("auto") };
	struct where where = { .ctx = &ctx };
	const struct cmd *cmd = cmds, *end = cmds + ARRAY_SIZE(cmds);
	int ret, err;

	/* as it is called, wherever it lies */
	argv[0] = "bpfwd";
	on_exit(check_stdout, NULL);
	argp_err_exit_status = EXIT_USAGE;
	libbpf_set_print(print_libbpf);
	argp_parse(&main_argp, argc, argv, ARGP_IN_ORDER | ARGP_NO_HELP, NULL,
		   &where);

	argc -= where.command;
	argv += where.command;
	if (!strcmp(argv[0], "help")) {
		argv = help_words(&where, argc, argv);
		argc = 2;
	}
	while (cmd < end && strcmp(argv[0], cmd->name))
		cmd++;
	if (cmd == end) {
		fault_set(&ctx.fault, EXIT_USAGE, 0, "no command '%s'",
			  argv[0]);
		ret = fault_hint(&ctx.fault, "bpfwd -h");
	} else {
		ret = cmd->run(&ctx, argc, argv);
	}
	err = fflush(stdout) ? errno : EIO;
	if (ferror(stdout) && ctx.fault.exit != EXIT_FAILED)
		ret = fault_set(&ctx.fault, EXIT_FAILED, err,
				"cannot write the result");
	if (ctx.fault.exit)
		fault_print(&ctx.fault, &ctx.out);
	return ret;
}
