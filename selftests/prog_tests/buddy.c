// SPDX-License-Identifier: GPL-2.0
/* The CPU that watches another one: who is asked, who is not, and that somebody is. */
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include "harness/test_util.h"
#include "buddy.skel.h"
#include "buddy_ext.skel.h"

#define RUNS 40
#define ROUNDS 5
/* More than two periods: nothing is left of the run before. */
#define PAUSE_US 2500

static struct buddy *skel;
static volatile struct ctl *ctl;

static void load_also(bool dying)
{
	wd_disable();
	skel = buddy__open();
	REQUIRE(skel, "buddy: %m");
	bpf_program__set_autoload(skel->progs.dies, dying);
	REQUIRE(!buddy__load(skel), "buddy: %m");
	ctl = (void *)&skel->data_ctl->ctl;
	ctl->n = ctl->m = 1;
	wd_enable(BUDGET_US);
}

static void load(void)
{
	load_also(false);
}

static int fd_of(struct bpf_program *prog)
{
	return bpf_program__fd(prog);
}

/* Interrupts of a CPU: those of its timer, or those that other CPUs send. */
static unsigned long interrupts(int cpu, bool timer)
{
	char line[4096], *at, *end;
	unsigned long sum = 0, n;
	FILE *f = fopen("/proc/interrupts", "r");
	int i;

	REQUIRE(f, "/proc/interrupts: %m");
	while (fgets(line, sizeof(line), f)) {
		at = strchr(line, ':');
		if (!at)
			continue;
		*at++ = '\0';
		end = line + strspn(line, " ");
		if (timer ? strcmp(end, "LOC") :
			    strcmp(end, "CAL") && strcmp(end, "IWI") &&
				    strcmp(end, "NMI"))
			continue;
		for (i = 0, n = 0; i <= cpu; i++, at = end)
			n = strtoul(at, &end, 10);
		sum += n;
	}
	fclose(f);
	return sum;
}

static void run_sparsely(struct bpf_program *prog, int runs)
{
	int i;

	for (i = 0; i < runs; i++) {
		prog_run_packets(fd_of(prog), 1);
		usleep(PAUSE_US);
	}
}

/* What a CPU is sent, or its timer sends, in so many runs. */
static long in_runs(struct bpf_program *prog, int cpu, bool timer)
{
	unsigned long before;

	usleep(20000);
	before = interrupts(cpu, timer);
	run_sparsely(prog, RUNS);
	return interrupts(cpu, timer) - before;
}

static int by_value(const void *a, const void *b)
{
	return *(const long *)a < *(const long *)b ?
		       -1 :
		       *(const long *)a > *(const long *)b;
}

/*
 * What is more of that with the watchdog on. A busy host makes some more or less of it, for a
 * while: the median of some rounds.
 */
static long extra(struct bpf_program *prog, int cpu, bool timer)
{
	long more[ROUNDS];
	int i;

	for (i = 0; i < ROUNDS; i++) {
		wd_sysctl_set("bpf_watchdog", "0");
		more[i] = -in_runs(prog, cpu, timer);
		wd_sysctl_set("bpf_watchdog", "1");
		more[i] += in_runs(prog, cpu, timer);
	}
	qsort(more, ROUNDS, sizeof(*more), by_value);
	return more[ROUNDS / 2];
}

static void check_extra(struct bpf_program *prog, int cpu, bool timer)
{
	long n = extra(prog, cpu, timer);

	diag("%s: %ld %s interrupts more of CPU %d in %d runs",
	     bpf_program__name(prog), n, timer ? "timer" : "other", cpu, RUNS);
	CHECK(n < RUNS / 4, "%ld", n);
}

static void idle(void)
{
	int cpu, last = last_cpu();

	load();
	pin_to(0);
	for (cpu = 1; cpu <= last; cpu++) {
		check_extra(skel->progs.is_short, cpu, false);
		check_extra(skel->progs.loops, cpu, false);
		check_extra(skel->progs.loops, cpu, true);
	}
}

static void is_short(void)
{
	load();
	pin_to(0);
	check_extra(skel->progs.is_short, 0, true);
	CHECK(extra(skel->progs.loops, 0, true) > RUNS / 2,
	      "the timer is not started for what could overrun");
}

/* --- Somebody is asked ------------------------------------------------------------------------ */

