// SPDX-License-Identifier: GPL-2.0
/* How long invocations take: those that the watchdog times, and what it tells of them. */
#define _GNU_SOURCE
#include <sched.h>
#include <sys/wait.h>
#include "traffic/repro.h"
#include "samples.skel.h"

#define SAMPLES 1000
/* What a long run takes at least; the others take some us. */
#define LONG_NS (200 * NSEC_PER_USEC)

static struct samples *load(void)
{
	struct samples *skel = samples__open_and_load();

	REQUIRE(skel, "samples: %m");
	return skel;
}

static int two_fd(struct samples *skel)
{
	return bpf_program__fd(skel->progs.samples_two);
}

/* ns of a run, the mean of so many. */
static uint64_t run_two(struct samples *skel, int repeat)
{
	return prog_run_packets(two_fd(skel), repeat);
}

/* Sets n so that long runs are long; returns how long, if the host lets them be. */
static uint64_t calibrate(struct samples *skel)
{
	uint64_t took;
	int i;

	skel->data_ctl->ctl.m = 1;
	skel->data_ctl->ctl.n = 512;
	do {
		skel->data_ctl->ctl.n *= 2;
		REQUIRE(skel->data_ctl->ctl.n < 1 << 22, "%llu steps are short",
			skel->data_ctl->ctl.n);
		took = UINT64_MAX;
		for (i = 0; i < 20; i++) {
			uint64_t mean = run_two(skel, 5);

			took = mean < took ? mean : took;
		}
	} while (took < LONG_NS);
	skel->data_ctl->ctl.full = skel->data_ctl->ctl.started = 0;
	return took;
}

/* Until that many have been timed. */
static struct bpf_prog_info sample_two(struct samples *skel, __u64 want)
{
	uint64_t until = now_ns() + 40 * NSEC_PER_SEC;
	struct bpf_prog_info info;

	do {
		run_two(skel, 1000);
		info = prog_info(two_fd(skel));
	} while (info.sampled_runs < want && now_ns() < until);
	REQUIRE(info.sampled_runs >= want, "%llu of %llu runs were timed",
		info.sampled_runs, skel->data_ctl->ctl.started);
	return info;
}

/* How many of the samples are in the buckets above that of ns? */
static unsigned int count_above(struct samples *skel, uint64_t ns)
{
	unsigned int power = 63 - __builtin_clzll(ns) - 3, sum = 0, i;
	struct bpf_link *link =
		bpf_program__attach_iter(skel->progs.samples_seen, NULL);
	char buf[1];
	int fd;

	REQUIRE(link, "iterator: %m");
	skel->data_ctl->ctl.pid = prog_info(two_fd(skel)).id;
	fd = bpf_iter_create(bpf_link__fd(link));
	CHECK(fd >= 0 && !read(fd, buf, sizeof(buf)), "iterator: %m");
	close(fd);
	bpf_link__destroy(link);
	for (i = power * 8 + (ns >> power) + 1;
	     i < ARRAY_SIZE(skel->data_seen->seen); i++)
		sum += skel->data_seen->seen[i];
	return sum;
}

/*
 * One run in so many is long. If the watchdog took the runs that are under way when
 * its timer expires, most of its samples were long with one in 20, and a sixth of
 * them with one in 1,000.
 */
