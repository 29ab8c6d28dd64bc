/* SPDX-License-Identifier: GPL-2.0 */
/* What failed, on what, and what to do. */
#ifndef BPFWD_FAULT_H
#define BPFWD_FAULT_H

#include "show/types.h"

/* Exit statuses; documented, and tested. */
enum {
	EXIT_OK = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_LACKS = 3, /* the kernel or the privilege lacks it */
	EXIT_JUDGED = 4, /* judged negative: a regression */
	EXIT_NO_PROG = 5,
};

/* What failed, why, and what to do: what a user reads when things go wrong. */
struct fault {
	int exit; /* 0: no fault */
	int err; /* positive errno, 0: none applies */
	char msg[512];
	char why[512];
	char hint[256];
};

/* Each returns what the caller can return: the exit status that it set. */
int fault_set(struct fault *f, int exit, int err, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
int fault_why(struct fault *f, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
int fault_hint(struct fault *f, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* The name of an errno, never NULL. */
const char *errno_name(int err);

#endif
