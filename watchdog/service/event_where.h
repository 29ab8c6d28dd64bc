/* SPDX-License-Identifier: GPL-2.0 */
/* Which program an event is of, and where that is attached: known when the event is
 * read, for the program may be detached, and gone, by the time it is printed.
 */
#ifndef BPFWD_EVENT_WHERE_H
#define BPFWD_EVENT_WHERE_H

#include "progs/prog.h"
#include "service/event.h"

struct event_where;

struct event_where *event_where_new(void);
void event_where_free(struct event_where *w);
/* From time to time: looks at what has been attached since. */
void event_where_watch(struct event_where *w);
/* Fills hook, where, and for a run in an extension the extension instead of what it
 * extends.
 */
void event_where_fill(struct event_where *w, struct event *e);
/* The program as it was at the last look, if it was there. */
const struct prog *event_where_prog(const struct event_where *w, u32 id);

#endif
