// SPDX-License-Identifier: GPL-2.0
/* An invocation inside another one: each has its own record, budget and end. */
#include "harness/test_util.h"
#include "nested.skel.h"

static struct nested *load(bool kprobe)
{
	struct nested *skel = nested__open();
	struct bpf_program *inner;
	int err;

	REQUIRE(skel, "nested: %m");
	inner = kprobe ? skel->progs.inner_kprobe : skel->progs.inner_fentry;
	bpf_program__set_autoload(skel->progs.inner_kprobe, kprobe);
	bpf_program__set_autoload(skel->progs.inner_fentry, !kprobe);
	err = nested__load(skel);
	REQUIRE(!err, "nested: %s", strerror(-err));
	REQUIRE(bpf_program__attach(inner), "%s: %m", bpf_program__name(inner));
	skel->data_ctl->ctl.tgid = getpid();
	return skel;
}

static void run(struct nested *skel)
{
	uint64_t start = now_ns();
	int err;

	shared->stall_since = start;
	err = prog_run(bpf_program__fd(skel->progs.outer), NULL);
	shared->stall_since = 0;
	CHECK(!err, "test run: %s", strerror(-err));
	CHECK(now_ns() - start < 2 * NSEC_PER_SEC, "took %.1f ms",
	      (now_ns() - start) / (double)NSEC_PER_MSEC);
	CHECK(!skel->data_ctl->ctl.brake, "nobody ended it");
}

static void set_budget(struct bpf_program *prog, __u64 ns)
{
	int err = wd_command(bpf_program__fd(prog), BPF_WD_SET_BUDGET, ns);

	REQUIRE(!err, "SET_BUDGET: %s", strerror(-err));
}

/* The inner one would run for ever, the outer one has time. */
static void inner_only(bool kprobe)
{
	struct health before = health();
	struct bpf_prog_info outer, inner;
	struct bpf_program *prog;
	struct nested *skel;
	volatile struct ctl *ctl;

	wd_enable(BUDGET_US);
	skel = load(kprobe);
	ctl = (void *)&skel->data_ctl->ctl;
	prog = kprobe ? skel->progs.inner_kprobe : skel->progs.inner_fentry;
	set_budget(skel->progs.outer, 1000 * NSEC_PER_SEC);
	ctl->n = 3;
	ctl->m = 1 << 23;
	run(skel);
	outer = prog_info(bpf_program__fd(skel->progs.outer));
	inner = prog_info(bpf_program__fd(prog));
	CHECK(!outer.terminations && ctl->full == 1 && ctl->steps == 3,
	      "the outer one was ended after %llu of 3 iterations", ctl->steps);
	CHECK(inner.terminations == 3,
	      "the inner one was ended %llu times, not 3", inner.terminations);
	CHECK(ctl->inner_started == 3 && ctl->inner_finished == 3 &&
		      !ctl->inner_full,
	      "inner: %llu started, %llu finished, %llu did all",
	      ctl->inner_started, ctl->inner_finished, ctl->inner_full);
	check_health(&before, true);
	canary();
}

/* The outer one would run for ever and passes its budget while the inner one runs. */
static void outer_only(bool kprobe)
{
	struct health before = health();
	struct bpf_prog_info outer, inner;
	struct bpf_program *prog;
	struct nested *skel;
	volatile struct ctl *ctl;
	uint64_t start, took;

	wd_disable();
	skel = load(kprobe);
	ctl = (void *)&skel->data_ctl->ctl;
	prog = kprobe ? skel->progs.inner_kprobe : skel->progs.inner_fentry;
	/* An inner run of 5 ms or more. */
	ctl->n = 1;
	for (ctl->m = 64;; ctl->m *= 2) {
		start = now_ns();
		run(skel);
		took = now_ns() - start;
		if (took >= 5 * NSEC_PER_MSEC)
			break;
	}
	wd_enable(2000);
	set_budget(prog, 1000 * NSEC_PER_SEC);
	/* The time of the inner one is not its own, so it has very little of it. */
	set_budget(skel->progs.outer, 10 * NSEC_PER_USEC);
	ctl->n = 1 << 23;
	ctl->full = ctl->inner_started = ctl->inner_finished = ctl->inner_full =
		0;
	run(skel);
	outer = prog_info(bpf_program__fd(skel->progs.outer));
	inner = prog_info(bpf_program__fd(prog));
	CHECK(outer.terminations == 1 && !ctl->full,
	      "the outer one was ended %llu times", outer.terminations);
	CHECK(!inner.terminations && !inner.overruns,
	      "the inner one was ended %llu times", inner.terminations);
	CHECK(ctl->inner_started && ctl->inner_full == ctl->inner_started,
	      "inner: %llu started, %llu did all", ctl->inner_started,
	      ctl->inner_full);
	check_health(&before, true);
	canary();
}

