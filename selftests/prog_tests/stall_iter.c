// SPDX-License-Identifier: GPL-2.0
/* Open-coded iterators. */
#include "traffic/repro.h"
#include "stall_iter.skel.h"

static const struct repro repros[] = {
	{ .name = "iter_cgroup",
	  .trigger = BY_SYSCALL,
	  .holds = HOLDS_CGROUP,
	  .desc = "three nested number iterators on fentry" },
	{ .name = "iter_record",
	  .trigger = BY_SYSCALL,
	  .holds = HOLDS_RECORD,
	  .desc = "three nested number iterators on a kprobe" },
};

const struct suite suite_stall_iter = {
	.name = "stall_iter",
	.elf = stall_iter__elf_bytes,
	.repros = repros,
	.nr_repros = ARRAY_SIZE(repros),
};
