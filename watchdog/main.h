/* SPDX-License-Identifier: GPL-2.0 */
/* What main.c gives to every command: where to print, and how to fail. */
#ifndef BPFWD_MAIN_H
#define BPFWD_MAIN_H

#include <argp.h>
#include "out.h"

struct ctx {
	struct out out;
	struct fault fault; /* printed by main() when a command returns */
	int verbose;
	bool quiet;
};

/* One row per command: name, what it does, and the function. */
struct cmd {
	const char *name;
	const char *help;
	int (*run)(struct ctx *ctx, int argc, char **argv);
};

int cmd_doctor(struct ctx *ctx, int argc, char **argv);
int cmd_status(struct ctx *ctx, int argc, char **argv);
int cmd_enable(struct ctx *ctx, int argc, char **argv);
int cmd_disable(struct ctx *ctx, int argc, char **argv);
int cmd_ps(struct ctx *ctx, int argc, char **argv);
int cmd_top(struct ctx *ctx, int argc, char **argv);
int cmd_set(struct ctx *ctx, int argc, char **argv);
int cmd_kill(struct ctx *ctx, int argc, char **argv);
int cmd_policy(struct ctx *ctx, int argc, char **argv);
int cmd_check(struct ctx *ctx, int argc, char **argv);
int cmd_calibrate(struct ctx *ctx, int argc, char **argv);
int cmd_estimate(struct ctx *ctx, int argc, char **argv);
int cmd_explain(struct ctx *ctx, int argc, char **argv);
int cmd_metrics(struct ctx *ctx, int argc, char **argv);
int cmd_serve(struct ctx *ctx, int argc, char **argv);
int cmd_events(struct ctx *ctx, int argc, char **argv);

/* Options of all commands; a command's argp takes them as its child and hands
 * over its ctx as state->child_inputs[0] on ARGP_KEY_INIT.
 */
extern const struct argp_child common_options[];

/* For commands that have no options and no arguments of their own. */
int parse_plain(struct ctx *ctx, int argc, char **argv, const char *doc);

/* Parses, with the exit status and the -h that all commands share. */
int parse_command(const struct argp *argp, int argc, char **argv, void *input);

/* A note that is no result: stderr, silent with -q and with JSON. */
void note(const struct ctx *ctx, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Set by SIGINT, SIGTERM and SIGHUP after stop_on_signals(). */
extern volatile int stopped;
void stop_on_signals(void);

#endif
