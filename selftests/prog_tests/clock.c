// SPDX-License-Identifier: GPL-2.0
/* The watchdog does without the clock reads of bpf_stats: what it knows and finds then. */
#define _GNU_SOURCE
#include <pthread.h>
#include "harness/stops.h"
#include "traffic/repro.h"
#include "clock.skel.h"

static struct clock *load(void)
{
	struct clock *skel = clock__open_and_load();

	REQUIRE(skel, "clock: %m");
	skel->data_ctl->ctl.tgid = getpid();
	skel->data_ctl->ctl.m = 0;
	REQUIRE(!clock__attach(skel), "attach: %m");
	return skel;
}

static int many_fd(struct clock *skel)
{
	return bpf_program__fd(skel->progs.clock_many);
}

/* Both ways into a program are passed this often. */
static void run_both(struct clock *skel, unsigned int times)
{
	unsigned int i;

	prog_run_packets(many_fd(skel), times);
	for (i = 0; i < times; i++)
		getpgid(0);
}

static void check_counted(struct clock *skel, __u64 want, const char *when)
{
	__u64 many = prog_info(many_fd(skel)).run_cnt,
	      tramp = prog_info(bpf_program__fd(skel->progs.clock_fentry))
			      .run_cnt;

	CHECK(many == want, "%s: %llu runs were counted, not %llu", when, many,
	      want);
	CHECK(tramp == want, "%s: %llu runs of fentry were counted, not %llu",
	      when, tramp, want);
}

static int stats_on(void)
{
	int fd = bpf_enable_stats(BPF_STATS_RUN_TIME);

	REQUIRE(fd >= 0, "statistics: %s", strerror(-fd));
	return fd;
}

static void counts(void)
{
	struct clock *skel = load();
	int fd;

	wd_enable(BUDGET_US);
	run_both(skel, 100);
	check_counted(skel, 0, "with the watchdog alone");
	fd = stats_on();
	run_both(skel, 100);
	check_counted(skel, 100, "with both");
	close(fd);
	run_both(skel, 100);
	check_counted(skel, 100, "without them again");
	fd = stats_on();
	wd_disable();
	run_both(skel, 100);
	check_counted(skel, 200, "without the watchdog");
	close(fd);
	run_both(skel, 100);
	check_counted(skel, 200, "without either");
	CHECK(skel->data_ctl->ctl.inner_started == 500, "%llu of 500 runs",
	      skel->data_ctl->ctl.inner_started);
	clock__destroy(skel);
	canary();
}

/* After so many runs in a period, none of the next has its begin known. */
static void dense(void)
{
	const uint64_t budget_ns = 5 * NSEC_PER_MSEC, period_ns = NSEC_PER_MSEC;
	struct clock *skel = load();
	volatile struct ctl *ctl = (void *)&skel->data_ctl->ctl;
	struct bpf_prog_info info;
	uint64_t took;

	ctl->m = 20000;
	wd_set_period(period_ns / NSEC_PER_USEC);
	wd_enable(BUDGET_US);
	REQUIRE(!wd_command(many_fd(skel), BPF_WD_SET_BUDGET, budget_ns),
		"budget: %m");
	shared->stall_since = now_ns();
	prog_run_packets(many_fd(skel), ctl->m);
	took = now_ns() - ctl->enter_ns;
	shared->stall_since = 0;
	info = prog_info(many_fd(skel));
	CHECK(ctl->started == ctl->m, "%llu of %llu runs began", ctl->started,
	      ctl->m);
	CHECK(info.terminations == 1, "%llu of 1 run was ended",
	      info.terminations);
	diag("ended %.3f ms after it began, budget %.0f ms, period %.0f ms",
	     took / (double)NSEC_PER_MSEC, budget_ns / (double)NSEC_PER_MSEC,
	     period_ns / (double)NSEC_PER_MSEC);
	/* The way back to user space and a tick are in it. */
	if (time_is_exact())
		CHECK(took < budget_ns + period_ns + info.stop_bound_ns +
				      NSEC_PER_MSEC / 2,
		      "ended %.3f ms after it began",
		      took / (double)NSEC_PER_MSEC);
	clock__destroy(skel);
	canary();
}

static volatile bool switching;

static void *switch_stats(void *unused)
{
	pin_to(0);
	while (switching)
		close(stats_on());
	return NULL;
}