/* A trampoline below all of its frames, for as long as it runs. */
static void on_itself(bool exit)
{
	struct health before = health();
	struct nested *target = load(true), *skel = nested__open();
	struct bpf_program *prog, *on;
	struct bpf_prog_info info;
	struct bpf_link *link;
	int err;

	REQUIRE(skel, "nested: %m");
	on = exit ? skel->progs.on_exit : skel->progs.on_entry;
	bpf_object__for_each_program(prog, skel->obj)
		bpf_program__set_autoload(prog, prog == on);
	err = bpf_program__set_attach_target(
		on, bpf_program__fd(target->progs.outer), "outer");
	REQUIRE(!err, "attach target: %s", strerror(-err));
	err = nested__load(skel);
	REQUIRE(!err, "nested: %s", strerror(-err));
	link = bpf_program__attach(on);
	REQUIRE(link, "%s: %m", bpf_program__name(on));

	wd_enable(BUDGET_US);
	target->data_ctl->ctl.tgid = 0; /* no inner program */
	target->data_ctl->ctl.n = 1 << 23;
	/* The trampoline occupies its entry; it is skipped before that. */
	err = wd_command(bpf_program__fd(target->progs.outer),
			 BPF_WD_QUARANTINE, 0);
	CHECK(!err, "QUARANTINE under a trampoline: %s", strerror(-err));
	run(target);
	CHECK(!target->data_ctl->ctl.started, "ran in quarantine");
	err = wd_command(bpf_program__fd(target->progs.outer), BPF_WD_RELEASE,
			 0);
	CHECK(!err, "RELEASE under a trampoline: %s", strerror(-err));
	/* 8M calls of bpf_strncmp(): some seconds at least. */
	run(target);
	info = prog_info(bpf_program__fd(target->progs.outer));
	CHECK(info.terminations == 1 && !target->data_ctl->ctl.full,
	      "ended %llu times", info.terminations);
	if (exit)
		CHECK(skel->data_ctl->ctl.inner_finished == 1,
		      "fexit ran %llu times",
		      skel->data_ctl->ctl.inner_finished);
	else
		CHECK(skel->data_ctl->ctl.inner_started == 1,
		      "fentry ran %llu times",
		      skel->data_ctl->ctl.inner_started);
	bpf_link__destroy(link);
	check_health(&before, true);
	canary();
}

static void fentry_on_itself(void)
{
	on_itself(false);
}

static void fexit_on_itself(void)
{
	on_itself(true);
}

/* Have both been timed a few times? */
static bool both_sampled(struct nested *skel)
{
	int outer = bpf_program__fd(skel->progs.outer);
	int inner = bpf_program__fd(skel->progs.inner_kprobe);

	return prog_info(outer).sampled_runs >= 5 &&
	       prog_info(inner).sampled_runs >= 5;
}

/* Ten inner ones run on top of the outer one, which has little time of its own: each has its own. */
static void sampled(void)
{
	uint64_t until = now_ns() + 20 * NSEC_PER_SEC;
	struct nested *skel = load(true);
	struct bpf_prog_info outer, inner;

	wd_enable(BUDGET_US);
	wd_spare(bpf_program__fd(skel->progs.outer));
	wd_spare(bpf_program__fd(skel->progs.inner_kprobe));
	skel->data_ctl->ctl.n = 10;
	skel->data_ctl->ctl.m = 30;
	do
		run(skel);
	while (!both_sampled(skel) && now_ns() < until);
	outer = prog_info(bpf_program__fd(skel->progs.outer));
	inner = prog_info(bpf_program__fd(skel->progs.inner_kprobe));
	CHECK(both_sampled(skel), "timed: outer %llu, inner %llu",
	      outer.sampled_runs, inner.sampled_runs);
	CHECK(outer.p99_run_ns && outer.p99_run_ns < 5 * inner.p99_run_ns,
	      "p99: outer %llu ns, inner %llu ns", outer.p99_run_ns,
	      inner.p99_run_ns);
}

