/* SPDX-License-Identifier: GPL-2.0 */
/* From an address in a program's machine code to its source line. */
#ifndef BPFWD_SOURCE_H
#define BPFWD_SOURCE_H

#include "progs/btfs.h"
#include "show/types.h"

struct source {
	const char *file, *text; /* owned by btfs */
	u32 line;
};

bool source_find(struct btfs *btfs, u32 prog_id, u64 ip, struct source *src);
/* The same from an instruction of the translated program. */
bool source_find_insn(struct btfs *btfs, int prog_fd, u32 insn,
		      struct source *src);

/* Is this address in the machine code of the program? */
bool source_holds(u32 prog_id, u64 ip);

#endif
