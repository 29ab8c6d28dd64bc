// SPDX-License-Identifier: GPL-2.0
/* Whatever else a program can hold. */
#include "traffic/repro.h"
#include "stall_hold.skel.h"

static const struct repro repros[] = {
	{ .name = "hold_all",
	  .trigger = BY_TEST_RUN,
	  .hook = ON_NOTHING,
	  .holds = HOLDS_TASK | HOLDS_CGROUP | HOLDS_OBJECT | HOLDS_RCU |
		   HOLDS_PREEMPT,
	  .desc = "three nested inlined bpf_loop() in a syscall program that holds five things" },
	{ .name = "hold_obj",
	  .trigger = BY_TEST_RUN,
	  .hook = ON_NOTHING,
	  .holds = HOLDS_OBJECT,
	  .desc = "three nested inlined bpf_loop() in a syscall program" },
	{ .name = "hold_preempt",
	  .trigger = BY_TEST_RUN,
	  .hook = ON_NOTHING,
	  .holds = HOLDS_PREEMPT,
	  .desc = "three nested bpf_loop() calls in a syscall program" },
	{ .name = "hold_rcu",
	  .trigger = BY_TEST_RUN,
	  .hook = ON_NOTHING,
	  .holds = HOLDS_RCU,
	  .desc = "three nested inlined bpf_loop() in a syscall program" },
	{ .name = "hold_ref",
	  .trigger = BY_SYSCALL,
	  .holds = HOLDS_OBJECT_REF,
	  .desc = "three nested bpf_loop() calls on fentry" },
};

const struct suite suite_stall_hold = {
	.name = "stall_hold",
	.elf = stall_hold__elf_bytes,
	.repros = repros,
	.nr_repros = ARRAY_SIZE(repros),
};
