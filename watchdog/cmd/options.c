// SPDX-License-Identifier: GPL-2.0
/* What all commands share: options, and when to stop. */
#include <bpf/libbpf.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cmd/options.h"
#include "progs/objs.h"
#include "progs/view.h"

bool common_debug;

enum { KEY_DEBUG = 0x1000, KEY_COLOR, KEY_SCHEMA };

static const struct argp_option common_opts[] = {
	{ "json", 'j', 0, 0, "JSON on stdout, errors too", 90 },
	{ "pretty", 'p', 0, 0, "indented JSON", 90 },
	{ "output", 'o', "FORMAT", 0, "table, csv, json or jsonl", 90 },
	{ "schema", KEY_SCHEMA, 0, 0, "print the JSON Schema of -j", 90 },
	{ "color", KEY_COLOR, "WHEN", 0, "auto, always or never", 90 },
	{ "quiet", 'q', 0, 0, "no notes, results and errors only", 91 },
	{ "verbose", 'v', 0, 0, "say more", 91 },
	{ "debug", KEY_DEBUG, 0, 0, "show the messages of libbpf", 91 },
	{ "help", 'h', 0, 0, "this help", 92 },
	{ "usage", '?', 0, OPTION_HIDDEN, 0, 92 },
	{ "version", 'V', 0, 0, "print the version", 92 },
	{ 0 },
};

bool color_wanted(const char *when)
{
	const char *term = getenv("TERM"), *no = getenv("NO_COLOR");

	if (strcmp(when, "auto"))
		return !strcmp(when, "always");
	return isatty(STDOUT_FILENO) && term && strcmp(term, "dumb") &&
	       !(no && *no);
}

static void print_schema(const struct ctx *ctx, struct argp_state *state)
{
	json_t *schema = command_schema(ctx->command);

	if (!schema)
		argp_error(state, "prints no JSON");
	out_json(&ctx->out, schema);
	exit(EXIT_OK);
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
	case KEY_SCHEMA:
		print_schema(ctx, state);
		return 0;
	case KEY_COLOR:
		if (strcmp(arg, "auto") && strcmp(arg, "always") &&
		    strcmp(arg, "never"))
			argp_error(state,
				   "no colour mode '%s': it is auto, always "
				   "or never",
				   arg);
		ctx->out.color = color_wanted(arg);
		return 0;
	case 'q':
		ctx->quiet = true;
		return 0;
	case 'v':
		ctx->verbose++;
		return 0;
	case KEY_DEBUG:
		common_debug = true;
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

const struct argp_child view_options[] = {
	{ &view_argp, 0, NULL, 0 },
	{ &common_argp, 0, "Options of all commands:", 90 },
	{ 0 },
};

enum { KEY_ONLY = 0x2000, KEY_MAP_SIZE, KEY_TARGET, KEY_GLOBAL };

static const struct argp_option object_opts[] = {
	{ "only", KEY_ONLY, "GLOB", 0,
	  "of an object only programs with such a name", 1 },
	{ "map-size", KEY_MAP_SIZE, "NAME=N", 0,
	  "so many entries has a map whose size the loader sets; may be "
	  "repeated",
	  1 },
	{ "global", KEY_GLOBAL, "NAME=VALUE", 0,
	  "so much is a constant that the loader sets; may be repeated", 1 },
	{ "target", KEY_TARGET, "PROG=FUNC", 0,
	  "what a program attaches to if the loader says that; may be "
	  "repeated",
	  1 },
	{ 0 },
};

static error_t parse_object(int key, char *arg, struct argp_state *state)
{
	struct obj_settings *s = state->input;
	struct fault f = {};

	switch (key) {
	case KEY_ONLY:
		s->only = arg;
		return 0;
	case KEY_MAP_SIZE:
		if (obj_settings_size(s, arg, &f))
			argp_error(state, "--map-size: %s", f.msg);
		return 0;
	case KEY_GLOBAL:
		if (obj_settings_global(s, arg, &f))
			argp_error(state, "--global: %s", f.msg);
		return 0;
	case KEY_TARGET:
		if (obj_settings_target(s, arg, &f))
			argp_error(state, "--target: %s", f.msg);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp object_argp = { .options = object_opts,
					 .parser = parse_object };

const struct argp_child object_options[] = {
	{ &object_argp, 0, NULL, 0 },
	{ &common_argp, 0, "Options of all commands:", 90 },
	{ 0 },
};

/* What argp says of wrong usage, until it is known whether it is to be JSON. */
static char *said;
static FILE *said_to, *terminal;

int parse_args(const struct argp *argp, int argc, char **argv,
	       unsigned int flags, void *input)
{
	size_t len;
	int err;

	terminal = stderr;
	said_to = open_memstream(&said, &len);
	if (said_to)
		stderr = said_to;
	err = argp_parse(argp, argc, argv, flags | ARGP_NO_HELP, NULL, input);
	report_usage(NULL);
	return err;
}

void report_usage(const struct out *out)
{
	struct fault f = { .exit = EXIT_USAGE };
	char *colon;

	if (!said_to)
		return;
	fclose(said_to);
	said_to = NULL;
	stderr = terminal;
	/* "bpfwd COMMAND: what is wrong", and the line of argp that tells how to get help */
	colon = strstr(said, ": ");
	if (out && out_is_json(out) && colon) {
		snprintf(f.msg, sizeof(f.msg), "%.*s",
			 (int)strcspn(colon + 2, "\n"), colon + 2);
		fault_hint(&f, "%.*s -h", (int)(colon - said), said);
		fault_print(&f, out);
	} else {
		fputs(said, stderr);
	}
	free(said);
}

int parse_command(const struct argp *argp, int argc, char **argv, void *input)
{
	static char name[64];

	snprintf(name, sizeof(name), "bpfwd %s", argv[0]);
	argv[0] = name;
	return parse_args(argp, argc, argv, 0, input);
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
