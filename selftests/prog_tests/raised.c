// SPDX-License-Identifier: GPL-2.0
/* The interrupts that programs raise: on top of themselves, and on top of others when they are done. */
#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include "harness/stops.h"
#include "harness/test_util.h"
#include "raised.skel.h"

static struct raised *skel;
static volatile struct ctl *ctl;

static void load(void)
{
	skel = raised__open_and_load();
	REQUIRE(skel, "raised: %m");
	ctl = (void *)&skel->data_ctl->ctl;
	ctl->tgid = getpid();
}

static int fd_of(struct bpf_program *prog)
{
	return bpf_program__fd(prog);
}

static uint64_t run(struct bpf_program *prog)
{
	uint64_t start = now_ns();
	int err;

	shared->stall_since = start;
	err = prog_run(fd_of(prog), NULL);
	shared->stall_since = 0;
	CHECK(!err, "test run: %s", strerror(-err));
	return now_ns() - start;
}

/* Another 2,000 wait for the records of @map; returns one of them. */
static int wait_on(struct bpf_map *map)
{
	struct rlimit files = { 65536, 65536 };
	struct epoll_event ev = { .events = EPOLLIN };
	int i, fd;

	REQUIRE(!setrlimit(RLIMIT_NOFILE, &files), "RLIMIT_NOFILE: %m");
	for (i = 0; i < 2000; i++) {
		fd = epoll_create1(EPOLL_CLOEXEC);
		REQUIRE(fd >= 0, "epoll_create1: %m");
		REQUIRE(!epoll_ctl(fd, EPOLL_CTL_ADD, bpf_map__fd(map), &ev),
			"epoll_ctl: %m");
	}
	return fd;
}

/* The interrupts that a program raises on itself are its time, however long they take. */
static void on_top(void)
{
	struct bpf_prog_info info;
	uint64_t off, on;
	int fd;

	wd_disable();
	load();
	fd = fd_of(skel->progs.wakes);
	wait_on(skel->maps.waited_on);
	for (ctl->n = 16; (off = run(skel->progs.wakes)) < 300 * NSEC_PER_MSEC;)
		REQUIRE((ctl->n *= 2) <= 1 << 18, "%llu ns",
			(unsigned long long)off);
	wd_enable(10000);
	REQUIRE(!wd_command(fd, BPF_WD_SET_BUDGET, 10 * NSEC_PER_MSEC),
		"budget: %m");
	ctl->steps = ctl->full = 0;
	on = run(skel->progs.wakes);
	info = prog_info(fd);
	diag("%llu of %llu records, %.1f ms without the watchdog, %.1f ms with it, charged %.1f ms",
	     ctl->steps, ctl->n, off / (double)NSEC_PER_MSEC,
	     on / (double)NSEC_PER_MSEC,
	     info.longest_run_ns / (double)NSEC_PER_MSEC);
	CHECK(info.terminations == 1 && !ctl->full, "%llu ends",
	      info.terminations);
	CHECK(on < off / 2, "%.1f ms", on / (double)NSEC_PER_MSEC);
	/* One record takes less than a period, and is in it. */
	if (time_is_exact())
		CHECK(on < 13 * NSEC_PER_MSEC, "%.1f ms",
		      on / (double)NSEC_PER_MSEC);
}

/* How long they take is not known: what may raise several can be ended between them. */
static void line(void)
{
	struct bpf_prog_info info;

	load();
	wd_enable(10000);
	info = prog_info(fd_of(skel->progs.wakes_once));
	CHECK(info.terminable == BPF_TERMINABLE_NOT_NEEDED, "one: %u",
	      info.terminable);
	info = prog_info(fd_of(skel->progs.wakes_twice));
	CHECK(info.terminable == BPF_TERMINABLE_YES, "two: %u",
	      info.terminable);
	info = prog_info(fd_of(skel->progs.signals));
	CHECK(info.terminable == BPF_TERMINABLE_CONDITIONAL, "signal: %u",
	      info.terminable);
	CHECK(info.estimate_worst_ns == UINT64_MAX, "signal: worst %llu ns",
	      info.estimate_worst_ns);
}

static void wait_on_all(void)
{
	wait_on(skel->maps.waited_on);
	wait_on(skel->maps.waited_on_2);
	wait_on(skel->maps.waited_on_3);
	wait_on(skel->maps.waited_on_4);
}

static bool quarantined(void *prog)
{
	return prog_info(fd_of(prog)).quarantined;
}

