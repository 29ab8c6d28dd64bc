// SPDX-License-Identifier: GPL-2.0
/* Finds the command and runs it; what fails is reported here and nowhere else. */
#include <bpf/libbpf.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "show/ctx.h"
#include "show/types.h"

static int print_libbpf(enum libbpf_print_level level, const char *fmt,
			va_list ap)
{
	(void)level;
	return common_debug ? vfprintf(stderr, fmt, ap) : 0;
}

/* Finds the command's place in argv; global options may stand before it. */
struct where {
	struct ctx *ctx;
	const struct cmd *cmds;
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
		if (out_is_json(&where->ctx->out))
			argp_error(state, "which command?");
		argp_state_help(state, stderr,
				(ARGP_HELP_STD_HELP & ~ARGP_HELP_EXIT_OK) |
					ARGP_HELP_EXIT_ERR);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static char *list_commands(int key, const char *text, void *input)
{
	const struct where *where = input;
	char *doc = NULL;
	size_t len;
	FILE *f;

	if (key != ARGP_KEY_HELP_POST_DOC)
		return (char *)text;
	f = open_memstream(&doc, &len);
	if (!f)
		return (char *)text;
	fputs("Commands:\n", f);
	for (const struct cmd *cmd = where->cmds; cmd->name; cmd++)
		fprintf(f, "  %-10s %s\n", cmd->name, cmd->help);
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
		parse_args(&main_argp, 2, words, 0, where);
	return words;
}

/* Help, version, schema and wrong usage end where they are found. */
static void check_stdout(int status, void *arg)
{
	const struct ctx *ctx = arg;
	int err;

	report_usage(&ctx->out);
	err = out_errno();
	if (status || !ferror(stdout))
		return;
	fprintf(stderr, "bpfwd: cannot write the result: %s (%s)\n",
		strerror(err), errno_name(err));
	_exit(EXIT_FAILED);
}

static bool same_owner(const char *a, const char *b)
{
	struct stat of_a, of_b;

	return !stat(a, &of_a) && !stat(b, &of_b) && of_a.st_uid == of_b.st_uid;
}

/* bpfwd-NAME is beside this program where both were built, else where it is installed.
 * Only the owner of this one can have put the right one beside it.
 */
static int run_program(struct fault *f, const char *name, char **argv)
{
	char self[PATH_MAX] = "", *path = NULL, *beside = NULL;
	int err = ENOMEM;

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) > 0 &&
	    asprintf(&beside, "%s-%s", self, name) > 0) {
		*strrchr(self, '/') = '\0';
		if (same_owner("/proc/self/exe", beside))
			path = strdup(beside);
		else if (asprintf(&path, "%s/" BPFWD_LIBEXEC "/bpfwd-%s", self,
				  name) < 0)
			path = NULL;
	}
	if (path) {
		execv(path, argv);
		err = errno;
	}
	fault_set(f, EXIT_FAILED, err, "cannot run %s, which is bpfwd %s",
		  path ? path : "a program", name);
	free(path);
	free(beside);
	fault_why(
		f,
		"it is left out where bpfwd is built without libmicrohttpd or libcap");
	return fault_hint(
		f,
		"install bpfwd again, all of it; or `bpfwd metrics --textfile FILE`");
}

int cmd_main(const struct cmd *cmds, int argc, char **argv)
{
	/* it is there until the end */
	static struct ctx ctx;
	struct where where = { .ctx = &ctx, .cmds = cmds };
	const struct cmd *cmd = cmds;
	char **all = argv;
	int ret, err;

	ctx.out.color = color_wanted("auto");
	/* as it is called, wherever it lies */
	argv[0] = "bpfwd";
	on_exit(check_stdout, &ctx);
	argp_err_exit_status = EXIT_USAGE;
	libbpf_set_print(print_libbpf);
	parse_args(&main_argp, argc, argv, ARGP_IN_ORDER, &where);

	argc -= where.command;
	argv += where.command;
	if (!strcmp(argv[0], "help")) {
		argv = help_words(&where, argc, argv);
		argc = 2;
	}
	while (cmd->name && strcmp(argv[0], cmd->name))
		cmd++;
	if (!cmd->name) {
		fault_set(&ctx.fault, EXIT_USAGE, 0, "no command '%s'",
			  argv[0]);
		ret = fault_hint(&ctx.fault, "bpfwd -h");
	} else if (cmd->run) {
		ctx.command = cmd->name;
		ret = cmd->run(&ctx, argc, argv);
	} else {
		ret = run_program(&ctx.fault, cmd->name, all);
	}
	err = out_errno();
	if (ferror(stdout) && ctx.fault.exit != EXIT_FAILED)
		ret = fault_set(&ctx.fault, EXIT_FAILED, err,
				"cannot write the result");
	if (ctx.fault.exit)
		fault_print(&ctx.fault, &ctx.out);
	return ret;
}
