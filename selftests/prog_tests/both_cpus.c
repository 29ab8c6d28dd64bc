// SPDX-License-Identifier: GPL-2.0
/* No CPU is left that does not stall: each has to time itself. */
#include <sys/mman.h>
#include <sys/wait.h>
#include "traffic/repro.h"

static void on_all_cpus(const char *name)
{
	const struct suite *suite;
	const struct repro *r = repro_find(name, &suite);
	struct bpf_prog_info before, after;
	int cpu, cpus = last_cpu() + 1, status;
	volatile int *ready;
	struct run *run;

	/* With every CPU stalled there is nobody to pull the brake: it must end by itself. */
	trace_start();
	wd_disable();
	run = repro_open(suite, r, r->fill);
	repro_calibrate(run, 6 * NSEC_PER_SEC);
	repro_ctl(run)->finished = 0;
	wd_enable(BUDGET_US);
	before = prog_info(repro_fd(run));
	ready = mmap(NULL, sizeof(*ready), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	REQUIRE(ready != MAP_FAILED, "mmap: %m");

	for (cpu = 0; cpu < cpus; cpu++) {
		pid_t pid = fork();

		REQUIRE(pid >= 0, "fork: %m");
		if (!pid) {
			uint64_t start;
			int err;

			pin_to(cpu);
			__sync_fetch_and_add(ready, 1);
			while (*ready < cpus)
				;
			start = now_ns();
			shared->stall_since = start;
			err = prog_run(repro_fd(run), NULL);
			CHECK(!err, "CPU %d: %s", cpu, strerror(-err));
			CHECK(now_ns() - start < NSEC_PER_SEC,
			      "CPU %d: ended after %.1f ms", cpu,
			      (now_ns() - start) / (double)NSEC_PER_MSEC);
			fflush(stdout);
			_exit(nr_failures != 0);
		}
	}
	for (cpu = 0; cpu < cpus; cpu++) {
		wait(&status);
		CHECK(!status, "a process failed");
	}
	shared->stall_since = 0;
	after = prog_info(repro_fd(run));
	CHECK(!repro_ctl(run)->brake, "the runner had to pull the brake");
	CHECK(after.terminations == before.terminations + cpus,
	      "%llu terminations on %d CPUs",
	      after.terminations - before.terminations, cpus);
	CHECK(repro_ctl(run)->finished == (__u64)cpus,
	      "%llu invocations reached their end", repro_ctl(run)->finished);
	CHECK(trace_find(after.id, "terminate", NULL) == cpus,
	      "%d terminate events", trace_find(after.id, "terminate", NULL));
	repro_check_held(run, true);
}

static void in_tasks(void)
{
	on_all_cpus("loop_syscall");
}

static void preempt_disabled(void)
{
	on_all_cpus("hold_preempt");
}

static const struct test tests[] = {
	{ "in_tasks",
	  "all CPUs stall at once in a syscall program, all are ended",
	  in_tasks, NEEDS_WATCHDOG | NEEDS_TWO_CPUS },
	{ "preempt_disabled",
	  "all CPUs stall at once with preemption disabled, all are ended",
	  preempt_disabled, NEEDS_WATCHDOG | NEEDS_TWO_CPUS },
};

const struct suite suite_both_cpus = {
	.name = "both_cpus",
	.tests = tests,
	.nr_tests = ARRAY_SIZE(tests),
};