/* Two programs, of which @inner is attached and has all the time that it wants. */
static struct nested *load_two(const char *outer, const char *inner,
			       unsigned int period_us, __u64 budget)
{
	struct nested *skel = nested__open();
	struct bpf_program *prog;
	const char *name;
	int err;

	REQUIRE(skel, "nested: %m");
	bpf_object__for_each_program(prog, skel->obj) {
		name = bpf_program__name(prog);
		bpf_program__set_autoload(prog, !strcmp(name, outer) ||
							!strcmp(name, inner));
	}
	err = nested__load(skel);
	REQUIRE(!err, "nested: %s", strerror(-err));
	wd_enable(budget / NSEC_PER_USEC);
	wd_set_period(period_us);
	prog = bpf_object__find_program_by_name(skel->obj, inner);
	wd_spare(bpf_program__fd(prog));
	REQUIRE(bpf_program__attach(prog), "%s: %m", inner);
	skel->data_ctl->ctl.tgid = getpid();
	skel->data_ctl->ctl.m = period_us * NSEC_PER_USEC;
	return skel;
}

/*
 * Each look finds the one on top: the one below has its own time all the same, no more and no
 * less. Ten periods, so that most looks come one period after the other, of some ticks, so that
 * these come between the looks.
 */
static void covered(void)
{
	const unsigned int period_us = 12000, runs = 6;
	const __u64 budget = 10 * period_us * NSEC_PER_USEC;
	unsigned int i, longer = 0, shorter = 0;
	volatile struct ctl *ctl;
	struct nested *skel;
	int fd, err;

	skel = load_two("covered", "covers", period_us, budget);
	fd = bpf_program__fd(skel->progs.covered);
	ctl = (void *)&skel->data_ctl->ctl;
	ctl->n = 10 * budget;
	/* Longer than it takes to read the clock twice, shorter than a look. */
	ctl->user_ptr = env_number("BPFWD_VM_ICOUNT", 0) ? 1500 : 20000;
	for (i = 0; i < runs; i++) {
		uint64_t start = now_ns();

		err = prog_run(fd, NULL);
		CHECK(!err, "test run: %s", strerror(-err));
		diag("had %.1f of %.1f ms for itself",
		     ctl->steps / (double)NSEC_PER_MSEC,
		     (now_ns() - start) / (double)NSEC_PER_MSEC);
		longer += ctl->steps > budget * 3 / 2;
		shorter += ctl->steps < budget * 9 / 10;
	}
	CHECK(ctl->inner_finished > 5 * runs, "%llu runs on top of it",
	      ctl->inner_finished);
	CHECK(prog_info(fd).terminations == runs && !ctl->full,
	      "ended %llu times of %u", prog_info(fd).terminations, runs);
	/* What a busy host takes away looks as if it were its own. */
	CHECK(longer <= runs / 2, "%u of %u runs took half as much again",
	      longer, runs);
	CHECK(!shorter, "%u of %u runs were ended for the time of the other",
	      shorter, runs);
	canary();
}

/*
 * Of the time of its own that a program has, none is taken by one in the timer interrupt, whether
 * that is before or behind the look; nor is it kept from going on.
 */
