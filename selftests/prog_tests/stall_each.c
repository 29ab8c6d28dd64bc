// SPDX-License-Identifier: GPL-2.0
/* bpf_for_each_map_elem() over 1,000,000 elements. */
#include "traffic/repro.h"
#include "stall_each.skel.h"

static const struct repro repros[] = {
	{ .name = "each_array_walk",
	  .trigger = BY_SYSCALL,
	  .holds = HOLDS_TASK,
	  .fill = 1000000,
	  .flags = R_NO_WORK,
	  .budget_us = 2000,
	  .desc = "a walk over an array of 1,000,000 elements, short callback, on fentry" },
	{ .name = "each_array_work",
	  .trigger = BY_SYSCALL,
	  .holds = HOLDS_TASK,
	  .fill = 1000000,
	  .desc = "a walk over an array of 1,000,000 elements, a loop for each, on a BTF tracepoint" },
	{ .name = "each_hash_walk",
	  .trigger = BY_TEST_RUN,
	  .hook = ON_NOTHING,
	  .holds = HOLDS_CGROUP,
	  .fill = 1000000,
	  .flags = R_NO_WORK,
	  .budget_us = 2000,
	  .desc = "a walk over a hash of 1,000,000 elements, short callback, in a syscall program" },
	{ .name = "each_hash_work",
	  .trigger = BY_SYSCALL,
	  .holds = HOLDS_CGROUP,
	  .fill = 1000000,
	  .desc = "a walk over a hash of 1,000,000 elements, a loop for each, on fentry" },
};

const struct suite suite_stall_each = {
	.name = "stall_each",
	.elf = stall_each__elf_bytes,
	.repros = repros,
	.nr_repros = ARRAY_SIZE(repros),
};