/* Each run is of the kind that it began as, whatever is switched meanwhile. */
static void switches(void)
{
	struct clock *skel;
	pthread_t thread;
	struct bpf_prog_info info;
	unsigned int i;

	/* Each change patches code that the other CPU runs. */
	if (patching_is_fatal())
		skip("QEMU's TCG may crash on code that is patched while it runs; needs KVM, or TCG=single");
	skel = load();
	switching = true;
	REQUIRE(!pthread_create(&thread, NULL, switch_stats, NULL), "thread");
	for (i = 0; i < 40; i++) {
		wd_enable(BUDGET_US);
		run_both(skel, 200);
		wd_disable();
		run_both(skel, 200);
	}
	switching = false;
	pthread_join(thread, NULL);
	info = prog_info(many_fd(skel));
	diag("%llu of %llu runs were counted", info.run_cnt,
	     skel->data_ctl->ctl.started);
	CHECK(info.run_cnt && info.run_cnt <= skel->data_ctl->ctl.started,
	      "%llu of %llu runs were counted", info.run_cnt,
	      skel->data_ctl->ctl.started);
	/* No start that is none was taken for one. */
	CHECK(info.run_time_ns < 60 * NSEC_PER_SEC, "they took %.1f s",
	      info.run_time_ns / (double)NSEC_PER_SEC);
	CHECK(!info.overruns, "%llu overruns", info.overruns);
	clock__destroy(skel);
	canary();
}

/*
 * Where no timer comes through, and the rounds of a loop take longer than several periods. The
 * loop looks at the clock itself, at first once in 32 rounds.
 */
static void slow_rounds(void)
{
	const uint64_t budget_ns = 10 * NSEC_PER_MSEC;
	struct clock *skel;
	volatile struct ctl *ctl;
	struct bpf_prog_info info;
	uint64_t took, round;
	int fd;

	if (!time_is_exact())
		skip("needs a clock that counts instructions (ICOUNT=1), or no emulator");
	/* Loops of programs that were loaded before do not look. */
	wd_enable(1000000000);
	skel = load();
	ctl = (void *)&skel->data_ctl->ctl;
	fd = bpf_program__fd(skel->progs.slow_rounds);
	REQUIRE(bpf_program__attach(skel->progs.slow_rounds), "attach: %m");
	ctl->n = 2;
	ctl->armed = 1;
	took = now_ns();
	usleep(1);
	round = (now_ns() - took) / 2;
	wd_enable(budget_ns / NSEC_PER_USEC);
	ctl->n = 3000;
	ctl->armed = 1;
	took = now_ns();
	usleep(1);
	took = now_ns() - took;
	info = prog_info(fd);
	diag("rounds of %.1f ms: ended after %.1f ms",
	     round / (double)NSEC_PER_MSEC, took / (double)NSEC_PER_MSEC);
	CHECK(round > 4 * NSEC_PER_MSEC, "a round of %llu ns is no gap",
	      (unsigned long long)round);
	CHECK(info.terminations == 1, "%llu ends", info.terminations);
	CHECK(took < budget_ns + 36 * round, "ended after %.1f ms",
	      took / (double)NSEC_PER_MSEC);
	clock__destroy(skel);
	canary();
}

/*
 * The way into the interrupt that looks takes about as long as such a run, and is not its
 * time. Looks come often, so that some hit it.
 */
static void short_budget(void)
{
	const unsigned long long budget_ns = NSEC_PER_USEC;
	struct clock *skel;
	struct bpf_prog_info info;
	int fd;

	if (!time_is_exact())
		skip("needs a clock that counts instructions (ICOUNT=1), or no emulator");
	skel = load();
	fd = stats_on();
	wd_set_period(100);
	wd_enable(BUDGET_US);
	/* As long as fits. */
	do {
		skel->data_ctl->ctl.n++;
		prog_run_packets(many_fd(skel), 100);
		info = prog_info(many_fd(skel));
	} while (info.run_time_ns / info.run_cnt < budget_ns * 8 / 10);
	skel->data_ctl->ctl.started = skel->data_ctl->ctl.finished = 0;
	REQUIRE(!wd_command(many_fd(skel), BPF_WD_SET_BUDGET, budget_ns),
		"budget: %m");
	prog_run_packets(many_fd(skel), 20000);
	info = prog_info(many_fd(skel));
	CHECK(skel->data_ctl->ctl.finished == 20000 && !info.overruns,
	      "%llu of 20000 runs did all, %llu were above %llu ns",
	      skel->data_ctl->ctl.finished, info.overruns, budget_ns);
	diag("runs of less than %llu ns, longest seen %llu ns", budget_ns,
	     info.longest_run_ns);
	close(fd);
	clock__destroy(skel);
}

/* Function calls and irq_work that other CPUs have sent to this one, from /proc/interrupts. */
static unsigned long sent_to(int cpu)
{
	FILE *f = fopen("/proc/interrupts", "r");
	unsigned long sum = 0;
	char line[1024], *p;
	int i;

	REQUIRE(f, "/proc/interrupts: %m");
	while (fgets(line, sizeof(line), f)) {
		p = line + strspn(line, " ");
		if (strncmp(p, "CAL:", 4) && strncmp(p, "IWI:", 4))
			continue;
		p += 4;
		for (i = 0; i < cpu; i++)
			strtoul(p, &p, 10);
		sum += strtoul(p, NULL, 10);
	}
	fclose(f);
	return sum;
}