/* Whatever was left behind is over, and nothing new comes of it. */
static void check_stopped(struct bpf_program *prog)
{
	struct bpf_prog_info info;
	__u64 steps;

	CHECK(wait_until(quarantined, prog, 5 * NSEC_PER_SEC),
	      "it is not in quarantine");
	info = prog_info(fd_of(prog));
	CHECK(info.overruns && info.stuck_ends && !info.terminations,
	      "%llu overruns, %llu stuck, %llu ends", info.overruns,
	      info.stuck_ends, info.terminations);
	steps = ctl->steps;
	sched_yield();
	usleep(20000);
	CHECK(ctl->steps == steps, "it runs on");
}

/*
 * With interrupts off they come when the program has returned, on top of others. Four times
 * 2,000 that wait take longer than the budget: then there is no second run.
 */
static void owed(void)
{
	struct bpf_link *link;

	load();
	wait_on_all();
	wd_enable(1000);
	link = bpf_program__attach(skel->progs.switches);
	REQUIRE(link, "switches: %m");
	ctl->n = 1000;
	usleep(1000);
	check_stopped(skel->progs.switches);
	diag("%llu runs", ctl->steps);
	CHECK(ctl->steps && ctl->steps <= 8, "%llu runs", ctl->steps);
	CHECK(prog_info(fd_of(skel->progs.switches)).longest_run_ns <
		      NSEC_PER_MSEC,
	      "the runs themselves are short");
}

/* None of them takes long, but they leave the CPU too little. */
static void owed_often(void)
{
	uint64_t start, took;
	struct bpf_link *link;

	load();
	wait_on_all();
	wait_on_all();
	wd_enable(10000);
	link = bpf_program__attach(skel->progs.expires);
	REQUIRE(link, "expires: %m");
	ctl->n = UINT64_MAX;
	start = now_ns();
	/* When one is over, the watchdog's timer has expired again. */
	do {
		took = now_ns() - start;
	} while (took < 2 * NSEC_PER_SEC && !quarantined(skel->progs.expires));
	diag("%llu runs, %.1f ms", ctl->steps, took / (double)NSEC_PER_MSEC);
	CHECK(took < 2 * NSEC_PER_SEC, "it has the CPU");
	check_stopped(skel->progs.expires);
	bpf_link__destroy(link);
}

/* So is what runs in them itself: each run is short, and the CPU has time for nothing else. */
static void in_interrupts(void)
{
	const uint64_t run_ns = 3 * NSEC_PER_MSEC;
	uint64_t start, took;
	struct bpf_link *link;

	if (!time_is_exact())
		skip("needs ICOUNT=1: time is not instructions here");
	load();
	wd_disable();
	for (ctl->m = 1 << 10; (took = run(skel->progs.runs_on)) < run_ns;)
		ctl->m *= 2;
	ctl->m = ctl->m * (double)run_ns / took;
	wd_enable(10000);
	link = bpf_program__attach(skel->progs.expires_long);
	REQUIRE(link, "expires_long: %m");
	ctl->n = 1000;
	start = now_ns();
	while (ctl->n && !quarantined(skel->progs.expires_long))
		usleep(1000);
	took = now_ns() - start;
	diag("%llu runs, %.1f ms", ctl->steps, took / (double)NSEC_PER_MSEC);
	CHECK(ctl->n, "it was let run until its own end");
	check_stopped(skel->progs.expires_long);
	bpf_link__destroy(link);
}

/* Seldom, and short: nobody minds. */
static void owed_little(void)
{
	struct bpf_prog_info info;
	struct bpf_link *link;
	int i;

	load();
	wait_on(skel->maps.waited_on);
	wd_enable(10000);
	link = bpf_program__attach(skel->progs.switches_once);
	REQUIRE(link, "switches_once: %m");
	ctl->n = UINT64_MAX;
	for (i = 0; i < 200; i++)
		usleep(5000);
	info = prog_info(fd_of(skel->progs.switches_once));
	CHECK(ctl->steps >= 200 && !info.overruns && !info.quarantined,
	      "%llu runs, %llu overruns, quarantined %u", ctl->steps,
	      info.overruns, info.quarantined);
	bpf_link__destroy(link);
}

