/* SPDX-License-Identifier: GPL-2.0 */
/* What all commands share: options, and when to stop. */
#ifndef BPFWD_OPTIONS_H
#define BPFWD_OPTIONS_H

#include <argp.h>
#include "show/ctx.h"

/* Options of all commands; a command's argp takes them as its child and hands
 * over its ctx as state->child_inputs[0] on ARGP_KEY_INIT.
 */
extern const struct argp_child common_options[];

/* For commands that have no options and no arguments of their own. */
int parse_plain(struct ctx *ctx, int argc, char **argv, const char *doc);

/* Parses. Who is called in a wrong way ends here, and report_usage() tells of it on exit. */
int parse_args(const struct argp *argp, int argc, char **argv,
	       unsigned int flags, void *input);
void report_usage(const struct out *out);

/* The same, with the name and the -h that all commands share. */
int parse_command(const struct argp *argp, int argc, char **argv, void *input);

/* Those, behind those of a view: state->child_inputs[1] is the ctx. */
extern const struct argp_child view_options[];

/* Those of commands that take object files: state->child_inputs[0] is a struct
 * obj_settings, [1] the ctx.
 */
extern const struct argp_child object_options[];

/* What a command prints with -j as JSON Schema, NULL: errors; NULL: it prints none. */
json_t *command_schema(const char *command);

/* --debug */
extern bool common_debug;
/* Of --color WHEN. */
bool color_wanted(const char *when);

/* Set by SIGINT, SIGTERM and SIGHUP after stop_on_signals(). */
extern volatile int stopped;
void stop_on_signals(void);

#endif