static void in_interrupt(const char *inner)
{
	const __u64 budget = 5 * PERIOD_US * NSEC_PER_USEC;
	const bool exact = env_number("BPFWD_VM_ICOUNT", 0);
	const unsigned int runs = 5;
	volatile struct ctl *ctl;
	struct nested *skel;
	unsigned int i;
	int fd, err;

	skel = load_two("interrupted", inner, PERIOD_US, budget);
	fd = bpf_program__fd(skel->progs.interrupted);
	ctl = (void *)&skel->data_ctl->ctl;
	for (i = 0; i < 2 * runs; i++) {
		bool innocent = i < runs;
		uint64_t took = now_ns();

		ctl->n = innocent ? budget * 8 / 10 : 200 * budget;
		ctl->full = 0;
		shared->stall_since = took;
		err = prog_run(fd, NULL);
		shared->stall_since = 0;
		took = now_ns() - took;
		CHECK(!err, "test run: %s", strerror(-err));
		/* What a busy host takes away looks as if it were its own. */
		if (exact || !innocent)
			CHECK(ctl->full == innocent,
			      "%s: had %.2f of %.1f ms for itself", inner,
			      ctl->steps / (double)NSEC_PER_MSEC,
			      took / (double)NSEC_PER_MSEC);
		/*
		 * The next look is later by what interrupts took since the one before, which is up
		 * to three runs of 0.8 periods. The way into them is in what it has measured.
		 */
		if (exact && !innocent)
			CHECK(ctl->steps > budget &&
				      ctl->steps < budget + ctl->m * 7 / 2,
			      "%s: ended after %.2f ms of %.2f", inner,
			      ctl->steps / (double)NSEC_PER_MSEC,
			      budget / (double)NSEC_PER_MSEC);
	}
	diag("%s: had %.2f ms for itself at the end, %llu runs on top of it",
	     inner, ctl->steps / (double)NSEC_PER_MSEC, ctl->inner_finished);
	CHECK(ctl->inner_finished > runs, "%llu runs on top of it",
	      ctl->inner_finished);
	nested__destroy(skel);
	canary();
}

static void timer_entry(void)
{
	in_interrupt("timer_entry");
}

static void timer_exit(void)
{
	in_interrupt("timer_exit");
}

static void expire_entry(void)
{
	in_interrupt("expire_entry");
}

static void expire_exit(void)
{
	in_interrupt("expire_exit");
}

static void inner_kprobe(void)
{
	inner_only(true);
}

static void inner_fentry(void)
{
	inner_only(false);
}

static void outer_kprobe(void)
{
	outer_only(true);
}

static void outer_fentry(void)
{
	outer_only(false);
}

static const struct test tests[] = {
	{ "covered",
	  "a program has its own time where each look finds another one on top of it",
	  covered, NEEDS_WATCHDOG },
	{ "expire_entry",
	  "a program before the watchdog's timer takes no time of the one below",
	  expire_entry, NEEDS_WATCHDOG },
	{ "expire_exit", "the same behind it", expire_exit, NEEDS_WATCHDOG },
	{ "fentry_on_itself",
	  "a program is ended while a fentry program is attached to it",
	  fentry_on_itself, NEEDS_WATCHDOG },
	{ "fexit_on_itself",
	  "a program is ended while a fexit program is attached to it",
	  fexit_on_itself, NEEDS_WATCHDOG },
	{ "inner_fentry",
	  "a stalling fentry program in a helper is ended, its caller is not",
	  inner_fentry, NEEDS_WATCHDOG },
	{ "inner_kprobe",
	  "a stalling kprobe program in a helper is ended, its caller is not",
	  inner_kprobe, NEEDS_WATCHDOG },
	{ "outer_fentry",
	  "a program is ended while a fentry program runs in it, that one is not",
	  outer_fentry, NEEDS_WATCHDOG },
	{ "outer_kprobe",
	  "a program is ended while a kprobe program runs in it, that one is not",
	  outer_kprobe, NEEDS_WATCHDOG },
	{ "sampled",
	  "the outer and the inner program are timed, each for itself", sampled,
	  NEEDS_WATCHDOG },
	{ "timer_entry",
	  "a program at the begin of the timer interrupt takes no time of the one below",
	  timer_entry, NEEDS_WATCHDOG },
	{ "timer_exit", "the same at its end", timer_exit, NEEDS_WATCHDOG },
};

const struct suite suite_nested = {
	.name = "nested",
	.elf = nested__elf_bytes,
	.tests = tests,
	.nr_tests = ARRAY_SIZE(tests),
};
