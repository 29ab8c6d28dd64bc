// SPDX-License-Identifier: GPL-2.0
/* The watchdog goes on and off while programs are loaded and running. */
#include <pthread.h>
#include "traffic/repro.h"
#include "stuck.skel.h"

static struct run *open_named(const char *name)
{
	const struct suite *suite;
	const struct repro *r = repro_find(name, &suite);
	struct run *run = repro_open(suite, r, r->fill);

	repro_attach(run);
	return run;
}

static void enable_after_load(void)
{
	struct bpf_prog_info info;
	struct run *run;
	uint64_t took;

	trace_start();
	wd_disable();
	run = open_named("loop_inlined");
	info = prog_info(repro_fd(run));
	CHECK(info.terminable == BPF_TERMINABLE_WHEN_ENABLED,
	      "terminable is %u while off", info.terminable);
	wd_enable(BUDGET_US);
	info = prog_info(repro_fd(run));
	CHECK(info.terminable == BPF_TERMINABLE_YES ||
		      info.terminable == BPF_TERMINABLE_CONDITIONAL,
	      "terminable is %u once enabled", info.terminable);
	CHECK(info.fast_path_bytes, "no image");
	repro_stall_for_ever(run);
	took = repro_trigger(run);
	CHECK(!repro_ctl(run)->brake && took < NSEC_PER_SEC, "took %.1f ms",
	      took / (double)NSEC_PER_MSEC);
	CHECK(prog_info(repro_fd(run)).terminations == 1, "not ended");
	repro_check_held(run, true);
}

/* On while the program runs already: it has no record, and must end by itself. */
static void *switch_on(void *arg)
{
	struct run *run = arg;

	pin_to(0);
	if (wait_for(&repro_ctl(run)->held, repro_ctl(run)->finished + 1,
		     5 * NSEC_PER_SEC))
		wd_enable(1000);
	return NULL;
}

static void *switch_off(void *arg)
{
	struct run *run = arg;

	pin_to(0);
	if (wait_for(&repro_ctl(run)->held, repro_ctl(run)->finished + 1,
		     5 * NSEC_PER_SEC))
		wd_disable();
	return NULL;
}

/* n is for 300 ms; the switch is thrown as soon as the program holds its record. */
static void switch_while_running(void *(*thread_fn)(void *))
{
	struct run *run;
	pthread_t thread;
	__u64 steps;

	trace_start();
	wd_disable();
	run = open_named("loop_syscall");
	repro_calibrate(run, 300 * NSEC_PER_MSEC);
	repro_ctl(run)->steps = 0;
	repro_trigger(run);
	steps = repro_ctl(run)->steps;
	repro_ctl(run)->steps = 0;
	if (thread_fn == switch_off)
		wd_enable(1000000000); /* 1,000 s: never reached */
	repro_ctl(run)->held = repro_ctl(run)->finished;
	REQUIRE(!pthread_create(&thread, NULL, thread_fn, run), "thread");
	repro_trigger(run);
	pthread_join(thread, NULL);
	CHECK(repro_ctl(run)->steps == steps, "%llu steps of %llu",
	      repro_ctl(run)->steps, steps);
	CHECK(!prog_info(repro_fd(run)).terminations, "it was ended");
	repro_check_held(run, true);

	/* And then all works as before. */
	wd_enable(BUDGET_US);
	repro_stall_for_ever(run);
	repro_trigger(run);
	CHECK(!repro_ctl(run)->brake, "nobody ended it");
	CHECK(prog_info(repro_fd(run)).terminations == 1, "not ended");
	repro_check_held(run, true);
}

static void enable_while_running(void)
{
	switch_while_running(switch_on);
}

static void disable_while_running(void)
{
	switch_while_running(switch_off);
}

static volatile bool on_other_cpu;

static void *off_and_on(void *run)
{
	pin_to(0);
	on_other_cpu = true;
	switch_off(run);
	wd_enable(BUDGET_US);
	return NULL;
}

/* It began while the watchdog was on, which is off for a moment then. */
static void on_again(void)
{
	struct run *run;
	pthread_t thread;
	uint64_t took;

	trace_start();
	wd_enable(1000000000); /* 1,000 s: never reached */
	run = open_named("loop_syscall");
	repro_ctl(run)->held = repro_ctl(run)->finished;
	repro_stall_for_ever(run);
	REQUIRE(!pthread_create(&thread, NULL, off_and_on, run), "thread");
	while (!on_other_cpu)
		usleep(1000);
	took = repro_trigger(run);
	pthread_join(thread, NULL);
	CHECK(!repro_ctl(run)->brake && took < 4 * NSEC_PER_SEC, "took %.1f ms",
	      took / (double)NSEC_PER_MSEC);
	CHECK(prog_info(repro_fd(run)).terminations == 1, "not ended");
	repro_check_held(run, true);
}

static volatile bool toggling;

static void *toggle(void *unused)
{
	unsigned int i;

	pin_to(0);
	for (i = 0; i < 40; i++) {
		wd_enable(1000000);
		wd_disable();
	}
	toggling = false;
	return NULL;
}

