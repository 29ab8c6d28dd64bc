/* SPDX-License-Identifier: GPL-2.0 */
/* The task that sleeps in a run of a program. */
#ifndef BPFWD_ASLEEP_H
#define BPFWD_ASLEEP_H

#include <linux/bpf.h>
#include "show/types.h"

struct asleep {
	u32 tasks; /* that sleep in it, 0: none, or the kernel does not say */
	u32 pid; /* of one of them, 0: it has gone */
	char comm[16];
	char where[64]; /* function of the kernel; empty: unknown */
};

/* False: no task sleeps in it. */
bool asleep_look(const struct bpf_prog_info *info, u32 info_len,
		 struct asleep *a);
/* "do_nanosleep (pid 42 cat)", malloc()ed; NULL: no task, or no memory. */
char *asleep_text(const struct bpf_prog_info *info, u32 info_len);

#endif