struct state {
	volatile int ready;
	volatile uint64_t took[64];
};

static struct state *state;

/* n for a stall of some seconds. A busy host makes it look longer than it is, but not always. */
static void calibrate(void)
{
	uint64_t start, took, least;
	int i;

	wd_disable();
	ctl->m = 1000;
	for (ctl->n = 16;; ctl->n *= 4) {
		for (i = 0, least = UINT64_MAX; i < 5; i++) {
			start = now_ns();
			prog_run_packets(fd_of(skel->progs.locks), 1);
			took = now_ns() - start;
			least = took < least ? took : least;
		}
		if (least > 40 * NSEC_PER_MSEC)
			break;
	}
	ctl->n = ctl->n * (double)(4 * NSEC_PER_SEC) / least;
	wd_enable(BUDGET_US);
}

static void stall_on(int cpu, int cpus)
{
	uint64_t start;

	pin_to(cpu);
	__sync_fetch_and_add(&state->ready, 1);
	while (state->ready < cpus)
		;
	start = now_ns();
	prog_run_packets(fd_of(skel->progs.locks), 1);
	state->took[cpu] = now_ns() - start;
}

static __u64 ended(void)
{
	return prog_info(fd_of(skel->progs.locks)).terminations;
}

/* They have interrupts off at the same time, on each of the first CPUs. */
static void stall_all(int cpus)
{
	__u64 before = ended();
	int cpu, status;

	state->ready = 0;
	shared->stall_since = now_ns();
	for (cpu = 0; cpu < cpus; cpu++) {
		pid_t pid = fork();

		REQUIRE(pid >= 0, "fork: %m");
		if (!pid) {
			stall_on(cpu, cpus);
			_exit(nr_failures != 0);
		}
	}
	for (cpu = 0; cpu < cpus; cpu++) {
		wait(&status);
		CHECK(!status, "a process failed");
	}
	shared->stall_since = 0;
	CHECK(ended() == before + cpus, "%llu of %d were ended",
	      ended() - before, cpus);
	for (cpu = 0; cpu < cpus; cpu++)
		diag("CPU %d: %.1f ms", cpu,
		     state->took[cpu] / (double)NSEC_PER_MSEC);
}

static void prepare(void)
{
	load();
	state = mmap(NULL, sizeof(*state), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	REQUIRE(state != MAP_FAILED, "mmap: %m");
	pin_to(0);
	calibrate();
}

static void needs_cpus(int n)
{
	if (last_cpu() + 1 < n)
		skip("needs %d CPUs: SMP=%d", n, n);
}

/* One is left, which is idle. However the others ask each other, somebody asks this one. */
static void all_but_one(void)
{
	int last = last_cpu(), i;

	needs_cpus(3);
	prepare();
	for (i = 0; i < 10 && !nr_failures; i++) {
		stall_all(last);
		/* Now and then after a pause, now and then at once. */
		usleep(i % 2 * 5000);
	}
	canary();
}

static void online(int cpu, bool on)
{
	char path[64];
	int err;

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/online",
		 cpu);
	err = file_write(path, on ? "1" : "0");
	REQUIRE(!err, "%s = %d: %s", path, on, strerror(-err));
}

/* Each of those that may watch CPU 0 goes and comes while it wants to be watched. */
static void watcher_goes(void)
{
	int last = last_cpu(), cpu, gone, status;
	volatile __u64 *finished;
	__u64 n;
	pid_t pid;

	needs_cpus(3);
	if (access("/sys/devices/system/cpu/cpu1/online", W_OK))
		skip("no CPU can be taken offline (CONFIG_HOTPLUG_CPU)");
	prepare();
	n = ctl->n;
	finished = &ctl->finished;
	for (gone = 1; gone <= last && !nr_failures; gone++) {
		/* Short ones, one after the other. */
		ctl->n = ctl->m = 1;
		pid = fork();
		REQUIRE(pid >= 0, "fork: %m");
		if (!pid) {
			pin_to(0);
			for (;;)
				prog_run_packets(fd_of(skel->progs.locks),
						 1000);
		}
		pin_to(last == gone ? 1 : last);
		CHECK(wait_for(finished, *finished + 10000, 20 * NSEC_PER_SEC),
		      "nothing runs");
		online(gone, false);
		CHECK(wait_for(finished, *finished + 10000, 20 * NSEC_PER_SEC),
		      "nothing runs without CPU %d", gone);
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		ctl->n = n;
		ctl->m = 1000;
		stall_all(1);
		online(gone, true);
		for (cpu = 0; cpu < last; cpu++)
			stall_all(1);
		stall_all(last);
	}
	pin_to(0);
	canary();
}

