/* SPDX-License-Identifier: GPL-2.0 */
/* What the tail calls of a program can reach. */
#ifndef BPFWD_EXPLAIN_TAIL_H
#define BPFWD_EXPLAIN_TAIL_H

#include <jansson.h>
#include <stdio.h>
#include "kernel/kwd_estimate.h"

/* Of a program whose tail calls are why it has no bound; else nothing. */
void explain_tail_text(FILE *to, int prog_fd, const struct estimate *e);
/* Sets tail_ns and tail_calls. */
void explain_tail_json(json_t *p, int prog_fd, const struct estimate *e);

#endif
