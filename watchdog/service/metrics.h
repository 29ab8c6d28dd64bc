/* SPDX-License-Identifier: GPL-2.0 */
/* What the kernel tells of the watchdog and its programs, as metrics. */
#ifndef BPFWD_METRICS_H
#define BPFWD_METRICS_H

#include "service/event.h"
#include "show/expo.h"

#define METRICS_REASONS 4
#define METRICS_BUCKETS 14

struct fault;
struct progs;

/* What only the service knows: events that it followed, and files that it loaded. */
struct metrics_events {
	const char *policy_path; /* NULL: it loads none */
	bool policy_failed;
	u64 ended[METRICS_REASONS];
	u64 warned, quarantined, lost;
	u64 latency[METRICS_BUCKETS]; /* not cumulated */
	u64 latencies, latency_ns;
	bool stats; /* who follows them has switched run statistics on */
};

void metrics_count(struct metrics_events *events, const struct event *event);

/* All metrics of this moment; those of events only where events is given. A
 * kernel without the watchdog gives fewer. 0 or an exit status.
 */
int metrics_write(struct expo *e, const struct metrics_events *events,
		  struct fault *f);

/* Those of the kernel's policy, and of the files that it should have. */
void metrics_policy(struct expo *e, const struct metrics_events *events);

/* How long sampled runs took; the programs are to be loaded with PROGS_TIMES. */
void metrics_runs(struct expo *e, const struct progs *progs);

/* One sample without a label. */
void metrics_gauge(struct expo *e, const char *name, const char *help,
		   u64 value);

#endif
