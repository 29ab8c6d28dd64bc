// SPDX-License-Identifier: GPL-2.0
/* Tail calls. */
#include "traffic/repro.h"
#include "stall_tail.skel.h"

static const struct repro repros[] = {
	{ .name = "tail_direct",
	  .trigger = BY_PACKET,
	  .hook = ON_NOTHING,
	  .holds = HOLDS_NOTHING,
	  .flags = R_TAIL,
	  .desc = "a chain of direct tail calls with nested loops in each link, in a TC program" },
	{ .name = "tail_indirect",
	  .trigger = BY_PACKET,
	  .hook = ON_NOTHING,
	  .holds = HOLDS_NOTHING,
	  .flags = R_TAIL,
	  .desc = "a chain of indirect tail calls with nested loops in each link, in a TC program" },
	{ .name = "tail_sub",
	  .trigger = BY_PACKET,
	  .hook = ON_NOTHING,
	  .holds = HOLDS_NOTHING,
	  .flags = R_TAIL,
	  .also = "tail_target",
	  .m = 3,
	  .desc = "a loop around a subprogram that tail-calls, in a TC program" },
};

const struct suite suite_stall_tail = {
	.name = "stall_tail",
	.elf = stall_tail__elf_bytes,
	.repros = repros,
	.nr_repros = ARRAY_SIZE(repros),
};
