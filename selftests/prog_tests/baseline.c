// SPDX-License-Identifier: GPL-2.0
/* Every reproducer with the watchdog off: it loads, it stalls, it gives back what it held. */
#include <sys/wait.h>
#include "traffic/repro.h"

/* A stall that ends by itself: long enough to be one, short enough to wait for. */
#define STALL_NS (30 * NSEC_PER_MSEC)

static void stall(const struct suite *suite, const struct repro *r)
{
	struct bpf_prog_info info;
	struct run *run;
	char holds[200];
	uint64_t took;

	if (r->needs & NEEDS_TWO_CPUS && last_cpu() < 1)
		return;
	pin_to(r->trigger == BY_IPI ? 0 : last_cpu());
	run = repro_open(suite, r, r->fill);
	repro_attach(run);
	repro_describe_holds(r, holds, sizeof(holds));
	took = repro_calibrate(run, STALL_NS);
	CHECK(r->flags & R_NO_WORK || took >= STALL_NS,
	      "stalls for %.1f ms only", took / (double)NSEC_PER_MSEC);
	repro_check_held(run, true);
	repro_check_cgroup_gone(run);
	info = prog_info(repro_fd(run));
	CHECK(!info.terminations && !info.overruns,
	      "%llu terminations by a watchdog that is off", info.terminations);
	diag("%-16s n %-8llu %7.1f ms; held: %s", r->name, repro_ctl(run)->n,
	     took / (double)NSEC_PER_MSEC, holds);
	repro_close(run);
}

static void stalls(void)
{
	size_t i, j;
	int status;
	pid_t pid;

	if (wd_present())
		wd_disable();
	for (i = 0; i < nr_suites; i++) {
		for (j = 0; j < suites[i]->nr_repros; j++) {
			fflush(stdout);
			pid = fork();
			if (!pid) {
				nr_failures = 0;
				stall(suites[i], &suites[i]->repros[j]);
				fflush(stdout);
				_exit(nr_failures ? TEST_FAIL : TEST_PASS);
			}
			waitpid(pid, &status, 0);
			CHECK(!status, "%s", suites[i]->repros[j].name);
		}
	}
}

static const struct test tests[] = {
	{ "stalls",
	  "each reproducer loads, stalls and gives all back, watchdog off",
	  stalls, .timeout_s = 300 },
};

const struct suite suite_baseline = {
	.name = "baseline",
	.tests = tests,
	.nr_tests = ARRAY_SIZE(tests),
};
