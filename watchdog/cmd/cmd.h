/* SPDX-License-Identifier: GPL-2.0 */
/* The commands: main.c has the table of them, main_serve.c that of bpfwd-serve. */
#ifndef BPFWD_CMD_H
#define BPFWD_CMD_H

#include "show/ctx.h"

/* One row per command: name, what it does, and the function; NULL: the program
 * bpfwd-NAME. No name: the end.
 */
struct cmd {
	const char *name;
	const char *help;
	int (*run)(struct ctx *ctx, int argc, char **argv);
};

/* main(), with a table of commands. */
int cmd_main(const struct cmd *cmds, int argc, char **argv);

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

/* What a table prints with -j, by its columns. */
json_t *ps_schema(void);
json_t *estimate_schema(void);

#endif