/* Short invocations all the while: records must be popped by whom they were pushed. */
static void toggle_storm(void)
{
	struct run *run;
	pthread_t thread;
	unsigned long rounds = 0;

	/* Each change patches code that the other CPU runs. */
	if (patching_is_fatal())
		skip("QEMU's TCG may crash on code that is patched while it runs; needs KVM, or TCG=single");
	trace_start();
	run = open_named("loop_inlined");
	repro_ctl(run)->n = 1;
	toggling = true;
	REQUIRE(!pthread_create(&thread, NULL, toggle, NULL), "thread");
	while (toggling && !nr_failures) {
		repro_trigger(run);
		if (++rounds % 50 == 0)
			repro_check_held(
				run, false); /* empties the ring buffer, too */
	}
	pthread_join(thread, NULL);
	CHECK(rounds > 1, "%lu invocations only", rounds);
	CHECK(repro_ctl(run)->finished == repro_ctl(run)->started,
	      "%llu started, %llu finished", repro_ctl(run)->started,
	      repro_ctl(run)->finished);
	repro_check_held(run, true);
	diag("%lu invocations", rounds);
}

static bool in_quarantine(void *fd)
{
	return prog_info(*(int *)fd).quarantined;
}

/* Ended within a helper that goes on for long, but not for longer than was said. */
static void long_helper(void)
{
	struct bpf_prog_info info;
	struct stuck *skel;
	int fd, err;

	wd_enable(BUDGET_US);
	skel = stuck__open_and_load();
	REQUIRE(skel, "stuck: %m");
	fd = bpf_program__fd(skel->progs.long_helper);
	skel->data_ctl->ctl.n = 1000;
	err = prog_run(fd, NULL);
	CHECK(!err, "test run: %s", strerror(-err));
	info = prog_info(fd);
	diag("%.1f ms to stop of at most %.1f",
	     info.longest_stop_ns / (double)NSEC_PER_MSEC,
	     info.stop_bound_ns / (double)NSEC_PER_MSEC);
	CHECK(info.terminations == 1 && !skel->data_ctl->ctl.full,
	      "%llu terminations", info.terminations);
	CHECK(!info.stuck_ends && !info.quarantined,
	      "it is taken for one that does not stop");
}

/* Ended, and goes on for longer than the watchdog waits where no bound is known. */
static void stuck(void)
{
	struct bpf_prog_info info;
	unsigned int budget_us = 60000, runs = 0;
	struct stuck *skel;
	int fd, err;

	skel = stuck__open_and_load();
	REQUIRE(skel, "stuck: %m");
	fd = bpf_program__fd(skel->progs.long_release);
	skel->data_ctl->ctl.n = 1 << 20;
	/* So much to free that it takes too long, on a kernel with checkers not far longer. */
	do {
		wd_enable(budget_us);
		skel->data_ctl->ctl.steps = 0;
		err = prog_run(fd, NULL);
		CHECK(!err, "test run: %s", strerror(-err));
		info = prog_info(fd);
		runs++;
		budget_us *= 2;
	} while (!info.stuck_ends && runs < 6 && !nr_failures);
	diag("it held %llu nodes, and stopped in %.1f ms",
	     skel->data_ctl->ctl.steps,
	     info.longest_stop_ns / (double)NSEC_PER_MSEC);
	CHECK(wait_until(in_quarantine, &fd, 5 * NSEC_PER_SEC),
	      "it is not in quarantine");
	CHECK(info.terminations == runs && info.stuck_ends == 1,
	      "%llu terminations, stuck %llu times", info.terminations,
	      info.stuck_ends);
	CHECK(info.stop_bound_ns == UINT64_MAX, "its stop bound is %llu",
	      info.stop_bound_ns);
	CHECK(skel->data_ctl->ctl.finished == runs, "it did not run out");
	err = prog_run(fd, NULL);
	CHECK(!err && skel->data_ctl->ctl.started == runs,
	      "it ran again: %llu runs", skel->data_ctl->ctl.started);
	err = wd_command(fd, BPF_WD_RELEASE, 0);
	CHECK(!err, "RELEASE: %s", strerror(-err));
	skel->data_ctl->ctl.n = 0;
	err = prog_run(fd, NULL);
	CHECK(!err && skel->data_ctl->ctl.started == runs + 1,
	      "it does not run after its release");
}

static const struct test tests[] = {
	{ "disable_while_running",
	  "switching off lets a running invocation go on",
	  disable_while_running, NEEDS_WATCHDOG | NEEDS_TWO_CPUS },
	{ "enable_after_load",
	  "a program that was loaded before is ended once it is on",
	  enable_after_load, NEEDS_WATCHDOG },
	{ "enable_while_running", "switching on leaves alone what runs already",
	  enable_while_running, NEEDS_WATCHDOG | NEEDS_TWO_CPUS },
	{ "long_helper",
	  "a helper that takes long, but not longer than its stop bound",
	  long_helper, NEEDS_WATCHDOG },
	{ "stuck", "a program that does not stop is reported and quarantined",
	  stuck, NEEDS_WATCHDOG },
	{ "on_again",
	  "a run from before the watchdog was off does not keep it from being on, and is ended",
	  on_again, NEEDS_WATCHDOG | NEEDS_TWO_CPUS },
	{ "toggle_storm", "on and off 40 times under short invocations",
	  toggle_storm, NEEDS_WATCHDOG | NEEDS_TWO_CPUS },
};

const struct suite suite_lifecycle = {
	.name = "lifecycle",
	.tests = tests,
	.nr_tests = ARRAY_SIZE(tests),
};