/* One that is long may be the hypervisor's, two of eight are not. */
static void seldom_long(void)
{
	struct bpf_program *prog;
	struct bpf_link *link;
	int i;

	load();
	prog = skel->progs.switches_seldom;
	wait_on(skel->maps.waited_on);
	wd_enable(10000);
	REQUIRE(!wd_command(fd_of(prog), BPF_WD_SET_BUDGET, 50 * NSEC_PER_USEC),
		"budget: %m");
	ctl->m = 16;
	link = bpf_program__attach(prog);
	REQUIRE(link, "switches_seldom: %m");
	ctl->n = UINT64_MAX;
	for (i = 0; i < 100; i++)
		usleep(1000);
	if (time_is_exact())
		CHECK(!quarantined(prog) && ctl->steps >= 100,
		      "quarantined %d after %llu runs", quarantined(prog),
		      ctl->steps);
	ctl->m = 4;
	for (i = 0; i < 100; i++)
		usleep(1000);
	CHECK(wait_until(quarantined, prog, 5 * NSEC_PER_SEC),
	      "one in 4 of %llu was long", ctl->steps);
	bpf_link__destroy(link);
}

/* Each of them raises the next one. */
static void chain(void)
{
	struct bpf_link *link;
	uint64_t took;

	load();
	wd_enable(10000);
	link = bpf_program__attach(skel->progs.again);
	REQUIRE(link, "again: %m");
	ctl->n = 1 << 20;
	took = run(skel->progs.wakes_first);
	diag("%llu rounds, %.1f ms", ctl->steps, took / (double)NSEC_PER_MSEC);
	check_stopped(skel->progs.again);
	CHECK(ctl->n, "it was let run until its own end");
	bpf_link__destroy(link);
}

/* The next one is raised before the one that is there is over. */
static void chain_ahead(void)
{
	struct bpf_link *link;
	uint64_t took;

	load();
	wd_enable(10000);
	link = bpf_program__attach(skel->progs.before);
	REQUIRE(link, "before: %m");
	ctl->n = 1 << 20;
	took = run(skel->progs.wakes_first);
	diag("%llu rounds, %.1f ms", ctl->steps, took / (double)NSEC_PER_MSEC);
	CHECK(ctl->n, "it was let run until its own end");
	check_stopped(skel->progs.before);
	bpf_link__destroy(link);
}

static bool one_of_two(void *unused)
{
	return quarantined(skel->progs.odd) || quarantined(skel->progs.even);
}

/* Two programs that take turns owe together. */
static void chain_of_two(void)
{
	struct bpf_link *link, *other;
	uint64_t took;

	load();
	wd_enable(10000);
	link = bpf_program__attach(skel->progs.odd);
	REQUIRE(link, "odd: %m");
	other = bpf_program__attach(skel->progs.even);
	REQUIRE(other, "even: %m");
	ctl->n = 1 << 20;
	took = run(skel->progs.wakes_first);
	diag("%llu rounds, %.1f ms", ctl->steps, took / (double)NSEC_PER_MSEC);
	CHECK(ctl->n, "they were let run until their own end");
	CHECK(wait_until(one_of_two, NULL, 5 * NSEC_PER_SEC),
	      "none is in quarantine");
	bpf_link__destroy(link);
	bpf_link__destroy(other);
}

/* Thousands of interrupts that are not its own do not make a run late. */
static void innocent(void)
{
	const uint64_t own = 9800 * NSEC_PER_USEC;
	struct bpf_prog_info info;
	struct bpf_link *link;
	uint64_t took;
	int i;

	if (!time_is_exact())
		skip("needs ICOUNT=1: time is not instructions here");
	load();
	wd_disable();
	for (ctl->m = 1 << 12; (took = run(skel->progs.runs_on)) < own;)
		ctl->m *= 2;
	ctl->m = ctl->m * (double)own / took;
	wd_enable(10000);
	REQUIRE(!wd_command(fd_of(skel->progs.runs_on), BPF_WD_SET_BUDGET,
			    10 * NSEC_PER_MSEC),
		"budget: %m");
	link = bpf_program__attach(skel->progs.again);
	REQUIRE(link, "again: %m");
	ctl->full = 0;
	for (i = 0; i < 8; i++) {
		ctl->n = 3000;
		took = run(skel->progs.runs_on);
	}
	info = prog_info(fd_of(skel->progs.runs_on));
	diag("the last one took %.1f ms with %llu interrupts, charged %.2f ms at most",
	     took / (double)NSEC_PER_MSEC, ctl->steps / 8,
	     info.longest_run_ns / (double)NSEC_PER_MSEC);
	CHECK(ctl->full == 8 && !info.terminations, "%llu of 8 were ended",
	      info.terminations);
	bpf_link__destroy(link);
}

