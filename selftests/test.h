/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A suite is one file prog_tests/<name>.c and, where it needs programs, one
 * progs/<name>.bpf.c. Its tests are named <suite>/<test>. Each test runs in a
 * process of its own, in fresh network and mount namespaces, on the last CPU.
 */
#ifndef TEST_H
#define TEST_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/bpf.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "progs/ctl.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define NSEC_PER_USEC 1000ULL
#define NSEC_PER_MSEC 1000000ULL
#define NSEC_PER_SEC 1000000000ULL

enum { TEST_PASS = 0, TEST_FAIL = 1, TEST_SKIP = 4 };

/* What a test needs; without it, it is skipped and says so. */
enum {
	NEEDS_WATCHDOG = 1 << 0,
	NEEDS_TWO_CPUS = 1 << 1,
	NEEDS_TEST_TRIGGER = 1 << 2, /* CONFIG_BPF_WATCHDOG_TEST */
};

struct test {
	const char *name;
	const char *desc; /* one sentence, mandatory */
	void (*run)(void);
	unsigned int needs;
	unsigned int
		timeout_s; /* 0: 60 s; a stall gets no more than 5 s, see process.c */
};

struct repro;

struct suite {
	const char *name;
	const void *(*elf)(size_t *size);
	const struct test *tests;
	size_t nr_tests;
	const struct repro *repros; /* each is a test as well */
	size_t nr_repros;
};

/* All that there are, sorted by name: the runner sets it. */
extern const struct suite *const *suites;
extern size_t nr_suites;

/* --- Results --------------------------------------------------------------------------------- */

/* Never returns: ends the test at once. */
void skip(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
void give_up(void) __attribute__((noreturn));
void diag(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
bool check_fail(const char *file, int line, const char *cond, const char *fmt,
		...) __attribute__((format(printf, 4, 5)));

/* Goes on after a failure; its value is the condition's. */
#define CHECK(cond, ...) \
	((cond) ? true : check_fail(__FILE__, __LINE__, #cond, __VA_ARGS__))
/* What follows makes no sense without it. */
#define REQUIRE(cond, ...)                     \
	do {                                   \
		if (!CHECK(cond, __VA_ARGS__)) \
			give_up();             \
	} while (0)

extern bool verbose;
extern int nr_failures;

/* Programs that were ended, see harness/stops.h. */
struct stops {
	unsigned int programs, above;
	unsigned long long kills;
};

/* What the process of a test tells the runner. */
struct shared {
	volatile uint64_t
		stall_since; /* CLOCK_MONOTONIC, 0: no stall is under way */
	volatile uint64_t heard; /* when a script last said something, or 0 */
	char skip_reason[200];
	struct stops stops;
	volatile bool
		oopses; /* on purpose, by a bad pointer: no fault of the kernel */
};
extern struct shared *shared;

#endif
