// SPDX-License-Identifier: GPL-2.0
/* Subprograms, four deep. */
#include "traffic/repro.h"
#include "stall_sub.skel.h"

static const struct repro repros[] = {
	{ .name = "sub_global",
	  .trigger = BY_SYSCALL,
	  .holds = HOLDS_TASK,
	  .m = 20,
	  .desc = "global subprograms four deep, a bounded loop in each, on fentry" },
	{ .name = "sub_static",
	  .trigger = BY_SYSCALL,
	  .holds = HOLDS_RECORD,
	  .m = 20,
	  .desc = "static subprograms four deep, a loop in each, on a kprobe" },
};

const struct suite suite_stall_sub = {
	.name = "stall_sub",
	.elf = stall_sub__elf_bytes,
	.repros = repros,
	.nr_repros = ARRAY_SIZE(repros),
};