static void two_lengths(unsigned int one_in, unsigned int least,
			unsigned int most)
{
	struct samples *skel = load();
	volatile struct ctl *ctl = (void *)&skel->data_ctl->ctl;
	struct bpf_prog_info info;
	unsigned int above;
	uint64_t took;

	wd_disable();
	took = calibrate(skel);
	ctl->m = one_in;
	wd_enable(BUDGET_US);
	wd_spare(two_fd(skel));
	info = sample_two(skel, SAMPLES);
	wd_disable();
	/* The host may be faster than it was. */
	above = count_above(skel, took / 2);
	diag("%llu of %llu runs were long, %.1f us: %u of %llu samples, p99 %.1f us, longest %.1f us",
	     ctl->full, ctl->started, took / (double)NSEC_PER_USEC, above,
	     info.sampled_runs, info.p99_run_ns / (double)NSEC_PER_USEC,
	     info.longest_run_ns / (double)NSEC_PER_USEC);
	CHECK(info.sampled_runs < ctl->started / 2, "%llu of %llu runs timed",
	      info.sampled_runs, ctl->started);
	CHECK(above >= least && above <= most, "%u of %llu samples are long",
	      above, info.sampled_runs);
	CHECK((info.p99_run_ns >= took / 2) == (above > SAMPLES / 100),
	      "p99 %llu ns, long runs %llu ns", info.p99_run_ns,
	      (unsigned long long)took);
	CHECK(info.p99_run_ns && info.p99_run_ns <= info.longest_run_ns,
	      "p99 %llu ns, longest %llu ns", info.p99_run_ns,
	      info.longest_run_ns);
}

static void often_long(void)
{
	two_lengths(20, SAMPLES / 50, SAMPLES / 8);
}

static void seldom_long(void)
{
	two_lengths(1000, 0, SAMPLES / 100);
}

static void only_when_on(void)
{
	struct samples *skel = load();
	struct bpf_prog_info info;
	__u64 sampled;
	int i;

	wd_disable();
	skel->data_ctl->ctl.m = 0;
	for (i = 0; i < 20; i++)
		run_two(skel, 1000);
	info = prog_info(two_fd(skel));
	CHECK(!info.sampled_runs && !info.p99_run_ns, "%llu timed, p99 %llu ns",
	      info.sampled_runs, info.p99_run_ns);

	wd_enable(BUDGET_US);
	wd_spare(two_fd(skel));
	sampled = sample_two(skel, 10).sampled_runs;
	info = sample_two(skel, sampled + 10);
	CHECK(info.p99_run_ns, "%llu timed, no p99", info.sampled_runs);

	wd_disable();
	sampled = prog_info(two_fd(skel)).sampled_runs;
	for (i = 0; i < 20; i++)
		run_two(skel, 1000);
	info = prog_info(two_fd(skel));
	CHECK(info.sampled_runs == sampled && info.p99_run_ns,
	      "%llu timed before, %llu after, p99 %llu ns", sampled,
	      info.sampled_runs, info.p99_run_ns);
}

/* Runs that are ended are part of the tail. */
static void ended(void)
{
	const struct suite *suite;
	const struct repro *r = repro_find("loop_syscall", &suite);
	const unsigned int budget_us = 2000;
	uint64_t until = now_ns() + 40 * NSEC_PER_SEC;
	struct bpf_prog_info info;
	__u64 runs = 0;
	struct run *run;

	wd_enable(budget_us);
	run = repro_open(suite, r, r->fill);
	repro_stall_for_ever(run);
	/* The first that is timed has memory allocated, by a thread that may have to wait. */
	do {
		repro_trigger(run);
		runs++;
		info = prog_info(repro_fd(run));
	} while (runs < 20 || (!info.sampled_runs && now_ns() < until));
	CHECK(info.terminations == runs, "%llu terminations of %llu",
	      info.terminations, runs);
	CHECK(info.sampled_runs && info.sampled_runs <= runs,
	      "%llu of %llu were timed", info.sampled_runs, runs);
	CHECK(info.p99_run_ns >= budget_us * NSEC_PER_USEC &&
		      info.p99_run_ns <= info.longest_run_ns,
	      "p99 %llu ns, longest %llu ns", info.p99_run_ns,
	      info.longest_run_ns);
	repro_close(run);
}

/* A child that changes the CPU and forks, over and over. */
static void fork_and_move(int i)
{
	pid_t pid;
	int n;

	for (n = 0; n < 50; n++) {
		pin_to((i + n) % 2);
		pid = fork();
		if (!pid)
			_exit(0);
		waitpid(pid, NULL, 0);
	}
	_exit(0);
}

