/* SPDX-License-Identifier: GPL-2.0 */
/* One event of the watchdog, as the kernel's trace ring prints it. */
#ifndef BPFWD_EVENT_H
#define BPFWD_EVENT_H

#include "show/types.h"

enum event_kind {
	EV_TERMINATED,
	EV_WARNED,
	EV_OVERRUN,
	EV_LATE, /* returned by itself before it was ended */
	EV_STUCK, /* does not stop */
	EV_VIOLATION, /* ran longer than its estimate */
	EV_QUARANTINED,
	EV_RELEASED,
	EV_DENIED,
	EV_WOULD_DENY,
	EV_DETACHED,
	EV_THROTTLED, /* took more than its share */
	EV_OVER_SHARE, /* the same, and it is told of */
	EV_LOST,
};

struct event {
	enum event_kind kind;
	u64 boot_ns; /* CLOCK_BOOTTIME, microseconds are what the ring prints */
	u32 cpu;
	u32 pid;
	char comm[32]; /* empty: unknown */
	u32 prog_id;
	char name[64];
	char reason[32];
	u64 ran_ns, budget_ns, late_ns, stop_ns, commits, ip, terminations;
	bool by_share; /* of policies: the reason is the share */
	/* EV_VIOLATION has the first, what is of policies all: */
	u64 worst_ns, there_ns, limit_ns; /* UINT64_MAX: unbounded */
	u32 terminable; /* enum bpf_terminable of the program */
	char rule[64], at[160];
	/* What event_look() adds to what the kernel says: */
	char hook[128]; /* the first one */
	char where[256]; /* all, as `hooks` of bpfwd ps has them */
	u32 target_id; /* what the program extends, 0: it is no extension */
	char target[64];
	u64 lost; /* EV_LOST: how many, 0: the kernel does not say */
};

static inline bool event_is_policy(const struct event *e)
{
	return e->kind == EV_DENIED || e->kind == EV_WOULD_DENY ||
	       e->kind == EV_DETACHED || e->by_share;
}

struct event_parser;

struct event_parser *event_parser_new(void);
void event_parser_free(struct event_parser *parser);

/* False: the line is none of ours. */
bool event_parse(const struct event_parser *parser, const char *line,
		 struct event *e);

/* "terminated": the value of the key "event". */
const char *event_kind_name(enum event_kind kind);
/* "KILLED" */
const char *event_kind_word(enum event_kind kind);

#endif
