/* SPDX-License-Identifier: GPL-2.0 */
/* Log lines with fields: to the journal if stderr goes there, else to stderr. */
#ifndef BPFWD_JOURNAL_H
#define BPFWD_JOURNAL_H

#include "show/types.h"

/* Of every event of the watchdog: journalctl MESSAGE_ID=... finds them. */
#define JOURNAL_EVENT_ID "3a1cfaaee1f040a6b9059c430089d261"

struct journal;

struct journal *journal_open(void);
void journal_close(struct journal *j);

/* An entry begins, gets its fields, and is sent. Priorities are syslog's. */
void journal_begin(struct journal *j, int priority, const char *message);
void journal_field(struct journal *j, const char *name, const char *value);
void journal_number(struct journal *j, const char *name, u64 value);
void journal_send(struct journal *j);

#endif
