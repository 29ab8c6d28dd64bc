// SPDX-License-Identifier: GPL-2.0
/* Network hooks, with real packets. */
#include "traffic/repro.h"
#include "stall_net.skel.h"

static const struct repro repros[] = {
	{ .name = "socket_record",
	  .trigger = BY_TRAFFIC,
	  .hook = ON_SOCKET,
	  .holds = HOLDS_RECORD,
	  .desc = "three nested bpf_loop() calls in a socket filter" },
	{ .name = "tc_socket",
	  .trigger = BY_TRAFFIC,
	  .hook = ON_TCX,
	  .holds = HOLDS_SOCKET,
	  .desc = "three nested inlined bpf_loop() in a TC program on lo, bpf_sk_lookup_tcp()" },
	{ .name = "xdp_socket",
	  .trigger = BY_TRAFFIC,
	  .hook = ON_XDP,
	  .holds = HOLDS_SOCKET,
	  .desc = "three nested inlined bpf_loop() in an XDP program on lo, bpf_skc_lookup_tcp()" },
};

const struct suite suite_stall_net = {
	.name = "stall_net",
	.elf = stall_net__elf_bytes,
	.repros = repros,
	.nr_repros = ARRAY_SIZE(repros),
};
