/* SPDX-License-Identifier: GPL-2.0 */
/* What a program does in each context: it holds a ring buffer record and stalls. */
#ifndef CONTEXT_H
#define CONTEXT_H

#include "common.h"
#include "ringbuf.h"

static __always_inline void stall_with_record(void)
{
	__u64 *rec;

	enter();
	rec = bpf_ringbuf_reserve(&rb, sizeof(*rec), 0);
	got(rec);
	if (!rec)
		return;
	*rec = 0;
	stall_loop_called();
	bpf_ringbuf_submit(rec, 0);
	leave();
}

/* On a hook that only our traffic passes. */
#define CONTEXT(section, name, context, verdict) \
	SEC(section)                             \
	int name(context *ctx)                   \
	{                                        \
		if (armed())                     \
			stall_with_record();     \
		return verdict;                  \
	}

/* On one that all tasks pass. */
#define TASK_CONTEXT(section, name, context, verdict) \
	SEC(section)                                  \
	int name(context *ctx)                        \
	{                                             \
		if (from_our_process() && armed())    \
			stall_with_record();          \
		return verdict;                       \
	}

#endif