/*
 * It begins with interrupts on, and nobody is asked. Then it gets an extension that switches them
 * off, before the first look.
 */
static void extended(void)
{
	struct buddy_ext *ext;
	__u64 terminations;
	struct bpf_link *link;
	int status;
	pid_t pid;

	prepare();
	ext = buddy_ext__open();
	REQUIRE(ext, "buddy_ext: %m");
	bpf_program__set_attach_target(ext->progs.locks_inside,
				       fd_of(skel->progs.calls), "plain");
	REQUIRE(!buddy_ext__load(ext), "buddy_ext: %m");
	ext->data_ctl->ctl.n = ctl->n;
	ext->data_ctl->ctl.m = 1000;
	wd_enable(500000);
	wd_set_period(400000);
	ctl->started = 0;
	shared->stall_since = now_ns();
	pid = fork();
	REQUIRE(pid >= 0, "fork: %m");
	if (!pid) {
		pin_to(1);
		prog_run_packets(fd_of(skel->progs.calls), 1);
		_exit(0);
	}
	REQUIRE(wait_for(&ctl->started, 1, 5 * NSEC_PER_SEC), "nothing runs");
	usleep(10000);
	link = bpf_program__attach(ext->progs.locks_inside);
	REQUIRE(link, "attach: %m");
	waitpid(pid, &status, 0);
	diag("%.1f ms", (now_ns() - shared->stall_since) / 1e6);
	shared->stall_since = 0;
	terminations = prog_info(fd_of(skel->progs.calls)).terminations;
	CHECK(terminations == 1 && ext->data_ctl->ctl.started == 1,
	      "%llu were ended, of %llu", terminations,
	      ext->data_ctl->ctl.started);
	bpf_link__destroy(link);
	buddy_ext__destroy(ext);
	canary();
}

/* A process that runs @prog with interrupts off on CPU 1, for some seconds. */
static pid_t hide_on_1(struct bpf_program *prog)
{
	pid_t pid;

	ctl->started = 0;
	pid = fork();
	REQUIRE(pid >= 0, "fork: %m");
	if (!pid) {
		pin_to(1);
		prog_run_packets(fd_of(prog), 1);
		_exit(0);
	}
	REQUIRE(wait_for(&ctl->started, 1, 5 * NSEC_PER_SEC), "nothing runs");
	shared->stall_since = now_ns();
	return pid;
}

static void check_let_go(pid_t pid, const char *what)
{
	int status;

	diag("%s took %.1f ms", what, (now_ns() - shared->stall_since) / 1e6);
	waitpid(pid, &status, 0);
	shared->stall_since = 0;
	CHECK(ended() == 1, "%s waited until the program ended by itself",
	      what);
	canary();
}

/* To patch its entry waits for all CPUs. */
static void quarantined(void)
{
	pid_t pid;
	int err;

	prepare();
	wd_spare(fd_of(skel->progs.locks));
	pid = hide_on_1(skel->progs.locks);
	err = wd_command(fd_of(skel->progs.locks), BPF_WD_QUARANTINE, 0);
	CHECK(!err, "quarantine: %s", strerror(-err));
	check_let_go(pid, "quarantine");
}

/* So it does to patch what is on only while the watchdog is. */
static void switched_off(void)
{
	pid_t pid;

	prepare();
	wd_enable(300000);
	pid = hide_on_1(skel->progs.locks);
	wd_disable();
	check_let_go(pid, "switching off");
}

static struct bpf_link *dying;
static volatile __u64 detached;

static void *detach_there(void *unused)
{
	pin_to(last_cpu());
	bpf_link__destroy(dying);
	detached = 1;
	return NULL;
}

/*
 * A program begins on a CPU that goes offline. When it is back, irq_works that are queued there
 * run, as those do that detaching waits for.
 */
