// SPDX-License-Identifier: GPL-2.0
/* bpf_user_ringbuf_drain(). */
#include "traffic/repro.h"
#include "stall_drain.skel.h"

static const struct repro repros[] = {
	{ .name = "drain_walk",
	  .trigger = BY_SYSCALL,
	  .holds = HOLDS_USER_RINGBUF | HOLDS_TASK,
	  .fill = 60000,
	  .flags = R_NO_WORK,
	  .budget_us = 1000,
	  .desc = "a drain of 60,000 samples, short callback, on fentry" },
	{ .name = "drain_work",
	  .trigger = BY_TEST_RUN,
	  .hook = ON_NOTHING,
	  .holds = HOLDS_USER_RINGBUF | HOLDS_TASK,
	  .fill = 60000,
	  .desc = "a drain of 60,000 samples, a loop for each, in a syscall program" },
};

const struct suite suite_stall_drain = {
	.name = "stall_drain",
	.elf = stall_drain__elf_bytes,
	.repros = repros,
	.nr_repros = ARRAY_SIZE(repros),
};
