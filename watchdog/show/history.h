/* SPDX-License-Identifier: GPL-2.0 */
/* What was seen of things, look by look: for graphs of one line, and histograms. */
#ifndef BPFWD_HISTORY_H
#define BPFWD_HISTORY_H

#include "show/types.h"

#define HISTORY_LOOKS 120
#define HISTORY_BUCKETS 40 /* powers of two, in ns: up to 9 minutes */

/* Of one thing. */
struct history_of {
	u32 key;
	size_t n; /* looks, of which the last HISTORY_LOOKS are kept */
	float values[HISTORY_LOOKS];
	u64 runs[HISTORY_BUCKETS];
};

struct history;

struct history *history_new(void);
void history_free(struct history *h);

/* A look: begin, then each thing that is there, by ascending keys; what is not among
 * them is forgotten. runs took ns each, on average.
 */
void history_begin(struct history *h);
void history_add(struct history *h, u32 key, double value, u64 runs, u64 ns);
void history_end(struct history *h);

const struct history_of *history_find(const struct history *h, u32 key);
double history_most(const struct history_of *of);

/* The last `width` values as one line, the largest of them full. */
const char *history_spark(const struct history_of *of, int width, char *buf,
			  size_t size);

#endif
