/* SPDX-License-Identifier: GPL-2.0 */
/* What a test program and the runner share: map ".data.ctl", one in each object. */
#ifndef CTL_H
#define CTL_H

struct ctl {
	/* Set by the runner before a run. */
	__u64 n; /* outer iterations; the length of the stall is linear in it */
	__u64 m; /* iterations of each inner level */
	__u64 flags; /* stays 0, but no compiler or verifier knows that */
	__u64 cgroup_id;
	__u64 user_ptr; /* memory of the process, for programs that sleep */
	__u32 tgid; /* only this process triggers the program; 0: none does */
	__u32 armed; /* the next invocation that looks stalls, see armed() */
	__u32 pid;
	__u32 saddr, daddr; /* an established TCP connection */
	__u16 sport, dport;
	/*
	 * Emergency brake: lets the runner end a stall that nobody else ended.
	 * A test that needed it has failed.
	 */
	__u32 brake;
	/* Set by the program. */
	__u64 started; /* invocations that passed the filter */
	__u64 finished; /* ... and reached their last instruction */
	__u64 held; /* ... and got hold of all that they wanted */
	__u64 refused; /* ... and did not */
	__u64 steps; /* innermost iterations, all invocations */
	__u64 enter_ns,
		leave_ns; /* CLOCK_MONOTONIC; leave is 0 if ended early */
	__u64 full; /* invocations that did all n outer iterations */
	__u64 inner_started, inner_finished, inner_full; /* nested invocation */
	__s64 ret;
};

#define CTL_MAP ".data.ctl"

/* Length of a link in a tail-call chain, and of the trigger packet's port. */
#define TRIGGER_PORT 0xbf0d
/* What a timer on the CPU of a program takes of it, and leaves. */
#define TIMER_BURNS_NS 5000000
#define TIMER_PAUSE_NS 2000000
/* What one call copies: takes longer than the watchdog waits. */
#define STUCK_BYTES (256 << 20)
/* In how many NMIs a program runs, per trigger. */
#define NMI_RUNS 6
#define RB_MAGIC 0xb00c0ffeeULL

#endif
