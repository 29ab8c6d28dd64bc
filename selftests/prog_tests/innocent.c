// SPDX-License-Identifier: GPL-2.0
/* Programs that must never be ended: CPU time counts, and only what is beyond the budget. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "traffic/repro.h"
#include "innocent.skel.h"

static struct innocent *load(void)
{
	struct innocent *skel = innocent__open_and_load();

	REQUIRE(skel, "innocent: %m");
	return skel;
}

static int work_fd(struct innocent *skel)
{
	return bpf_program__fd(skel->progs.innocent_work);
}

/* CPU time of one run, as the caller sees it. */
static uint64_t run_work(struct innocent *skel)
{
	uint64_t start = cpu_ns();
	int err = prog_run(work_fd(skel), NULL);

	CHECK(!err, "test run: %s", strerror(-err));
	return cpu_ns() - start;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* n for about this much work: the median of runs of that length, since the host disturbs. */
static void calibrate(struct innocent *skel, uint64_t work_ns)
{
	volatile struct ctl *ctl = (void *)&skel->data_ctl->ctl;
	uint64_t took[9], median;
	unsigned int round, i;

	ctl->m = 100;
	if (!ctl->n)
		ctl->n = 1000;
	for (round = 0; round < 4; round++) {
		ctl->full = 0;
		for (i = 0; i < ARRAY_SIZE(took); i++)
			took[i] = run_work(skel);
		REQUIRE(ctl->full == ARRAY_SIZE(took),
			"%llu of %zu runs did all", ctl->full,
			ARRAY_SIZE(took));
		qsort(took, ARRAY_SIZE(took), sizeof(took[0]), by_value);
		/* The clock stands still where interrupts take all time. */
		median = took[ARRAY_SIZE(took) / 2];
		if (median < work_ns / 100)
			median = work_ns / 100;
		ctl->n = ctl->n * (double)work_ns / median + 1;
		REQUIRE(ctl->n < 1 << 23, "%llu iterations are too many",
			ctl->n);
	}
	ctl->full = 0;
}

/*
 * 70 % of the budget. The host may take the CPU away, which the guest cannot
 * tell from work: a run that the caller saw take longer may be ended, the others not.
 * By the clock on the wall, since it may do so within an interrupt.
 */
static void below_budget(void)
{
	const uint64_t budget_ns = 20 * NSEC_PER_MSEC;
	unsigned int round, i, below = 0, ended = 0, all_ended = 0;
	struct innocent *skel;
	volatile struct ctl *ctl;

	skel = load();
	ctl = (void *)&skel->data_ctl->ctl;
	/* Again, should the host have become slower meanwhile. */
	for (round = 0; round < 5 && below < 50 && !nr_failures; round++) {
		wd_disable();
		calibrate(skel, budget_ns * 7 / 10);
		wd_enable(budget_ns / NSEC_PER_USEC);
		for (i = below = ended = 0; i < 100; i++) {
			__u64 full = ctl->full;
			uint64_t start = now_ns(), took;

			run_work(skel);
			took = now_ns() - start;

			if (ctl->full > full) {
				below += took < budget_ns;
				continue;
			}
			ended++;
			CHECK(took >= budget_ns, "ended after %.2f ms of %.0f",
			      took / (double)NSEC_PER_MSEC,
			      budget_ns / (double)NSEC_PER_MSEC);
		}
		all_ended += ended;
		diag("%u of 100 runs below the budget, %u ended above it",
		     below, ended);
	}
	CHECK(below >= 50, "the host is too busy to stay below the budget");
	CHECK(prog_info(work_fd(skel)).terminations == all_ended,
	      "%llu terminations, %u runs cut short",
	      prog_info(work_fd(skel)).terminations, all_ended);
}

/* From the configuration, if the kernel tells it. */
static bool irq_time_known(void)
{
	char buf[64];

	return !run_command(
		buf, sizeof(buf),
		"zcat /proc/config.gz | grep -qx CONFIG_IRQ_TIME_ACCOUNTING=y");
}

#define PREEMPT "/sys/kernel/debug/sched/preempt"

/* The one in parentheses: "none voluntary (full)". */
static bool preempts(const char *mode)
{
	char modes[100] = "", in_force[20];

	snprintf(in_force, sizeof(in_force), "(%s)", mode);
	file_read(PREEMPT, modes, sizeof(modes));
	return strstr(modes, in_force);
}

static void preempt_by(const char *mode)
{
	int err;

	if (preempts(mode))
		return;
	err = file_write(PREEMPT, mode);
	if (err)
		skip("preemption cannot be switched to %s (CONFIG_SCHED_DEBUG): %s",
		     mode, strerror(-err));
}

/* As it was. */
static void preempt_restore(const char *modes)
{
	const char *mode = strchr(modes, '(');
	char name[20];

	if (mode && sscanf(mode, "(%19[a-z])", name) == 1)
		CHECK(!file_write(PREEMPT, name) && preempts(name),
		      "preemption is not %s again", name);
}

/* CPU time of a run at the tracepoint. */
static uint64_t run_rename(struct innocent *skel)
{
	volatile struct ctl *ctl = (void *)&skel->data_ctl->ctl;
	uint64_t start;

	ctl->tgid = getpid();
	ctl->armed = 1;
	start = cpu_ns();
	CHECK(!prctl(PR_SET_NAME, "innocent"), "prctl: %m");
	return cpu_ns() - start;
}

/* 60 ms of work, a budget of 200 ms, four others on the CPU: 300 ms from start to end. */
static void preempted_by(const char *mode,
			 uint64_t (*run)(struct innocent *skel))
{
	const uint64_t budget_ns = 200 * NSEC_PER_MSEC;
	unsigned int i, longer = 0;
	struct innocent *skel;
	volatile struct ctl *ctl;
	char before[100] = "";
	pid_t pids[4];

	file_read(PREEMPT, before, sizeof(before));
	wd_disable();
	skel = load();
	if (run == run_rename)
		REQUIRE(bpf_program__attach(skel->progs.innocent_rename),
			"attach: %m");
	ctl = (void *)&skel->data_ctl->ctl;
	calibrate(skel, 60 * NSEC_PER_MSEC);
	preempt_by(mode);
	for (i = 0; i < ARRAY_SIZE(pids); i++) {
		pids[i] = fork();
		if (!pids[i])
			for (;;)
				;
	}
	wd_enable(budget_ns / NSEC_PER_USEC);
	for (i = 0; i < 10; i++) {
		__u64 full = ctl->full, started = ctl->started;
		uint64_t start = now_ns(), cpu = run(skel),
			 wall = now_ns() - start;

		CHECK(ctl->started == started + 1, "it did not run");
		if (wall > budget_ns && cpu < budget_ns)
			longer++;
		if (ctl->full == full)
			CHECK(cpu >= budget_ns,
			      "ended after %.1f ms on the CPU, %.1f ms in all",
			      cpu / (double)NSEC_PER_MSEC,
			      wall / (double)NSEC_PER_MSEC);
	}
	for (i = 0; i < ARRAY_SIZE(pids); i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
	preempt_restore(before);
	CHECK(longer, "never preempted long enough to show anything");
	diag("%u of 10 runs were longer than the budget, but not on the CPU",
	     longer);
}

static void preempted(void)
{
	preempted_by("full", run_work);
}

/* The default of newer kernels, which let programs at tracepoints be preempted. */
static void preempted_lazily(void)
{
	char modes[100] = "";

	file_read(PREEMPT, modes, sizeof(modes));
	if (!strstr(modes, "lazy"))
		skip("this kernel has no lazy preemption");
	preempted_by("lazy", run_rename);
}

/* So many turns of the timer take about this long, with interrupts off. */
static void calibrate_locked(struct innocent *skel, uint64_t ns)
{
	uint64_t best = UINT64_MAX, start, took;
	unsigned int i;

	skel->bss->locked_turns = 100000;
	for (i = 0; i < 10; i++) {
		start = cpu_ns();
		REQUIRE(!prog_run(bpf_program__fd(skel->progs.innocent_locked),
				  NULL),
			"test run");
		took = cpu_ns() - start;
		if (took < best)
			best = took;
	}
	skel->bss->locked_turns = 100000 * (double)ns / best;
}

/*
 * 12 ms of work, a budget of 20 ms, and a timer that takes the CPU for 5 ms out of
 * 7, the first @locked_ns with interrupts off: 40 ms from start to end.
 */
static void interrupted_by_timer(uint64_t locked_ns)
{
	const uint64_t budget_ns = 20 * NSEC_PER_MSEC;
	unsigned int i, longer = 0, ended = 0;
	struct innocent *skel;
	volatile struct ctl *ctl;
	__s32 ret = -1;
	int err;

	if (!irq_time_known())
		skip("the kernel does not know the time of interrupts (CONFIG_IRQ_TIME_ACCOUNTING)");
	wd_disable();
	skel = load();
	ctl = (void *)&skel->data_ctl->ctl;
	pin_to(0);
	calibrate(skel, 12 * NSEC_PER_MSEC);
	if (locked_ns)
		calibrate_locked(skel, locked_ns);
	wd_enable(budget_ns / NSEC_PER_USEC);
	/* The callback counts as a run of this program. */
	wd_spare(bpf_program__fd(skel->progs.innocent_timer));
	err = prog_run(bpf_program__fd(skel->progs.innocent_timer), &ret);
	REQUIRE(!err && !ret, "timer: %s, %d", strerror(-err), ret);
	for (i = 0; i < 20; i++) {
		__u64 full = ctl->full;
		uint64_t start = now_ns(), cpu = run_work(skel),
			 wall = now_ns() - start;

		if (ctl->full == full) {
			ended++;
			CHECK(cpu >= budget_ns * 95 / 100,
			      "ended after %.1f ms of its own, %.1f ms in all",
			      cpu / (double)NSEC_PER_MSEC,
			      wall / (double)NSEC_PER_MSEC);
		} else if (wall > budget_ns) {
			longer++;
		}
	}
	ctl->brake = 1;
	CHECK(ctl->inner_finished >= 20, "the timer ran %llu times",
	      ctl->inner_finished);
	CHECK(longer >= 10,
	      "%u of 20 runs were longer than the budget, %u were ended",
	      longer, ended);
	diag("%u of 20 runs were longer than the budget, by interrupts",
	     longer);
}

static void interrupted(void)
{
	interrupted_by_timer(0);
}

/*
 * NMIs of the buddy look then, before the kernel knows whose time it is. The look
 * behind them must not take that for the program's.
 */
static void interrupted_locked(void)
{
	interrupted_by_timer(3 * NSEC_PER_MSEC);
}

/*
 * 160 ms of what runs on top of a program, which is not its time, in four calls, interrupted in
 * the same way. A look in an interrupt leaves both alone, but not what came before it.
 */
static void interrupted_nested(void)
{
	const unsigned int runs = 3;
	struct bpf_prog_info info;
	struct innocent *skel;
	volatile struct ctl *ctl;
	unsigned int i;
	__s32 ret = -1;
	int err, fd;

	if (!irq_time_known())
		skip("the kernel does not know the time of interrupts (CONFIG_IRQ_TIME_ACCOUNTING)");
	wd_disable();
	skel = load();
	ctl = (void *)&skel->data_ctl->ctl;
	fd = bpf_program__fd(skel->progs.innocent_asks);
	pin_to(0);
	calibrate(skel, 40 * NSEC_PER_MSEC);
	calibrate_locked(skel, 3 * NSEC_PER_MSEC);
	REQUIRE(bpf_program__attach(skel->progs.innocent_on_top),
		"innocent_on_top: %m");
	wd_enable(BUDGET_US);
	wd_spare(bpf_program__fd(skel->progs.innocent_on_top));
	wd_spare(bpf_program__fd(skel->progs.innocent_timer));
	err = prog_run(bpf_program__fd(skel->progs.innocent_timer), &ret);
	REQUIRE(!err && !ret, "timer: %s, %d", strerror(-err), ret);
	ctl->tgid = getpid();
	for (i = 0; i < runs; i++) {
		err = prog_run(fd, NULL);
		CHECK(!err, "test run: %s", strerror(-err));
	}
	ctl->brake = 1;
	info = prog_info(fd);
	diag("charged %.1f ms at the most; %llu runs on top, the timer ran %llu times",
	     info.longest_run_ns / (double)NSEC_PER_MSEC, ctl->inner_full,
	     ctl->inner_finished);
	CHECK(ctl->inner_finished >= 10 * runs, "the timer ran %llu times",
	      ctl->inner_finished);
	CHECK(ctl->full == runs && !info.overruns,
	      "%llu of %u runs did all, %llu overruns", ctl->full, runs,
	      info.overruns);
}

/* Resolves the fault after the time given. */
struct fault {
	int uffd;
	void *page;
	uint64_t delay_ns;
	bool done;
};

static void *resolve_fault(void *arg)
{
	struct fault *f = arg;
	struct pollfd pfd = { .fd = f->uffd, .events = POLLIN };
	struct uffdio_copy copy = { .dst = (unsigned long)f->page,
				    .len = 4096 };
	struct timespec delay = { f->delay_ns / NSEC_PER_SEC,
				  f->delay_ns % NSEC_PER_SEC };
	struct uffd_msg msg;
	char *page = calloc(1, 4096);

	pin_to(0);
	if (poll(&pfd, 1, 20000) > 0 &&
	    read(f->uffd, &msg, sizeof(msg)) == sizeof(msg)) {
		/* The sleep itself is what is tested. */
		nanosleep(&delay, NULL);
		strcpy(page, "woke up");
		copy.src = (unsigned long)page;
		f->done = !ioctl(f->uffd, UFFDIO_COPY, &copy);
	}
	/* Whatever happened, nobody has to wait any longer. */
	close(f->uffd);
	return NULL;
}

/* Until a run, which does not sleep, has been timed. */
static void first_sample(struct innocent *skel, void *page)
{
	uint64_t until = now_ns() + 10 * NSEC_PER_SEC;
	int fd = bpf_program__fd(skel->progs.innocent_sleep);

	skel->data_ctl->ctl.user_ptr = (unsigned long)page;
	while (!prog_info(fd).sampled_runs && now_ns() < until)
		prog_run(fd, NULL);
}

/* One run that sleeps in a fault of its own. */
static void run_asleep(struct innocent *skel)
{
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct uffdio_api api = { .api = UFFD_API };
	struct fault fault = { .delay_ns = NSEC_PER_SEC / 2 };
	struct bpf_prog_info info;
	pthread_t thread;
	uint64_t start;
	int fd = bpf_program__fd(skel->progs.innocent_sleep), err;

	fault.uffd = syscall(SYS_userfaultfd, O_CLOEXEC);
	if (fault.uffd < 0)
		skip("userfaultfd: %m");
	REQUIRE(!ioctl(fault.uffd, UFFDIO_API, &api), "UFFDIO_API: %m");
	fault.page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	reg.range.start = (unsigned long)fault.page;
	reg.range.len = 4096;
	REQUIRE(!ioctl(fault.uffd, UFFDIO_REGISTER, &reg),
		"UFFDIO_REGISTER: %m");
	skel->data_ctl->ctl.full = 0;
	skel->data_ctl->ctl.user_ptr = (unsigned long)fault.page;
	REQUIRE(!pthread_create(&thread, NULL, resolve_fault, &fault),
		"thread");
	start = now_ns();
	err = prog_run(fd, NULL);
	CHECK(!err, "test run: %s", strerror(-err));
	pthread_join(thread, NULL);
	munmap(fault.page, 4096);
	info = prog_info(fd);
	CHECK(fault.done && now_ns() - start >= fault.delay_ns,
	      "it did not sleep");
	CHECK(skel->data_ctl->ctl.full == 1, "it was ended: copied %lld",
	      skel->data_ctl->ctl.ret);
	CHECK(!info.overruns && !info.terminations,
	      "%llu overruns, %llu terminations", info.overruns,
	      info.terminations);
	CHECK(info.longest_run_ns < fault.delay_ns / 2,
	      "%llu ns on the CPU, it slept %llu ns", info.longest_run_ns,
	      (unsigned long long)fault.delay_ns);
}

static void sleeping(void)
{
	struct innocent *skel;
	unsigned int i;
	__u64 sampled;
	int fd;

	/* A fifth of the sleep, and room for a host that is busy. */
	wd_enable(100000);
	skel = load();
	fd = bpf_program__fd(skel->progs.innocent_sleep);
	skel->data_ctl->ctl.n = 10;
	skel->data_ctl->ctl.m = 10;
	first_sample(skel, skel);
	sampled = prog_info(fd).sampled_runs;
	CHECK(sampled, "none of its runs timed");
	/* Which one is timed is by chance, often one in 40. */
	for (i = 0;
	     i < 400 && prog_info(fd).sampled_runs == sampled && !nr_failures;
	     i++)
		run_asleep(skel);
	CHECK(prog_info(fd).sampled_runs > sampled, "none of %u timed", i);
}

/*
 * A time without looks that nobody explains may be the hypervisor's. Here interrupts are off
 * on the only CPU that there is: nobody else can look after it.
 */
static void gap(void)
{
	/* More than the periods without a look that need no explanation. */
	const uint64_t budget_ns = 6 * PERIOD_US * NSEC_PER_USEC;
	int err = 0, fd;
	struct bpf_prog_info info;
	struct innocent *skel;
	volatile struct ctl *ctl;
	__u64 runs = 0, ns = 0;

	if (timed_may_goto())
		skip("may_goto looks at the clock itself here: there is no gap");
	wd_enable(budget_ns / NSEC_PER_USEC);
	skel = load();
	ctl = (void *)&skel->data_ctl->ctl;
	fd = bpf_program__fd(skel->progs.innocent_gap);
	/* The look that was due comes at once. */
	ctl->m = 20;
	other_cpus_off();
	/* Longer, until it is long enough. */
	for (skel->bss->locked_turns = 1 << 16;
	     skel->bss->locked_turns <= 1 << 23 && ns <= 3 * budget_ns &&
	     ctl->full == runs && !err;
	     skel->bss->locked_turns *= 2) {
		err = prog_run(fd, NULL);
		ns = ctl->leave_ns - ctl->enter_ns;
		runs++;
	}
	cpus_on();
	CHECK(!err, "test run: %s", strerror(-err));
	info = prog_info(fd);
	diag("%.1f ms with interrupts off; %llu overruns, the longest %.1f ms",
	     ns / (double)NSEC_PER_MSEC, info.overruns,
	     info.longest_run_ns / (double)NSEC_PER_MSEC);
	if (ns <= 2 * budget_ns)
		skip("the most turns that a loop may take are over too soon");
	CHECK(ctl->full == runs && !info.overruns,
	      "%llu of %llu runs did all, %llu overruns", ctl->full, runs,
	      info.overruns);
}

static void no_image(void)
{
	struct bpf_prog_info info;
	struct innocent *skel;
	int fd, i;

	wd_enable(BUDGET_US);
	skel = load();
	fd = bpf_program__fd(skel->progs.innocent_short);
	for (i = 0; i < 1000; i++)
		prog_run(fd, NULL);
	info = prog_info(fd);
	CHECK(info.terminable == BPF_TERMINABLE_NOT_NEEDED, "terminable is %u",
	      info.terminable);
	/* No image, but what one could be made of: a byte for each call. */
	CHECK(info.fast_path_bytes <= 8, "%u bytes of an image",
	      info.fast_path_bytes);
	CHECK(!info.overruns && !info.terminations, "%llu overruns",
	      info.overruns);
	CHECK(skel->data_ctl->ctl.finished == 1000, "%llu runs",
	      skel->data_ctl->ctl.finished);
}

static const struct test tests[] = {
	{ "below_budget", "100 runs of 70 % of the budget are not ended",
	  below_budget, NEEDS_WATCHDOG },
	{ "gap", "a time without looks that nobody explains is not charged",
	  gap, NEEDS_WATCHDOG },
	{ "interrupted",
	  "a program that interrupts keep from its work is not ended",
	  interrupted, NEEDS_WATCHDOG },
	{ "interrupted_locked", "nor if they have interrupts off for a while",
	  interrupted_locked, NEEDS_WATCHDOG },
	{ "interrupted_nested", "nor if they interrupt what runs on top of it",
	  interrupted_nested, NEEDS_WATCHDOG },
	{ "no_image",
	  "a program that cannot overrun has no image and needs none", no_image,
	  NEEDS_WATCHDOG },
	{ "preempted", "a program that others keep off the CPU is not ended",
	  preempted, NEEDS_WATCHDOG },
	{ "preempted_lazily",
	  "nor if it is at a tracepoint, and they keep it off lazily",
	  preempted_lazily, NEEDS_WATCHDOG },
	{ "sleeping", "a program that sleeps in a page fault is not ended",
	  sleeping, NEEDS_WATCHDOG, 240 },
};

const struct suite suite_innocent = {
	.name = "innocent",
	.tests = tests,
	.nr_tests = ARRAY_SIZE(tests),
};
