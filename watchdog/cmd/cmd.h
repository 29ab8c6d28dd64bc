/* SPDX-License-Identifier: GPL-2.0 */
/* The commands: main.c has the table of them. */
#ifndef BPFWD_CMD_H
#define BPFWD_CMD_H

#include "show/ctx.h"

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

#endif
