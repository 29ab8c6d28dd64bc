/* SPDX-License-Identifier: GPL-2.0 */
/* Stall reproducers: a table row says what a program does, this does the rest. */
#ifndef REPRO_H
#define REPRO_H

#include "harness/test_util.h"

/* How the program gets to run. */
enum trigger {
	BY_SYSCALL, /* getpgid(), on which it is attached */
	BY_TEST_RUN, /* BPF_PROG_TEST_RUN without a context */
	BY_PACKET, /* BPF_PROG_TEST_RUN with a packet */
	BY_TRAFFIC, /* a packet through lo */
	BY_CALLBACK, /* BPF_PROG_TEST_RUN arms a timer or a work queue */
	BY_IPI, /* BPF_PROG_TEST_RUN on another CPU */
	BY_OWN, /* fire() of the reproducer */
};

/* Where it is attached. */
enum hook {
	ON_SECTION,
	ON_NOTHING,
	ON_INT3,
	ON_XDP,
	ON_TCX,
	ON_SOCKET,
	ON_OWN, /* attach() of the reproducer */
};

/* What it holds while it stalls. */
enum {
	HOLDS_RECORD =
		1 << 0, /* of ring buffer rb, reserved; as dynptr as well */
	HOLDS_TASK = 1 << 1,
	HOLDS_CGROUP = 1 << 2,
	HOLDS_SOCKET = 1 << 3,
	HOLDS_OBJECT = 1 << 4,
	HOLDS_OBJECT_REF = 1 << 5,
	HOLDS_LOCK = 1 << 6,
	HOLDS_RCU = 1 << 7,
	HOLDS_PREEMPT = 1 << 8,
	HOLDS_USER_RINGBUF = 1 << 9,
	HOLDS_NOTHING = 1 << 10,
};

enum {
	R_NO_BRAKE =
		1
		<< 0, /* the runner could not end it: keep the stall at some seconds */
	R_NO_WORK = 1 << 1, /* n is 0: only the walk itself takes time */
	R_TAIL =
		1
		<< 2, /* fills prog array "tails" with itself and tail_target */
	R_HOOKED = 1 << 3, /* returns of what it calls are hooked */
};

struct run; /* a loaded reproducer */

struct repro {
	const char *name; /* the program's, and the test's */
	const char *desc;
	enum trigger trigger;
	enum hook hook;
	unsigned int holds, flags;
	const char *
		also; /* further programs of the object that it needs, comma-separated */
	__u64 m; /* iterations of an inner level; 0: 100 */
	__u32 fill; /* elements to walk, samples to drain; 0: none needed */
	unsigned int budget_us; /* 0: BUDGET_US */
	unsigned int needs;
	int (*attach)(struct run *run); /* ON_OWN: 0 or -errno */
	void (*detach)(void); /* what does not go with the process */
	int (*fire)(struct run *run); /* BY_OWN: 0 or -errno */
};

struct run *repro_open(const struct suite *suite, const struct repro *r,
		       __u32 fill);
/* The function that getpgid() calls. */
#define SYS_GETPGID "__x64_sys_getpgid"
/* Where @function begins, with interrupts off. NULL, errno: it failed. */
struct bpf_link *attach_int3(struct bpf_program *prog, const char *function);
void repro_attach(struct run *run);
void repro_close(struct run *run);
int repro_fd(struct run *run);
struct bpf_program *repro_prog(struct run *run);
struct bpf_object *repro_obj(struct run *run);
/* For attach(): closed with the run. 0 or -errno. */
int repro_keep(struct run *run, struct bpf_link *link);
__u32 repro_id(struct run *run);
volatile struct ctl *repro_ctl(struct run *run);
/* Another process goes on with it: what it holds of itself is compared with now. */
void repro_take_over(struct run *run);
/* Triggers it and waits until it is through or ended, but no longer than patience. */
uint64_t repro_fire(struct run *run, uint64_t patience_ns);
/* Nanoseconds from the trigger until the program was through. */
uint64_t repro_trigger(struct run *run);
/* Sets n so that the stall takes about this long; needs a watchdog that is off. */
uint64_t repro_calibrate(struct run *run, uint64_t stall_ns);
void repro_stall_for_ever(struct run *run);
/* All that it held is back; a fresh program loads and runs. */
void repro_check_held(struct run *run, bool canary_too);
/* Last: removes the cgroup, which stays dying if a reference leaked. */
void repro_check_cgroup_gone(struct run *run);
void repro_describe_holds(const struct repro *r, char *buf, size_t size);

/* By name, out of the rows of all suites; NULL: none. */
const struct repro *repro_find(const char *name, const struct suite **suite);

/* The test of a reproducer: ended in time, reported, nothing leaked; three times over. */
void repro_test(const struct suite *suite, const struct repro *r);
/* runner --repro: shows what happens; 0, 1 or 4. */
int repro_show(const char *name, bool watchdog, unsigned int budget_us,
	       uint64_t stall_ms);

#endif
