// SPDX-License-Identifier: GPL-2.0
/*
 * All at once: every CPU is stalled by programs, while others are loaded,
 * attached, ended and unloaded, budgets change, the watchdog goes off and on, and
 * CPUs come and go. BPFWD_STORM_S and BPFWD_HOTPLUG say for how long and how often;
 * scripts/soak.sh makes it long.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include "traffic/repro.h"

/* They end by themselves, should the watchdog be off. */
#define STALL_NS (300 * NSEC_PER_MSEC)

static const char *const stallers[] = {
	"loop_syscall", "loop_called", "loop_raw_tp", "hold_preempt",
	"hold_rcu",	"goto_lock",   "goto_calls",  "tail_direct",
};

/* One for each CPU, and each of the above at least once. */
#define MAX_RUNS 64
static struct run *runs[MAX_RUNS];
static int nr_runs;

/* What the processes share: until when they go on, and what they have done. */
static struct {
	volatile uint64_t deadline; /* 0: not all are ready */
	volatile unsigned long ready, loads, ends, toggles, changes, plugs;
} *done;

static void share(void)
{
	done = mmap(NULL, sizeof(*done), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	REQUIRE(done != MAP_FAILED, "mmap: %m");
}

/* To be ready takes a while if the host is busy. */
static void wait_for_all(void)
{
	__sync_fetch_and_add(&done->ready, 1);
	while (!done->deadline)
		usleep(1000);
}

static bool in_time(void)
{
	return now_ns() < done->deadline && !nr_failures;
}

static struct run *open_bounded(const char *name)
{
	const struct suite *suite;
	const struct repro *r = repro_find(name, &suite);
	struct run *run;

	REQUIRE(r, "no reproducer %s", name);
	run = repro_open(suite, r, r->fill);
	repro_attach(run);
	repro_calibrate(run, STALL_NS);
	repro_check_held(run, false);
	return run;
}

static int nr_programs(void)
{
	__u32 id = 0;
	int n = 0;

	while (!bpf_prog_get_next_id(id, &id))
		n++;
	return n;
}

static bool back_to(void *n)
{
	return nr_programs() == *(int *)n;
}

/* --- The processes --------------------------------------------------------------------------- */

static void stall(size_t i)
{
	unsigned int n = 0;

	repro_take_over(runs[i]);
	wait_for_all();
	while (in_time()) {
		repro_trigger(runs[i]);
		/* Empties the ring buffer, too. */
		if (++n % 10 == 0)
			repro_check_held(runs[i], false);
	}
	repro_check_held(runs[i], false);
}

static void load_and_unload(size_t n)
{
	static const char *const harmless[] = { "socket_record" };
	static const char *const patching[] = { "socket_record", "loop_fentry",
						"loop_inlined", "tc_socket" };
	bool may_patch = !patching_is_fatal();
	const char *const *names = may_patch ? patching : harmless;
	size_t nr = may_patch ? ARRAY_SIZE(patching) : ARRAY_SIZE(harmless), i;

	wait_for_all();
	for (i = 0; in_time(); i++) {
		const struct suite *suite;
		const struct repro *r = repro_find(names[i % nr], &suite);
		struct run *run = repro_open(suite, r, r->fill);
		int err;

		repro_attach(run);
		repro_ctl(run)->n = n;
		repro_trigger(run);
		/* It may go off at any time, if toggle() runs, and then releases all. */
		err = wd_command(repro_fd(run), BPF_WD_QUARANTINE, 0);
		CHECK(!err || (may_patch && err == -ENODEV), "QUARANTINE: %s",
		      strerror(-err));
		if (!err) {
			err = wd_command(repro_fd(run), BPF_WD_RELEASE, 0);
			CHECK(!err || (may_patch &&
				       (err == -ENODEV || err == -ENOENT)),
			      "RELEASE: %s", strerror(-err));
		}
		repro_check_held(run, true);
		repro_close(run);
		done->loads++;
	}
}

static void end_them(size_t unused)
{
	unsigned int i;

	wait_for_all();
	for (i = 0; in_time(); i++) {
		int fd = repro_fd(runs[i % nr_runs]);
		int err = wd_command(fd, BPF_WD_END, 0);

		/* While it is off there is nothing to end. */
		CHECK(!err || err == -ENODEV, "END: %s", strerror(-err));
		done->ends += !err;
		err = i % 3 ? wd_command(fd, BPF_WD_SET_BUDGET,
					 (2 + i % 20) * NSEC_PER_MSEC) :
			      wd_command(fd, BPF_WD_CLEAR_BUDGET, 0);
		CHECK(!err, "budget: %s", strerror(-err));
		usleep(7000);
	}
}

static void change_sysctls(size_t unused)
{
	static const char *const changes[][2] = {
		{ "bpf_watchdog_budget_us", "5000" },
		{ "bpf_watchdog_period_us", "500" },
		{ "bpf_watchdog_slack_percent", "100" },
		{ "bpf_watchdog_budget_min_us", "10" },
		{ "bpf_watchdog_budget_us", "20000" },
		{ "bpf_watchdog_period_us", "3000" },
		{ "bpf_watchdog_slack_percent", "400" },
		{ "bpf_watchdog_budget_min_us", "1000" },
	};
	unsigned int i;

	wait_for_all();
	for (i = 0; in_time(); i++) {
		const char *const *c = changes[i % ARRAY_SIZE(changes)];
		int err = wd_sysctl_set(c[0], c[1]);

		CHECK(!err, "kernel.%s = %s: %s", c[0], c[1], strerror(-err));
		done->changes++;
		usleep(11000);
	}
}

static void toggle(size_t unused)
{
	wait_for_all();
	while (in_time()) {
		usleep(100000);
		wd_disable();
		usleep(20000);
		wd_sysctl_set("bpf_watchdog", "1");
		done->toggles++;
	}
}

static void online(int cpu, bool on)
{
	char path[100];
	int err;

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/online",
		 cpu);
	err = file_write(path, on ? "1" : "0");
	REQUIRE(!err, "%s = %d: %s", path, on, strerror(-err));
}

