/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel log: what of it is bad, SPLAT_DENY and SPLAT_ALLOW say. */
#ifndef LOG_H
#define LOG_H

#include <stdbool.h>

/* Before the others: reads these lists. */
void log_open(void);
/* Writes a line to the kernel log. */
void log_name(const char *name);
/* The same, and what was logged before is not looked at. */
void log_mark(const char *name);
/* Only what is worse than an error goes to the console, which takes long to write. */
void log_quiet(bool quiet);
/* The number of bad lines since the mark or the last scan. */
int log_scan(void);

#endif
