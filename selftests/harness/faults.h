/* SPDX-License-Identifier: GPL-2.0 */
/* Makes allocations of the kernel fail, and looks for what was not given back. */
#ifndef FAULTS_H
#define FAULTS_H

#include "harness/test_util.h"

#define JIT_LIMIT "/proc/sys/net/core/bpf_jit_limit"
#define JIT_HARDEN "/proc/sys/net/core/bpf_jit_harden"

struct operation {
	const char *name;
	void (*prepare)(void); /* or NULL */
	int (*run)(void); /* what is to fail: a result or -errno */
	/* Is all as it was, or as it should be, after run() returned @ret? */
	void (*check)(int ret);
	unsigned int factor; /* not each n, but up to this many; 0: each */
	bool may_be_none; /* it need not allocate anything */
};

/* Does it for each allocation that there is, until it succeeds without a fault. */
void fail_each(const struct operation *op);
/* The n-th allocation of this thread from now on fails; 0: none does. */
void fail_nth(unsigned int n);
/* Was there such an allocation? No further one fails. */
bool has_failed(void);

/* Skips the test if no faults can be made. */
void faults_begin(void);
/* Programs, code and memory are as they were; the watchdog is off. */
void faults_end(void);

long get_number(const char *path);
void set_number(const char *path, long value);
/* /proc/sys/net is that of the first network namespace. */
void first_netns(void);
/* In a process without capabilities; the exit status of fn(), 0 is good. */
int as_nobody(int (*fn)(void));
/*
 * The lowest bpf_jit_limit under which fn() succeeds as nobody: so much is charged,
 * when nothing is being freed any more.
 */
long steady_limit(int (*fn)(void));

#endif
