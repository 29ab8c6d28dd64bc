// SPDX-License-Identifier: GPL-2.0
/* Programs from seeds: each says no, or is through, or is ended. See random/README.md. */
#include "random/drive.h"

static void run_seeds(unsigned int seed)
{
	struct random_opts opts = {
		.seed = env_number("BPFWD_RANDOM_SEED", seed),
		.programs = env_number("BPFWD_RANDOM_PROGRAMS", 1000),
		.budget_us = 2000,
	};
	struct random_totals t;

	random_run(&opts, &t);
	random_print(&opts, &t);
	CHECK(!t.exceptions, "%u exceptions", t.exceptions);
	CHECK(t.accepted * 10 > t.programs * 7, "only %u of %u are accepted",
	      t.accepted, t.programs);
	CHECK(t.ended * 2 > t.accepted, "only %u of %u were ended", t.ended,
	      t.accepted);
	canary();
}

static void programs(void)
{
	run_seeds(1);
}

/* Where a nanosecond is an instruction: stop bounds are exact. */
static void counted(void)
{
	run_seeds(1001);
}

static const struct test tests[] = {
	{ "programs",
	  "1,000 programs from seeds: each says no, is through, or is ended",
	  programs, NEEDS_WATCHDOG | NEEDS_TWO_CPUS, 600 },
	{ "counted", "1,000 others, on a single CPU", counted, NEEDS_WATCHDOG,
	  600 },
};

const struct suite suite_random = {
	.name = "random",
	.tests = tests,
	.nr_tests = ARRAY_SIZE(tests),
};
