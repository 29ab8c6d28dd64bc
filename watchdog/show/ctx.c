// SPDX-License-Identifier: GPL-2.0
/* Notes that are no results. */
#include <stdarg.h>
#include <stdio.h>
#include "show/ctx.h"

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
