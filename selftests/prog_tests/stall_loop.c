// SPDX-License-Identifier: GPL-2.0
/* bpf_loop() three deep, on the hooks of tracing. */
#include "repro.h"
#include "stall_loop.skel.h"

static const struct repro repros[] = {
	{ .name = "loop_called", .trigger = BY_SYSCALL, .holds = HOLDS_RECORD,
	  .desc = "three nested bpf_loop() calls that are not inlined, on a kprobe, with a dynptr" },
	{ .name = "loop_fentry", .trigger = BY_SYSCALL, .holds = HOLDS_RECORD,
	  .desc = "three nested inlined bpf_loop() on fentry" },
	{ .name = "loop_fexit", .trigger = BY_SYSCALL, .holds = HOLDS_RECORD,
	  .desc = "three nested bpf_loop() calls on fexit" },
	{ .name = "loop_inlined", .trigger = BY_SYSCALL, .holds = HOLDS_RECORD,
	  .desc = "three nested inlined bpf_loop() on a kprobe" },
	{ .name = "loop_int3", .trigger = BY_SYSCALL, .hook = ON_INT3, .holds = HOLDS_RECORD,
	  .needs = NEEDS_TWO_CPUS,
	  .desc = "three nested inlined bpf_loop() on an int3 kprobe, interrupts off" },
	{ .name = "loop_ipi", .trigger = BY_IPI, .hook = ON_NOTHING, .holds = HOLDS_RECORD,
	  .flags = R_NO_BRAKE, .needs = NEEDS_TWO_CPUS,
	  .desc = "three nested inlined bpf_loop() in the handler of an IPI, interrupts off" },
	{ .name = "loop_kretprobe", .trigger = BY_SYSCALL, .holds = HOLDS_RECORD,
	  .desc = "three nested bpf_loop() calls on a kretprobe" },
	{ .name = "loop_raw_tp", .trigger = BY_SYSCALL, .holds = HOLDS_RECORD,
	  .desc = "three nested inlined bpf_loop() on a raw tracepoint, with a dynptr" },
	{ .name = "loop_syscall", .trigger = BY_TEST_RUN, .hook = ON_NOTHING,
	  .holds = HOLDS_RECORD,
	  .desc = "three nested inlined bpf_loop() in a syscall program" },
	{ .name = "loop_tp", .trigger = BY_SYSCALL, .holds = HOLDS_RECORD,
	  .desc = "three nested inlined bpf_loop() on a tracepoint" },
};

const struct suite suite_stall_loop = {
	.name = "stall_loop",
	.elf = stall_loop__elf_bytes,
	.repros = repros,
	.nr_repros = ARRAY_SIZE(repros),
};