static void fork_migrate(void)
{
	struct health before = health();
	uint64_t start = now_ns();
	struct samples *skel;
	struct bpf_prog_info info;
	struct bpf_link *link;
	pid_t pids[4];
	unsigned int i, forks = 0;
	int status;

	wd_enable(BUDGET_US);
	skel = load();
	skel->data_ctl->ctl.tgid = getpid();
	skel->data_ctl->ctl.n = 100;
	wd_spare(bpf_program__fd(skel->progs.samples_fork));
	link = bpf_program__attach(skel->progs.samples_fork);
	REQUIRE(link, "attach: %m");
	/* Which run is timed is by chance. */
	do {
		for (i = 0; i < ARRAY_SIZE(pids); i++) {
			pids[i] = fork();
			if (!pids[i])
				fork_and_move(i);
		}
		for (i = 0; i < ARRAY_SIZE(pids); i++) {
			waitpid(pids[i], &status, 0);
			CHECK(WIFEXITED(status) && !WEXITSTATUS(status),
			      "child: status %#x", status);
		}
		forks += ARRAY_SIZE(pids);
	} while (!prog_info(bpf_program__fd(skel->progs.samples_fork))
			  .sampled_runs &&
		 forks < 400 && !nr_failures);
	info = prog_info(bpf_program__fd(skel->progs.samples_fork));
	CHECK(skel->data_ctl->ctl.started == forks, "%llu of %u forks",
	      skel->data_ctl->ctl.started, forks);
	CHECK(info.sampled_runs && info.p99_run_ns, "%llu timed, p99 %llu ns",
	      info.sampled_runs, info.p99_run_ns);
	/* A clock of one CPU read on another, or a time taken twice, is far off. */
	CHECK(info.longest_run_ns < now_ns() - start, "longest %llu ns",
	      info.longest_run_ns);
	bpf_link__destroy(link);
	check_health(&before, true);
	canary();
}

/* With a pause before each of them, the first program is the first one each time. */
static void both_at_hook(void)
{
	uint64_t until = now_ns() + 40 * NSEC_PER_SEC;
	struct samples *skel = load();
	struct bpf_prog_info first, second;
	struct bpf_link *links[2];

	wd_enable(BUDGET_US);
	skel->data_ctl->ctl.n = 10;
	wd_spare(bpf_program__fd(skel->progs.samples_first));
	wd_spare(bpf_program__fd(skel->progs.samples_second));
	links[0] = bpf_program__attach(skel->progs.samples_first);
	links[1] = bpf_program__attach(skel->progs.samples_second);
	REQUIRE(links[0] && links[1], "attach: %m");
	do {
		usleep(3000);
		first = prog_info(bpf_program__fd(skel->progs.samples_first));
		second = prog_info(bpf_program__fd(skel->progs.samples_second));
	} while (first.sampled_runs + second.sampled_runs < 400 &&
		 now_ns() < until);
	diag("the first was timed %llu times, the second %llu times",
	     first.sampled_runs, second.sampled_runs);
	CHECK(first.sampled_runs >= 40 && second.sampled_runs >= 40,
	      "the first was timed %llu times, the second %llu times",
	      first.sampled_runs, second.sampled_runs);
	CHECK(first.p99_run_ns && second.p99_run_ns, "p99 %llu and %llu ns",
	      first.p99_run_ns, second.p99_run_ns);
	bpf_link__destroy(links[0]);
	bpf_link__destroy(links[1]);
}

/* What user space gets of the counters; 0 or -errno. */
static int read_times(struct samples *skel, __u64 *times, __u32 room,
		      struct bpf_prog_info *info)
{
	__u32 len = sizeof(*info);

	memset(info, 0, sizeof(*info));
	info->nr_run_times = room;
	info->run_times = (unsigned long)times;
	return bpf_prog_get_info_by_fd(two_fd(skel), info, &len);
}