static void comes_back(void)
{
	int cpu = last_cpu();
	pthread_t thread;

	/* With two, an emulator may find their clocks to differ then, and all behind it suffers. */
	needs_cpus(3);
	if (access("/sys/devices/system/cpu/cpu1/online", W_OK))
		skip("no CPU can be taken offline (CONFIG_HOTPLUG_CPU)");
	load_also(true);
	dying = bpf_program__attach(skel->progs.dies);
	REQUIRE(dying, "attach: %m");
	pin_to(0);
	ctl->started = 0;
	online(cpu, false);
	usleep(300000);
	online(cpu, true);
	CHECK(ctl->started == 1, "it ran %llu times", ctl->started);
	REQUIRE(!pthread_create(&thread, NULL, detach_there, NULL), "thread");
	if (!CHECK(wait_for(&detached, 1, 20 * NSEC_PER_SEC),
		   "it is not detached after 20 s")) {
		online(cpu, false); /* runs what waits */
		online(cpu, true);
	}
	pthread_join(thread, NULL);
	canary();
}

/* --- Isolated CPUs ---------------------------------------------------------------------------- */

static bool isolated(int cpu)
{
	char list[256], *at = list, *end;
	long from, to;

	if (file_read("/sys/devices/system/cpu/isolated", list, sizeof(list)))
		return false;
	while (*at >= '0' && *at <= '9') {
		from = to = strtol(at, &end, 10);
		if (*end == '-')
			to = strtol(end + 1, &end, 10);
		if (cpu >= from && cpu <= to)
			return true;
		at = end + (*end == ',');
	}
	return false;
}

static void not_isolated(void)
{
	int cpu, last = last_cpu(), spared = 0, others = 0, from;
	long sum = 0, n;

	for (cpu = 1; cpu <= last; cpu++)
		isolated(cpu) ? spared++ : others++;
	if (!spared || !others || isolated(0))
		skip("needs isolated CPUs, and two that are not: "
		     "SMP=4 APPEND=isolcpus=1,2");
	load();
	/* What runs on an isolated CPU is watched, by another one. */
	for (from = 0; from < last; from++) {
		pin_to(from);
		for (cpu = 0; cpu <= last; cpu++)
			if (cpu != from && isolated(cpu)) {
				check_extra(skel->progs.locks, cpu, false);
				check_extra(skel->progs.locks, cpu, true);
			}
		for (cpu = 0, sum = 0; cpu <= last; cpu++) {
			if (cpu == from || isolated(cpu))
				continue;
			n = extra(skel->progs.locks, cpu, false);
			sum += n;
		}
		diag("CPU %d: others are asked %ld times in %d runs", from, sum,
		     RUNS);
		CHECK(sum > RUNS / 10, "nobody is asked by CPU %d", from);
	}
	prepare();
	for (cpu = 0; cpu < 3 && !nr_failures; cpu++)
		stall_all(last);
	canary();
}

static const struct test tests[] = {
	{ "idle",
	  "idle CPUs get no interrupt for what begins with interrupts on", idle,
	  NEEDS_WATCHDOG | NEEDS_TWO_CPUS },
	{ "is_short", "a few short runs have no timer started", is_short,
	  NEEDS_WATCHDOG },
	{ "all_but_one",
	  "all CPUs but one have interrupts off at once, all are ended",
	  all_but_one, NEEDS_WATCHDOG },
	{ "watcher_goes", "whoever watches a CPU goes offline, and comes back",
	  watcher_goes, NEEDS_WATCHDOG, 120 },
	{ "extended", "a program that runs gets an extension that hides it",
	  extended, NEEDS_WATCHDOG | NEEDS_TWO_CPUS },
	{ "quarantined", "what has interrupts off is put in quarantine",
	  quarantined, NEEDS_WATCHDOG | NEEDS_TWO_CPUS },
	{ "switched_off", "the watchdog is switched off meanwhile",
	  switched_off, NEEDS_WATCHDOG | NEEDS_TWO_CPUS },
	{ "comes_back", "a program begins on a CPU that goes offline",
	  comes_back, NEEDS_WATCHDOG },
	{ "not_isolated", "isolated CPUs are not asked, and are watched",
	  not_isolated, NEEDS_WATCHDOG, 120 },
};

const struct suite suite_buddy = {
	.name = "buddy",
	.tests = tests,
	.nr_tests = ARRAY_SIZE(tests),
};
