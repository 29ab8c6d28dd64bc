/* SPDX-License-Identifier: GPL-2.0 */
/* Events as text, CSV and JSON Lines. */
#ifndef BPFWD_EVENT_OUT_H
#define BPFWD_EVENT_OUT_H

#include <stdio.h>
#include "progs/source.h"
#include "service/event.h"
#include "show/ctx.h"

struct event_out;

struct event_out *event_out_new(const struct ctx *ctx);
void event_out_free(struct event_out *out);

/* When it is read: which program it is of, and where that is attached. */
void event_look(struct event_out *out, struct event *e);
/* From time to time: a program that comes may be gone when its event does. */
void event_watch(struct event_out *out);
/* Is it printed at all? An overrun is told by its end, if that is for people. */
bool event_is_shown(const struct event_out *out, const struct event *e);
/* Prints and flushes one event, of which this is the number. 0 or -errno. */
int event_print(struct event_out *out, const struct event *e, u64 seq);

/* What the kernel's event does not say; lives until the next call. */
struct event_more {
	const char *name; /* in full where it is known */
	const char *hook; /* all of them; NULL: unknown */
	bool has_source;
	struct source source;
};

void event_more(struct event_out *out, const struct event *e,
		struct event_more *more);
/* One line, without time, line feed and source. */
void event_text(FILE *f, const struct event *e, const struct event_more *more,
		bool color);

#endif
