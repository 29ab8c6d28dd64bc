/* SPDX-License-Identifier: GPL-2.0 */
/* Events as text, CSV and JSON Lines. */
#ifndef BPFWD_EVENT_OUT_H
#define BPFWD_EVENT_OUT_H

#include "event.h"
#include "main.h"

struct event_out;

struct event_out *event_out_new(const struct ctx *ctx);
void event_out_free(struct event_out *out);

/* Prints and flushes one event, of which this is the number. 0 or -errno. */
int event_print(struct event_out *out, const struct event *e, u64 seq);

#endif
