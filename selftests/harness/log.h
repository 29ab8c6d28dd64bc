/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel log: what of it is bad, SPLAT_DENY and SPLAT_ALLOW say. */
#ifndef LOG_H
#define LOG_H

/* Before the others: reads these lists. */
void log_open(void);
/* Writes a line to the kernel log. */
void log_name(const char *name);
/* The same, and what was logged before is not looked at. */
void log_mark(const char *name);
/* The number of bad lines since the mark or the last scan. */
int log_scan(void);

#endif
