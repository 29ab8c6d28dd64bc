/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tracepoint bpf_watchdog:terminate tells, read through perf rings: no BPF program
 * takes part that the watchdog could watch.
 */
#ifndef __BENCH_EVENTS_H
#define __BENCH_EVENTS_H

#include <stddef.h>
#include <linux/types.h>

enum {
	F_PROG_ID,
	F_REASON,
	F_RAN,
	F_BUDGET,
	F_LATE,
	F_STOP,
	F_COMMITS,
	NR_FIELDS
};

struct event {
	__s64 val[NR_FIELDS];
};

int events__open(void);
/* Adds what has come to those that are there. */
void events__drain(void);
void events__clear(void);
size_t events__nr(void);
const struct event *events__at(size_t i);
unsigned long events__lost(void);

#endif
