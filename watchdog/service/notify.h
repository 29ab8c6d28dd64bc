/* SPDX-License-Identifier: GPL-2.0 */
/* What a service and its manager say to each other: sd_notify(3), the watchdog of
 * a unit, sockets that were opened for us. Plain protocols, so no library.
 */
#ifndef BPFWD_NOTIFY_H
#define BPFWD_NOTIFY_H

#include "show/types.h"

/* "READY=1\nSTATUS=..."; nothing happens where nobody wants to know. */
void notify(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The manager wants WATCHDOG=1 at least that often; 0: it does not. */
u64 notify_watchdog_ns(void);
/* The listening socket that we were started with; -ENOENT: none. Another -errno:
 * there is something else.
 */
int notify_socket(void);

#endif