/* All but the first go and come, one after the other. */
static void plug(size_t last)
{
	size_t cpu = last;

	wait_for_all();
	while (in_time()) {
		online(cpu, false);
		usleep(20000);
		online(cpu, true);
		done->plugs++;
		cpu = cpu > 1 ? cpu - 1 : last;
	}
}

static pid_t start(void (*fn)(size_t), size_t arg, int cpu)
{
	pid_t pid = fork();

	REQUIRE(pid >= 0, "fork: %m");
	if (pid)
		return pid;
	nr_failures = 0;
	pin_to(cpu);
	fn(arg);
	fflush(stdout);
	_exit(nr_failures != 0);
}

static bool all_ready(void *nr)
{
	return done->ready == (unsigned long)*(int *)nr;
}

static void storm(bool plugged)
{
	unsigned long seconds = env_number("BPFWD_STORM_S", 3);
	int cpus = last_cpu() + 1, n_children, before, status, i;
	struct run *run;
	__u64 n;

	share();
	trace_start();
	wd_disable();
	health(); /* its program stays for as long as this process */
	before = nr_programs();
	run = open_bounded("socket_record");
	n = repro_ctl(run)->n;
	repro_close(run);
	nr_runs = cpus > (int)ARRAY_SIZE(stallers) ? cpus :
						     (int)ARRAY_SIZE(stallers);
	nr_runs = nr_runs < MAX_RUNS ? nr_runs : MAX_RUNS;
	for (i = 0; i < nr_runs; i++)
		runs[i] = open_bounded(stallers[i % ARRAY_SIZE(stallers)]);
	wd_enable(BUDGET_US);

	n_children = nr_runs + 3;
	for (i = 0; i < nr_runs; i++)
		start(stall, i, i % cpus);
	if (plugged) {
		start(plug, cpus - 1, 0);
		n_children++;
	}
	start(load_and_unload, n, 0);
	start(end_them, 0, 0);
	start(change_sysctls, 0, cpus - 1);
	if (!patching_is_fatal()) {
		start(toggle, 0, 0);
		n_children++;
	} else {
		diag("the watchdog stays on, and nothing that patches text is attached: "
		     "TCG, see trace_start() in test_util.c");
	}
	CHECK(wait_until(all_ready, &n_children,
			 (60 + 10 * cpus) * NSEC_PER_SEC),
	      "%lu processes are ready", done->ready);
	done->deadline = now_ns() + seconds * NSEC_PER_SEC;
	for (i = 0; i < n_children; i++) {
		REQUIRE(wait(&status) > 0, "wait: %m");
		CHECK(!status, "a process failed");
	}

	wd_enable(BUDGET_US);
	for (i = 0; i < nr_runs; i++) {
		__u64 ended = prog_info(repro_fd(runs[i])).terminations;
		const char *name = stallers[i % ARRAY_SIZE(stallers)];

		CHECK(ended, "%s was never ended", name);
		diag("%-14s %6llu invocations, %6llu ended", name,
		     repro_ctl(runs[i])->started, ended);
		repro_take_over(runs[i]);
		repro_check_held(runs[i], true);
		repro_close(runs[i]);
	}
	CHECK(done->loads && done->ends && done->changes,
	      "%lu loads, %lu ends, %lu changes", done->loads, done->ends,
	      done->changes);
	CHECK(wait_until(back_to, &before, 5 * NSEC_PER_SEC),
	      "%d programs, there were %d", nr_programs(), before);
	diag("%lu programs loaded and unloaded, %lu ended by request, %lu sysctls "
	     "changed, %lu times off and on",
	     done->loads, done->ends, done->changes, done->toggles);
	if (plugged) {
		CHECK(done->plugs, "no CPU went");
		diag("%lu times a CPU went and came", done->plugs);
	}
}

