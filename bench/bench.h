/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Benchmarks of the runtime watchdog. Two stages that share only CSV:
 * `bench run NAME` measures in the guest and appends raw samples, `bench table
 * NAME` turns them, on any machine, into the table, summary CSV and JSON.
 */
#ifndef __BENCH_H
#define __BENCH_H

#include <stdbool.h>
#include <stdio.h>
#include <linux/types.h>

struct bpf_prog_info;
struct csv;

#define ARRAY_SIZE(x) (sizeof(x) / sizeof((x)[0]))

struct run_opts {
	FILE *out; /* raw CSV, one row per sample */
	const char *label; /* which kernel or VM this is: goes into each row */
	const char *filter; /* glob on paths, reproducers or programs */
	int round;
	long count; /* repeats (overhead), kills (latency) */
	long samples; /* overhead: samples per figure */
	long budget_us; /* latency */
	int threads; /* latency: stall so many CPUs at once */
	const char *skip; /* latency, peers: glob of reproducers to leave out */
	const char *ways; /* peers: glob of ways */
	bool alone; /* peers: without a bystander */
	bool any_clock; /* overhead: measure although the TSC counts no instructions */
	int nr_files; /* memory: BPF objects */
	char **files;
};

struct table_opts {
	const struct csv *raw;
	FILE *csv; /* summary, for plots and comparison */
	FILE *json;
};

struct bench {
	const char *name;
	const char *desc;
	/* first column that is a figure; those before it name the row */
	int nr_keys;
	int (*validate)(const struct run_opts *o);
	int (*run)(const struct run_opts *o);
	int (*table)(const struct table_opts *o);
};

extern const struct bench bench_overhead, bench_latency, bench_peers,
	bench_server, bench_memory, bench_estimate, bench_bounds,
	bench_verification;

/* messages go to stderr, results to stdout */
void warn_f(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* kernel interface of the watchdog; -errno */
int wd_sysctl(const char *name, long val);
bool wd_present(void);
int wd_prog_op(int prog_fd, __u32 op, __u64 value);
int wd_prog_info(int prog_fd, struct bpf_prog_info *info);

/* `n` programs runs by BPF_PROG_TEST_RUN; mean ns per run into *mean */
int test_run(int prog_fd, bool ctx, __u32 repeat, __u32 *mean);

static inline __u64 rdtsc(void)
{
	__u32 lo, hi;

	/* cheap and serialising enough: under icount an exact count */
	asm volatile("rdtsc" : "=a"(lo), "=d"(hi) : : "memory");
	return (__u64)hi << 32 | lo;
}

__u64 now_ns(void);

struct dist {
	double p50, p90, p99, min, max;
	size_t n;
};

/* sorts v; nearest rank */
struct dist dist_of(double *v, size_t n);
/* A member of an object: null where nothing was measured. */
void json_dist(FILE *f, const char *name, const struct dist *d);

/* stdout helpers of the tables */
void print_env(const struct csv *c);
/* limit NULL: a figure without a target */
void target_line(const char *what, const char *limit, bool measured, bool met,
		 const char *fmt, ...) __attribute__((format(printf, 5, 6)));

#endif
