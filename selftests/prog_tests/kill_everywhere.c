// SPDX-License-Identifier: GPL-2.0
/* Ends each reproducer at its k-th call, for every k that it reaches. */
#include <sys/wait.h>
#include "repro.h"

#define MAX_POINTS 1000

/* Small sizes: the number of calls is what counts here. */
static void sweep(const struct suite *suite, const struct repro *r)
{
	struct bpf_prog_info before, after;
	struct wd_event ev = {};
	struct run *run;
	unsigned int k;
	int err;

	pin_to(r->trigger == BY_IPI ? 0 : last_cpu());
	run = repro_open(suite, r, r->fill ? 4 : 0);
	wd_want_image(repro_fd(run));
	repro_attach(run);
	/* A chain of tail calls has the sizes 33 times. */
	repro_ctl(run)->m = r->flags & R_TAIL ? 1 : 2;
	repro_ctl(run)->n = r->flags & R_NO_WORK ? 0 : repro_ctl(run)->m;
	for (k = 1; k <= MAX_POINTS && !nr_failures; k++) {
		before = prog_info(repro_fd(run));
		trace_clear();
		err = wd_command(repro_fd(run), BPF_WD_TEST_END_AT, k);
		REQUIRE(!err, "END_AT %u: %s", k, strerror(-err));
		repro_fire(run, NSEC_PER_SEC / 2);
		err = wd_command(repro_fd(run), BPF_WD_TEST_END_AT, 0);
		REQUIRE(!err, "END_AT 0: %s", strerror(-err));
		repro_check_held(run, false);
		after = prog_info(repro_fd(run));
		if (after.terminations == before.terminations)
			break;
		CHECK(trace_find(after.id, "terminate", &ev) >= 1 &&
			      !strcmp(ev.reason, "test"),
		      "reason '%s', not test", ev.reason);
		if (nr_failures)
			diag("ended at call %u", k);
	}
	CHECK(k > 1, "no call of it was reached");
	CHECK(k <= MAX_POINTS, "more than %d calls", MAX_POINTS);
	repro_check_held(run, true);
	repro_check_cgroup_gone(run);
	diag("%-16s %3u kill points", r->name, k - 1);
	repro_close(run);
}

static void repros(void)
{
	size_t i, j;
	int status;
	pid_t pid;

	trace_start();
	wd_enable(1000000000); /* 1,000 s: only the trigger ends anything */
	for (i = 0; i < nr_suites; i++) {
		for (j = 0; j < suites[i]->nr_repros; j++) {
			if (suites[i]->repros[j].needs & NEEDS_TWO_CPUS &&
			    last_cpu() < 1)
				continue;
			/* The trigger counts the calls of an image. */
			if (suites[i]->repros[j].flags & R_NO_IMAGE)
				continue;
			fflush(stdout);
			pid = fork();
			if (!pid) {
				nr_failures = 0;
				sweep(suites[i], &suites[i]->repros[j]);
				fflush(stdout);
				_exit(nr_failures ? TEST_FAIL : TEST_PASS);
			}
			waitpid(pid, &status, 0);
			CHECK(!status, "%s", suites[i]->repros[j].name);
		}
	}
}

static const struct test tests[] = {
	{ "repros",
	  "each reproducer is ended at every call that it makes, nothing leaks",
	  repros, NEEDS_WATCHDOG | NEEDS_TEST_TRIGGER, 600 },
};

const struct suite suite_kill_everywhere = {
	.name = "kill_everywhere",
	.tests = tests,
	.nr_tests = ARRAY_SIZE(tests),
};
