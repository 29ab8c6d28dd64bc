// SPDX-License-Identifier: GPL-2.0
/* may_goto loops. */
#include "traffic/repro.h"
#include "stall_goto.skel.h"

static const struct repro repros[] = {
	{ .name = "goto_calls",
	  .trigger = BY_PACKET,
	  .hook = ON_NOTHING,
	  .holds = HOLDS_TASK,
	  .desc = "may_goto loops with helper calls inside, in a TC program" },
	{ .name = "goto_lock",
	  .trigger = BY_PACKET,
	  .hook = ON_NOTHING,
	  .holds = HOLDS_LOCK,
	  .needs = NEEDS_TWO_CPUS,
	  .desc = "may_goto loops under a spin lock, interrupts off, in a TC program" },
	{ .name = "goto_plain",
	  .trigger = BY_SYSCALL,
	  .holds = HOLDS_RECORD,
	  .desc = "may_goto loops without any call of a helper, on a kprobe" },
};

const struct suite suite_stall_goto = {
	.name = "stall_goto",
	.elf = stall_goto__elf_bytes,
	.repros = repros,
	.nr_repros = ARRAY_SIZE(repros),
};
