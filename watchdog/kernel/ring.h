/* SPDX-License-Identifier: GPL-2.0 */
/* Trace rings that hold the watchdog's tracepoints. One is permanent and keeps
 * the history while the watchdog is on; others live as long as who follows.
 */
#ifndef BPFWD_RING_H
#define BPFWD_RING_H

#include <stdio.h>
#include "show/fault.h"

struct ring;

/* The permanent ring: made or woken by enable, put to sleep by disable, which
 * keeps what it holds. 0 or -errno.
 */
int ring_history_start(void);
int ring_history_stop(void);

/* Its content as text: entries since it was made, and the lines. -ENOENT if
 * there is no such ring.
 */
int ring_history_open(FILE **trace);

/* A ring of our own. Removed by ring_close(), or, if we are killed, by the next
 * bpfwd that follows or is switched on or off.
 */
int ring_follow(struct ring **ring);
/* Non-blocking, ready when there is something to read. */
int ring_fd(const struct ring *ring);
/* Takes what there is, by whole lines, until fn says false. */
void ring_read(struct ring *ring, bool (*fn)(void *arg, char *line), void *arg);
/* Is it still there? Somebody else could remove it. */
bool ring_alive(const struct ring *ring);
void ring_close(struct ring *ring);

/* Fills the fault for what the above return; returns its exit status. */
int ring_fault(struct fault *f, int err);

#endif
