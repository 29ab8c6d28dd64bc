// SPDX-License-Identifier: GPL-2.0
/*
 * Ends each reproducer at its k-th call, for every k that it reaches, and does the
 * same with programs of others, at their calls and anywhere.
 */
#include <sys/wait.h>
#include "corpus/corpus.h"
#include "traffic/repro.h"

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
		err = wd_end_at(repro_fd(run), k);
		REQUIRE(!err, "end at %u: %s", k, strerror(-err));
		repro_fire(run, NSEC_PER_SEC / 2);
		err = wd_end_at(repro_fd(run), 0);
		REQUIRE(!err, "end at 0: %s", strerror(-err));
		repro_check_held(run, false);
		after = prog_info(repro_fd(run));
		if (after.terminations == before.terminations)
			break;
		CHECK(trace_find(after.id, "terminate", &ev) >= 1 &&
			      !strcmp(ev.reason, "request"),
		      "reason '%s', not request", ev.reason);
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

static const char *classes_file(void)
{
	static char path[100];

	snprintf(path, sizeof(path), "/tmp/classes.%d", getpid());
	return path;
}

static void corpus(void)
{
	struct corpus_opts opts = corpus_subset();
	struct corpus_totals t;

	opts.sweep_ms = 300;
	opts.anywhere_ms = 40;
	opts.kills = KILL_AT_CALLS | KILL_ANYWHERE;
	trace_start();
	corpus_run(&opts, false, &t);
	corpus_print(&t);
	CHECK(!t.leaks, "%u leaks", t.leaks);
	CHECK(!t.died, "%u processes failed", t.died);
	CHECK(t.terminable == t.can_overrun, "%u of %u can be ended",
	      t.terminable, t.can_overrun);
	CHECK(t.at_calls > 1000 && t.anywhere, "%llu + %llu kill points",
	      t.at_calls, t.anywhere);
	canary();
}

static void classes(void)
{
	struct corpus_opts opts = corpus_subset();
	struct corpus_totals t;

	opts.classes = classes_file();
	trace_start();
	corpus_run(&opts, false, &t);
	call_table_compare(opts.classes);
	unlink(opts.classes);
}

static void danger(void)
{
	struct corpus_opts opts = {
		.dir = built_file("SELFTESTS", "selftests"),
		.glob = "danger.bpf.o",
		.rounds = 1,
		.sweep_ms = 1000,
		.anywhere_ms = 400,
		.kills = KILL_AT_CALLS | KILL_ANYWHERE,
		.classes = classes_file(),
		.attach = true,
	};
	struct corpus_totals t;

	trace_start();
	corpus_run(&opts, false, &t);
	corpus_print(&t);
	CHECK(t.loaded == t.programs && t.driven == t.programs && t.programs,
	      "%u of %u programs load, %u run", t.loaded, t.programs, t.driven);
	CHECK(!t.missed, "%u programs run without a kill point", t.missed);
	CHECK(!t.leaks && !t.died, "%u leaks, %u processes failed", t.leaks,
	      t.died);
	call_table_compare(opts.classes);
	call_table_check_danger(opts.classes);
	unlink(opts.classes);
	canary();
}

static const struct test tests[] = {
	{ "repros",
	  "each reproducer is ended at every call that it makes, nothing leaks",
	  repros, NEEDS_WATCHDOG | NEEDS_TEST_TRIGGER, 600 },
	{ "corpus",
	  "programs of the kernel's selftests are ended at calls and anywhere, nothing leaks",
	  corpus, NEEDS_WATCHDOG | NEEDS_TEST_TRIGGER, 900 },
	{ "classes",
	  "the verifier finds the classes of calls that the table has, or it is known why not",
	  classes, NEEDS_WATCHDOG | NEEDS_TEST_TRIGGER, 300 },
	{ "danger",
	  "each call that is dangerous to get wrong is made, has its class, and is ended at",
	  danger, NEEDS_WATCHDOG | NEEDS_TEST_TRIGGER, 300 },
};

const struct suite suite_kill_everywhere = {
	.name = "kill_everywhere",
	.tests = tests,
	.nr_tests = ARRAY_SIZE(tests),
};