/* The counters are those that p99 is computed from, and of those the difference tells. */
static void counters(void)
{
	__u64 times[300], before[300], sum = 0, all = 0;
	struct samples *skel = load();
	struct bpf_prog_info info;
	__u32 i, nr, last;
	int err;

	wd_disable();
	err = read_times(skel, times, ARRAY_SIZE(times), &info);
	CHECK(!err && !info.nr_run_times, "none was timed: %s, %u counters",
	      strerror(-err), info.nr_run_times);
	skel->data_ctl->ctl.m = 0;
	wd_enable(BUDGET_US);
	wd_spare(two_fd(skel));
	sample_two(skel, 200);
	wd_disable();

	err = read_times(skel, times, ARRAY_SIZE(times), &info);
	nr = info.nr_run_times;
	REQUIRE(!err && nr > 200 && nr <= ARRAY_SIZE(skel->data_seen->seen),
		"%s, %u counters", strerror(-err), nr);
	count_above(skel, LONG_NS);
	for (i = 0; i < nr; i++) {
		all += times[i];
		CHECK(times[i] == skel->data_seen->seen[i],
		      "entry %u: %llu, the kernel has %u", i, times[i],
		      skel->data_seen->seen[i]);
	}
	CHECK(all == info.sampled_runs, "%llu in all, %llu timed", all,
	      info.sampled_runs);
	for (i = 0; i < nr && sum < all - all / 100; i++)
		sum += times[i];
	last = i - 1;
	CHECK(last >= 8 &&
		      (8ULL + last % 8) << (last / 8 - 1) <= info.p99_run_ns,
	      "p99 %llu ns is not in entry %u", info.p99_run_ns, last);

	/* Less room, none, none that can be written. */
	memset(before, 0xff, sizeof(before));
	err = read_times(skel, before, 10, &info);
	CHECK(!err && info.nr_run_times == nr && before[10] == ~0ULL &&
		      !memcmp(before, times, 10 * sizeof(times[0])),
	      "room for 10: %s", strerror(-err));
	err = read_times(skel, NULL, 0, &info);
	CHECK(!err && info.nr_run_times == nr, "no room: %s", strerror(-err));
	err = read_times(skel, (void *)8, 10, &info);
	CHECK(err == -EFAULT, "a bad pointer: %s", strerror(-err));

	/* Some more. */
	memcpy(before, times, sizeof(times));
	wd_enable(BUDGET_US);
	sample_two(skel, all + 50);
	wd_disable();
	err = read_times(skel, times, ARRAY_SIZE(times), &info);
	for (sum = 0, i = 0; i < nr; i++) {
		CHECK(times[i] >= before[i], "entry %u has become less", i);
		sum += times[i] - before[i];
	}
	CHECK(!err && sum == info.sampled_runs - all, "%llu more, %llu timed",
	      sum, info.sampled_runs - all);
}

/* The histogram alone, built for user space. */
static void histogram(void)
{
	char out[4096];
	int rc;

	rc = run_command(out, sizeof(out), "%s",
			 built_file("RUN_SAMPLES_RANDOM",
				    "selftests/run_samples_random"));
	CHECK(rc == 0, "status %d: %s", rc, out);
}

static const struct test tests[] = {
	{ "both_at_hook", "of two programs on one hook each is timed",
	  both_at_hook, NEEDS_WATCHDOG },
	{ "counters", "user space gets the counters", counters,
	  NEEDS_WATCHDOG },
	{ "ended", "runs that are ended are timed as well", ended,
	  NEEDS_WATCHDOG },
	{ "fork_migrate",
	  "a program runs in tasks that fork and change the CPU: no time is off",
	  fork_migrate, NEEDS_WATCHDOG | NEEDS_TWO_CPUS },
	{ "histogram",
	  "99 % of random times are not above what the histogram says, by an eighth",
	  histogram, 0 },
	{ "often_long", "one run in 20 is long: so is p99", often_long,
	  NEEDS_WATCHDOG },
	{ "only_when_on", "runs are timed while the watchdog is on",
	  only_when_on, NEEDS_WATCHDOG },
	{ "seldom_long",
	  "one run in 1,000 is long: p99 is short, though they take much of the time",
	  seldom_long, NEEDS_WATCHDOG },
};

const struct suite suite_samples = {
	.name = "samples",
	.elf = samples__elf_bytes,
	.tests = tests,
	.nr_tests = ARRAY_SIZE(tests),
};
