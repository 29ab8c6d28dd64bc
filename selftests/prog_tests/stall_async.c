// SPDX-License-Identifier: GPL-2.0
/* Callbacks of timers and work queues. */
#include "traffic/repro.h"
#include "stall_async.skel.h"

static const struct repro repros[] = {
	{ .name = "timer_record",
	  .trigger = BY_CALLBACK,
	  .hook = ON_NOTHING,
	  .holds = HOLDS_RECORD,
	  .desc = "three nested inlined bpf_loop() in a timer callback" },
	{ .name = "wq_task",
	  .trigger = BY_CALLBACK,
	  .hook = ON_NOTHING,
	  .holds = HOLDS_TASK,
	  .desc = "three nested bpf_loop() calls in a work queue callback" },
};

const struct suite suite_stall_async = {
	.name = "stall_async",
	.elf = stall_async__elf_bytes,
	.repros = repros,
	.nr_repros = ARRAY_SIZE(repros),
};