/* A program that cannot stall, once in many periods. */
static void seldom(void)
{
	struct clock *skel = clock__open();
	struct bpf_prog_info first, info;
	unsigned long before, sent;
	int i, fd, stats;

	REQUIRE(skel, "clock: %m");
	bpf_program__set_autoload(skel->progs.slow_rounds, false);
	REQUIRE(!clock__load(skel), "clock: %m");
	skel->data_ctl->ctl.tgid = getpid();
	skel->links.clock_fentry =
		bpf_program__attach(skel->progs.clock_fentry);
	REQUIRE(skel->links.clock_fentry, "attach: %m");
	fd = bpf_program__fd(skel->progs.clock_fentry);
	pin_to(last_cpu());
	wd_enable(BUDGET_US);
	stats = stats_on();
	first = prog_info(fd);
	CHECK(first.terminable == BPF_TERMINABLE_NOT_NEEDED, "it has an image");
	before = sent_to(0);
	for (i = 0; i < 100; i++) {
		getpgid(0);
		usleep(5000);
	}
	sent = sent_to(0) - before;
	info = prog_info(fd);
	close(stats);
	CHECK(info.run_cnt - first.run_cnt >= 100, "it ran %llu times",
	      info.run_cnt - first.run_cnt);
	CHECK(sent < 50, "another CPU was interrupted %lu times by 100 runs",
	      sent);
	diag("%lu interrupts of another CPU during 100 runs", sent);
	clock__destroy(skel);
}

static void *run_long(void *fd)
{
	pin_to(last_cpu());
	prog_run(*(int *)fd, NULL);
	return NULL;
}

/* A shorter period is that of what runs already: timers are not left to the longer one. */
static void shorter_period(void)
{
	struct clock *skel = load();
	volatile struct ctl *ctl = (void *)&skel->data_ctl->ctl;
	int fd = bpf_program__fd(skel->progs.long_run), i;
	uint64_t start, took, least = UINT64_MAX;
	struct bpf_prog_info info;
	pthread_t thread;

	wd_enable(BUDGET_US);
	REQUIRE(!wd_command(fd, BPF_WD_SET_BUDGET, BUDGET_US * NSEC_PER_USEC),
		"budget: %m");
	pin_to(0);
	for (i = 0; i < 3; i++) {
		/* No timer waits for longer than this when the run begins. */
		usleep(10000);
		wd_sysctl_set("bpf_watchdog_period_us", "1000000");
		ctl->started = 0;
		shared->stall_since = now_ns();
		REQUIRE(!pthread_create(&thread, NULL, run_long, &fd),
			"thread: %m");
		CHECK(wait_for(&ctl->started, 1, NSEC_PER_SEC),
		      "it did not begin");
		usleep(30000);
		start = now_ns();
		wd_sysctl_set("bpf_watchdog_period_us", "1000");
		pthread_join(thread, NULL);
		took = now_ns() - start;
		shared->stall_since = 0;
		if (took < least)
			least = took;
	}
	info = prog_info(fd);
	diag("ended %.1f ms after the period was 1 ms at the soonest, %llu ends",
	     least / (double)NSEC_PER_MSEC, info.terminations);
	CHECK(info.terminations == 3, "%llu ends", info.terminations);
	/* It would be in most of a second. */
	CHECK(least < 300 * NSEC_PER_MSEC, "ended after %.1f ms",
	      least / (double)NSEC_PER_MSEC);
	clock__destroy(skel);
}

static const struct test tests[] = {
	{ "counts",
	  "runs are counted while bpf_stats are on, with and without the watchdog",
	  counts, NEEDS_WATCHDOG },
	{ "dense",
	  "a run of which no clock was read at its entry ends within its budget and a period",
	  dense, NEEDS_WATCHDOG },
	{ "seldom",
	  "a short program that runs seldom does not wake another CPU", seldom,
	  NEEDS_WATCHDOG | NEEDS_TWO_CPUS },
	{ "short_budget",
	  "the way into the interrupt is not the time of a run of 0.8 us",
	  short_budget, NEEDS_WATCHDOG },
	{ "shorter_period",
	  "what is timed by a longer period is timed by a shorter one that is set",
	  shorter_period, NEEDS_WATCHDOG | NEEDS_TWO_CPUS },
	{ "slow_rounds",
	  "a loop of long rounds looks at the clock itself, with interrupts off",
	  slow_rounds, NEEDS_WATCHDOG },
	{ "switches", "bpf_stats and the watchdog go on and off under runs",
	  switches, NEEDS_WATCHDOG | NEEDS_TWO_CPUS },
};

const struct suite suite_clock = {
	.name = "clock",
	.elf = clock__elf_bytes,
	.tests = tests,
	.nr_tests = ARRAY_SIZE(tests),
};
