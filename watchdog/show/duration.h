/* SPDX-License-Identifier: GPL-2.0 */
/* Durations, moments and numbers as text. */
#ifndef BPFWD_DURATION_H
#define BPFWD_DURATION_H

#include <time.h>
#include "show/fault.h"

#define DURATION_LEN 24

/* A measured duration: three significant digits, "1.00ms". */
const char *duration(u64 ns, char buf[DURATION_LEN]);
/* A configured one: no trailing zeros, "1ms". */
const char *duration_set(u64 ns, char buf[DURATION_LEN]);
/* An estimated one: "inf" if it is UINT64_MAX; beyond an hour its digits say nothing that
 * anybody could use: ">1h".
 */
#define BOUND_SHOWN_MAX 3600000000000ULL
const char *duration_bound(u64 ns, char buf[DURATION_LEN]);

/* A number that need not be exact: "8.39M". */
const char *amount(double n, char buf[DURATION_LEN]);

#define UTC_LEN 64

/* Of ns since 1970: "2026-01-31T12:00:00.000001Z". */
const char *utc(u64 ns, char buf[UTC_LEN]);

/* "10ms" to ns. -EINVAL: no number or no unit; -ERANGE: 0 or beyond 2^63-1. */
int duration_parse(const char *s, u64 *ns);
/* The same, with the message for the user: the option by its name, and a value that
 * is good. 0 or an exit status.
 */
int duration_option(struct fault *f, const char *option, const char *example,
		    const char *s, u64 *ns);

/* A decimal number without sign. -EINVAL, -ERANGE beyond max. */
int number_parse(const char *s, u64 max, u64 *n);
/* -n: of rows, events and the like. 0 or an exit status. */
int count_option(struct fault *f, const char *what, const char *s, u64 *n);

/* What a clock says now. */
u64 clock_ns(clockid_t clock);
/* From CLOCK_BOOTTIME to CLOCK_REALTIME, to be added. */
u64 clock_boot_to_real(void);

#endif
