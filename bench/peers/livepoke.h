/* SPDX-License-Identifier: GPL-2.0 */
/* What bench_peers.c and the module livepoke say to each other. */
#ifndef __BENCH_PEERS_LIVEPOKE_H
#define __BENCH_PEERS_LIVEPOKE_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define LIVEPOKE_SITES 64
#define LIVEPOKE_PATH "/sys/kernel/debug/livepoke"

/* What five bytes of a program are to become. */
enum livepoke_kind {
	LIVEPOKE_CALL, /* a call of what returns 0: an iterator that has no next element */
	LIVEPOKE_ENTRY, /* of a callback: a jump to what returns 1, which ends its loop */
};

struct livepoke_site {
	__u64 addr;
	__u32 kind;
	__u32 pad;
};

struct livepoke_plan {
	__u64 budget_ns;
	__u32 nr;
	__u32 worker; /* CPU that patches */
	struct livepoke_site site[LIVEPOKE_SITES];
};

/* CLOCK_MONOTONIC, ns; 0: has not come to that */
struct livepoke_times {
	__u64 began; /* the timer was started, at the entry of the program */
	__u64 decided; /* it has expired */
	__u64 patching; /* the work item runs */
	__u64 patched; /* the last site */
	__u64 strays; /* see livepoke_int3() */
};

/* The next run of BPF_PROG_TEST_RUN by this task is timed, and ended by patching. */
#define LIVEPOKE_ARM _IOW('w', 1, struct livepoke_plan)
/* It is over: waits for the work item, says how it was. */
#define LIVEPOKE_DONE _IOR('w', 2, struct livepoke_times)
/* Puts the text back. */
#define LIVEPOKE_BACK _IO('w', 3)

#endif