/* One that alone takes longer than the budget cannot be helped by ending what comes behind. */
static void too_long(void)
{
	struct bpf_program *prog;
	struct bpf_link *link;
	int i;

	load();
	prog = skel->progs.wakes_by_call;
	wait_on(skel->maps.waited_on);
	wd_enable(10000);
	REQUIRE(!wd_command(fd_of(prog), BPF_WD_SET_BUDGET, 50 * NSEC_PER_USEC),
		"budget: %m");
	link = bpf_program__attach(prog);
	REQUIRE(link, "wakes_by_call: %m");
	ctl->n = 1000;
	for (i = 0; i < 10; i++)
		getpgid(0);
	CHECK(wait_until(quarantined, prog, 5 * NSEC_PER_SEC) &&
		      ctl->steps < 10,
	      "quarantined %d, %llu runs", quarantined(prog), ctl->steps);
	CHECK(prog_info(fd_of(prog)).stuck_ends, "it is counted nowhere");
	bpf_link__destroy(link);
}

static void *waits(void *arg)
{
	struct epoll_event ev;

	return (void *)(long)epoll_wait(*(int *)arg, &ev, 1, 10000);
}

/* What is given back on the fast path wakes who waits for it a little later. */
static void held(void)
{
	struct bpf_prog_info info;
	pthread_t thread;
	void *woken;
	int fd, i;

	load();
	fd = wait_on(skel->maps.waited_on);
	wd_enable(10000);
	REQUIRE(!wd_command(fd_of(skel->progs.holds), BPF_WD_SET_BUDGET,
			    10 * NSEC_PER_MSEC),
		"budget: %m");
	REQUIRE(!pthread_create(&thread, NULL, waits, &fd), "thread: %m");
	usleep(50000);
	ctl->n = 1 << 23;
	for (i = 0; i < 4; i++)
		run(skel->progs.holds);
	info = prog_info(fd_of(skel->progs.holds));
	diag("%llu ends, stopped within %.1f us, bound %.1f us",
	     info.terminations, info.longest_stop_ns / (double)NSEC_PER_USEC,
	     info.stop_bound_ns / (double)NSEC_PER_USEC);
	CHECK(info.terminations == 4 && ctl->held == 4, "%llu ends",
	      info.terminations);
	if (time_is_exact())
		CHECK(info.longest_stop_ns <= info.stop_bound_ns,
		      "%llu ns, bound %llu ns", info.longest_stop_ns,
		      info.stop_bound_ns);
	pthread_join(thread, &woken);
	CHECK(woken == (void *)1L, "nobody was woken");
}

static const struct test tests[] = {
	{ "on_top", "interrupts that a program raises on itself are its time",
	  on_top, NEEDS_WATCHDOG },
	{ "line",
	  "what may raise several such interrupts has a fast-path image", line,
	  NEEDS_WATCHDOG },
	{ "owed",
	  "what a program leaves behind with interrupts off counts as its own",
	  owed, NEEDS_WATCHDOG },
	{ "owed_often",
	  "it may not have most of a CPU for longer than a budget", owed_often,
	  NEEDS_WATCHDOG },
	{ "in_interrupts",
	  "what runs in interrupts may not have most of a CPU, either",
	  in_interrupts, NEEDS_WATCHDOG },
	{ "owed_little", "it may have a little of a CPU for ever", owed_little,
	  NEEDS_WATCHDOG },
	{ "seldom_long",
	  "an interrupt that is long, among short ones, may be a hypervisor's",
	  seldom_long, NEEDS_WATCHDOG },
	{ "chain", "interrupts that raise each other come to an end", chain,
	  NEEDS_WATCHDOG },
	{ "chain_ahead",
	  "likewise if each is raised before the last one is over", chain_ahead,
	  NEEDS_WATCHDOG },
	{ "chain_of_two", "likewise where two programs do that together",
	  chain_of_two, NEEDS_WATCHDOG },
	{ "innocent", "a run that 3,000 interrupts hit is not ended for them",
	  innocent, NEEDS_WATCHDOG },
	{ "too_long",
	  "what raises an interrupt longer than its budget does not run again",
	  too_long, NEEDS_WATCHDOG },
	{ "held",
	  "records that are given back on the fast path do not delay it", held,
	  NEEDS_WATCHDOG },
};

const struct suite suite_raised = {
	.name = "raised",
	.tests = tests,
	.nr_tests = ARRAY_SIZE(tests),
};