static void all_at_once(void)
{
	storm(false);
}

/* --- CPUs that come and go ------------------------------------------------------------------- */

/* Where it was pinned to may have gone: it then runs elsewhere until it is back. */
static void stall_on_last(size_t i)
{
	int last = last_cpu();
	unsigned int n = 0;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(last, &set);
	repro_take_over(runs[i]);
	wait_for_all();
	while (in_time()) {
		sched_setaffinity(0, sizeof(set), &set);
		repro_trigger(runs[i]);
		if (++n % 10 == 0)
			repro_check_held(runs[i], false);
	}
	repro_check_held(runs[i], false);
}

static void expect_end(struct run *run, int cpu)
{
	__u64 before = prog_info(repro_fd(run)).terminations;
	uint64_t took;

	pin_to(cpu);
	took = repro_trigger(run);
	CHECK(prog_info(repro_fd(run)).terminations == before + 1,
	      "CPU %d: not ended, %.1f ms", cpu, took / (double)NSEC_PER_MSEC);
	repro_check_held(run, false);
}

static bool can_plug(void)
{
	return !access("/sys/devices/system/cpu/cpu1/online", W_OK);
}

static void all_and_hotplug(void)
{
	if (!can_plug())
		skip("no CPU can be taken offline (CONFIG_HOTPLUG_CPU)");
	storm(true);
}

static void hotplug(void)
{
	/* The second one needs another CPU to be ended. */
	static const char *const names[] = { "loop_syscall", "goto_lock" };
	unsigned long rounds = env_number("BPFWD_HOTPLUG", 3), r;
	int last = last_cpu(), nr = ARRAY_SIZE(names), status, cpu;
	__u64 ended[ARRAY_SIZE(names)];
	uint64_t start_ns;
	pid_t pids[2];
	size_t i;

	if (!can_plug())
		skip("no CPU can be taken offline (CONFIG_HOTPLUG_CPU)");
	share();
	trace_start();
	wd_disable();
	for (i = 0; i < ARRAY_SIZE(names); i++)
		runs[i] = open_bounded(names[i]);
	wd_enable(BUDGET_US);
	for (r = 0; r < rounds && !nr_failures; r++) {
		/* Programs overrun on it while it goes and comes. */
		done->deadline = done->ready = 0;
		for (i = 0; i < ARRAY_SIZE(names); i++) {
			ended[i] = prog_info(repro_fd(runs[i])).terminations;
			pids[i] = start(stall_on_last, i, last);
		}
		CHECK(wait_until(all_ready, &nr, 60 * NSEC_PER_SEC),
		      "%lu processes are ready", done->ready);
		done->deadline = now_ns() + NSEC_PER_SEC;
		pin_to(0);
		usleep(100000);
		start_ns = now_ns();
		online(last, false);
		CHECK(now_ns() - start_ns < 10 * NSEC_PER_SEC,
		      "CPU %d took %.1f s to go", last,
		      (now_ns() - start_ns) / (double)NSEC_PER_SEC);
		usleep(200000);
		online(last, true);
		for (i = 0; i < ARRAY_SIZE(names); i++) {
			waitpid(pids[i], &status, 0);
			CHECK(!status, "%s: a process failed", names[i]);
			CHECK(prog_info(repro_fd(runs[i])).terminations >
				      ended[i],
			      "%s was not ended", names[i]);
			repro_take_over(runs[i]);
		}
		/* All CPUs are watched as before, the one that was away by another one, too. */
		for (cpu = 0; cpu <= last; cpu++)
			for (i = 0; i < ARRAY_SIZE(names); i++)
				expect_end(runs[i], cpu);
	}
	/* While it is away, the others time themselves and each other. */
	pin_to(0);
	online(last, false);
	expect_end(runs[0], 0);
	if (last > 1)
		expect_end(runs[1], 0);
	online(last, true);
	for (i = 0; i < ARRAY_SIZE(names); i++)
		repro_close(runs[i]);
	canary();
	diag("%lu rounds", r);
}

static const struct test tests[] = {
	{ "all_at_once",
	  "8 programs stall all CPUs, others are loaded, attached, ended, unloaded, budgets change",
	  all_at_once, NEEDS_WATCHDOG | NEEDS_TWO_CPUS },
	{ "all_and_hotplug", "the same while CPUs go and come", all_and_hotplug,
	  NEEDS_WATCHDOG | NEEDS_TWO_CPUS },
	{ "hotplug", "the last CPU goes and comes while programs overrun on it",
	  hotplug, NEEDS_WATCHDOG | NEEDS_TWO_CPUS },
};

const struct suite suite_storm = {
	.name = "storm",
	.tests = tests,
	.nr_tests = ARRAY_SIZE(tests),
};
