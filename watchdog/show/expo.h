/* SPDX-License-Identifier: GPL-2.0 */
/* Metrics as Prometheus text, OpenMetrics text or JSON. */
#ifndef BPFWD_EXPO_H
#define BPFWD_EXPO_H

#include "show/types.h"

enum expo_format { EXPO_PROMETHEUS, EXPO_OPENMETRICS, EXPO_JSON };
enum expo_type { EXPO_GAUGE, EXPO_COUNTER, EXPO_HISTOGRAM };

struct expo_family {
	const char *name; /* a counter's ends in _total, seconds in _seconds */
	enum expo_type type;
	const char *help;
};

struct expo_label {
	const char *name, *value;
};

struct expo;

struct expo *expo_new(enum expo_format format);
void expo_free(struct expo *e);

/* The samples of a family follow it, before the next family. */
void expo_family(struct expo *e, const struct expo_family *family);
/* suffix: "", or "_bucket" and friends of a histogram. */
void expo_count(struct expo *e, const char *suffix,
		const struct expo_label *labels, size_t n, u64 value);
/* Given in ns, told in seconds, to the digit; UINT64_MAX is +Inf. */
void expo_seconds(struct expo *e, const char *suffix,
		  const struct expo_label *labels, size_t n, u64 ns);

/* The text, to be freed by the caller; NULL without memory. Of EXPO_JSON an array
 * of families.
 */
char *expo_text(struct expo *e, size_t *len);

#define SECONDS_LEN 32
/* "0.01", exactly. */
const char *seconds_text(u64 ns, char buf[SECONDS_LEN]);

#endif
