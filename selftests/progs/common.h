/* SPDX-License-Identifier: GPL-2.0 */
/* Included by every test program. */
#ifndef COMMON_H
#define COMMON_H

#define BPF_NO_KFUNC_PROTOTYPES
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include "ctl.h"
#include "kfuncs.h"

char _license[] SEC("license") = "GPL";

volatile struct ctl ctl SEC(".data.ctl") = { .n = 1, .m = 1 };

/* Invocations of several CPUs count into the same fields. */
#define COUNT(field) __sync_fetch_and_add(&ctl.field, 1)

/* One innermost iteration; true: the brake is on. */
static __always_inline bool step(void)
{
	ctl.steps++;
	return ctl.brake != 0;
}

static __always_inline bool from_our_process(void)
{
	return ctl.tgid && bpf_get_current_pid_tgid() >> 32 == ctl.tgid;
}

/* For hooks that others pass as well: one invocation for each trigger. */
static __always_inline bool armed(void)
{
	return ctl.armed &&
	       __atomic_exchange_n(&ctl.armed, 0, __ATOMIC_RELAXED);
}

static __always_inline void enter(void)
{
	COUNT(started);
	ctl.enter_ns = bpf_ktime_get_ns();
}

/* Plain memory operations: an invocation that is ended early reaches them too. */
static __always_inline void leave(void)
{
	COUNT(finished);
}

static __always_inline void got(bool all)
{
	if (all)
		COUNT(held);
	else
		COUNT(refused);
}

/* --- Stalls: n x m x m steps, in the ways a program can take long. --------------------------- */

static long loop_3(__u32 i, void *unused)
{
	return step();
}

static long loop_2(__u32 i, void *unused)
{
	bpf_loop(ctl.m, loop_3, NULL, 0);
	return ctl.brake != 0;
}

static long loop_1(__u32 i, void *unused)
{
	bpf_loop(ctl.m, loop_2, NULL, 0);
	return ctl.brake != 0;
}

/* Constant flags and callback: the verifier inlines all three loops. */
static __always_inline long stall_loop_inlined(void)
{
	return bpf_loop(ctl.n, loop_1, NULL, 0);
}

static long called_3(__u32 i, void *unused)
{
	return step();
}

static long called_2(__u32 i, void *unused)
{
	bpf_loop(ctl.m, called_3, NULL, ctl.flags);
	return ctl.brake != 0;
}

static long called_1(__u32 i, void *unused)
{
	bpf_loop(ctl.m, called_2, NULL, ctl.flags);
	return ctl.brake != 0;
}

/* Flags that the verifier does not know: bpf_loop() stays a call into C. */
static __always_inline long stall_loop_called(void)
{
	return bpf_loop(ctl.n, called_1, NULL, ctl.flags);
}

#endif
