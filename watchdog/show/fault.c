// SPDX-License-Identifier: GPL-2.0
/* What failed, on what, and what to do. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "show/fault.h"

const char *errno_name(int err)
{
	const char *name = strerrorname_np(err);

	return name ? name : "EUNKNOWN";
}

int fault_set(struct fault *f, int exit, int err, const char *fmt, ...)
{
	va_list ap;

	*f = (struct fault){ .exit = exit, .err = err < 0 ? -err : err };
	va_start(ap, fmt);
	vsnprintf(f->msg, sizeof(f->msg), fmt, ap);
	va_end(ap);
	return exit;
}

int fault_why(struct fault *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(f->why, sizeof(f->why), fmt, ap);
	va_end(ap);
	return f->exit;
}

int fault_hint(struct fault *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(f->hint, sizeof(f->hint), fmt, ap);
	va_end(ap);
	return f->exit;
}
