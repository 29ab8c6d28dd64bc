/* SPDX-License-Identifier: GPL-2.0 */
/* What main.c gives to every command: where to print, and how to fail. */
#ifndef BPFWD_CTX_H
#define BPFWD_CTX_H

#include "show/document.h"

struct ctx {
	struct out out;
	struct fault fault; /* printed by main() when a command returns */
	const char *command; /* its name; NULL: not known yet */
	int verbose;
	bool quiet;
};

/* A note that is no result: stderr, silent with -q and with JSON. */
void note(const struct ctx *ctx, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
