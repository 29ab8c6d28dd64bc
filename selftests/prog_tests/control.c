// SPDX-License-Identifier: GPL-2.0
/* The bpf() command BPF_PROG_WATCHDOG. */
#define _GNU_SOURCE
#include <linux/capability.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "traffic/repro.h"

/* The reproducer that needs least around it. */
static struct run *open_stall(void)
{
	const struct suite *suite;
	const struct repro *r = repro_find("loop_syscall", &suite);
	struct run *run;

	trace_start();
	run = repro_open(suite, r, r->fill);
	repro_stall_for_ever(run);
	return run;
}

static bool same_settings(int fd, const struct bpf_prog_info *before)
{
	struct bpf_prog_info now = prog_info(fd);

	return now.watchdog_budget_ns == before->watchdog_budget_ns &&
	       now.watchdog_action == before->watchdog_action &&
	       now.watchdog_verdict == before->watchdog_verdict &&
	       now.quarantined == before->quarantined &&
	       now.overruns == before->overruns &&
	       now.terminations == before->terminations;
}

static void bad_input(void)
{
	static const struct {
		__u32 op;
		__u64 value;
		int err;
	} rows[] = {
		{ 0, 0, EINVAL },
		{ BPF_WD_SET_VERDICT + 1, 0, EINVAL },
		{ BPF_WD_SET_VERDICT, BPF_WD_VERDICT_DENY + 1, EINVAL },
		{ ~0U, 0, EINVAL },
		{ BPF_WD_SET_BUDGET, 0, ERANGE },
		{ BPF_WD_SET_BUDGET, 1ULL << 63, ERANGE },
		{ BPF_WD_SET_BUDGET, ~0ULL, ERANGE },
		{ BPF_WD_CLEAR_BUDGET, 1, EINVAL },
		{ BPF_WD_SET_ACTION, BPF_WD_ACTION_DETACH + 1, EINVAL },
		{ BPF_WD_SET_ACTION, 1ULL << 32, EINVAL },
		{ BPF_WD_END, 1, EINVAL },
		{ BPF_WD_END, 0, ENODEV }, /* the watchdog is off */
		{ BPF_WD_QUARANTINE, 1, EINVAL },
		{ BPF_WD_RELEASE, 1, EINVAL },
		{ BPF_WD_RELEASE, 0, ENOENT },
	};
	int fd, map_fd, err;
	struct bpf_prog_info before;
	size_t i;

	wd_disable();
	fd = repro_fd(open_stall());
	before = prog_info(fd);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		err = wd_command(fd, rows[i].op, rows[i].value);
		CHECK(err == -rows[i].err,
		      "op %u, value %#llx: got %s, want %s", rows[i].op,
		      rows[i].value, strerror(-err), strerror(rows[i].err));
		CHECK(same_settings(fd, &before),
		      "op %u, value %#llx: changed something", rows[i].op,
		      rows[i].value);
	}
	err = wd_command(-1, BPF_WD_SET_BUDGET, 1);
	CHECK(err == -EBADF, "fd -1: %s", strerror(-err));
	err = wd_command(0, BPF_WD_SET_BUDGET, 1);
	CHECK(err == -EINVAL, "fd 0, not a program: %s", strerror(-err));
	map_fd =
		bpf_map_create(BPF_MAP_TYPE_ARRAY, "not_a_prog", 4, 4, 1, NULL);
	err = wd_command(map_fd, BPF_WD_SET_BUDGET, 1);
	CHECK(err == -EINVAL, "fd of a map: %s", strerror(-err));
}

static void unused_bytes(void)
{
	struct {
		union bpf_attr attr;
		__u64 beyond;
	} a;
	const size_t used =
		offsetof(union bpf_attr, watchdog.value) + sizeof(__u64);
	struct bpf_prog_info before;
	int fd, err;
	size_t i;

	fd = repro_fd(open_stall());
	before = prog_info(fd);
	for (i = used; i < sizeof(a.attr); i++) {
		memset(&a, 0, sizeof(a));
		a.attr.watchdog.prog_fd = fd;
		a.attr.watchdog.op = BPF_WD_SET_BUDGET;
		a.attr.watchdog.value = 12345;
		((char *)&a)[i] = 1;
		err = syscall(__NR_bpf, BPF_PROG_WATCHDOG, &a.attr,
			      sizeof(a.attr)) ?
			      -errno :
			      0;
		CHECK(err == -EINVAL, "byte %zu is not 0: %s", i,
		      strerror(-err));
	}
	memset(&a, 0, sizeof(a));
	a.attr.watchdog.prog_fd = fd;
	a.attr.watchdog.op = BPF_WD_SET_BUDGET;
	a.attr.watchdog.value = 12345;
	a.beyond = 1;
	err = syscall(__NR_bpf, BPF_PROG_WATCHDOG, &a.attr, sizeof(a)) ?
		      -errno :
		      0;
	CHECK(err == -E2BIG, "bytes beyond the attributes: %s", strerror(-err));
	CHECK(same_settings(fd, &before), "refused, but it changed something");
	a.beyond = 0;
	err = syscall(__NR_bpf, BPF_PROG_WATCHDOG, &a.attr, sizeof(a)) ?
		      -errno :
		      0;
	CHECK(!err && prog_info(fd).watchdog_budget_ns == 12345,
	      "zeros beyond: %s", strerror(-err));
}

static void no_privilege(void)
{
	struct __user_cap_header_struct hdr = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	struct __user_cap_data_struct caps[2] = {};
	struct bpf_prog_info before;
	int fd, err;

	fd = repro_fd(open_stall());
	before = prog_info(fd);
	/* All that loading needs, but not CAP_SYS_ADMIN. */
	caps[CAP_BPF / 32].effective = caps[CAP_BPF / 32].permitted =
		1U << CAP_BPF % 32 | 1U << CAP_PERFMON % 32;
	REQUIRE(!syscall(SYS_capset, &hdr, caps), "capset: %m");
	err = wd_command(fd, BPF_WD_SET_BUDGET, 1000);
	CHECK(err == -EPERM, "with CAP_BPF and CAP_PERFMON: %s",
	      strerror(-err));
	CHECK(same_settings(fd, &before), "refused, but it changed something");
	caps[CAP_BPF / 32].effective = caps[CAP_BPF / 32].permitted = 0;
	REQUIRE(!syscall(SYS_capset, &hdr, caps), "capset: %m");
	err = wd_command(fd, BPF_WD_QUARANTINE, 0);
	CHECK(err == -EPERM, "without capabilities: %s", strerror(-err));
	err = wd_sysctl_set("bpf_watchdog", "1");
	CHECK(err == -EPERM || err == -EACCES,
	      "sysctl without capabilities: %s", strerror(-err));
}

static struct wd_event ended_once(struct run *run)
{
	struct wd_event ev = {};
	uint64_t took;

	trace_clear();
	took = repro_trigger(run);
	CHECK(took < 2 * NSEC_PER_SEC, "took %.1f ms",
	      took / (double)NSEC_PER_MSEC);
	CHECK(!repro_ctl(run)->brake, "nobody ended it");
	CHECK(trace_find(repro_id(run), "terminate", &ev) == 1,
	      "no terminate event");
	return ev;
}

static void budget(void)
{
	struct run *run;
	struct wd_event ev;
	int err;

	wd_enable(50000);
	run = open_stall();
	err = wd_command(repro_fd(run), BPF_WD_SET_BUDGET, 5 * NSEC_PER_MSEC);
	REQUIRE(!err, "SET_BUDGET: %s", strerror(-err));
	CHECK(prog_info(repro_fd(run)).watchdog_budget_ns == 5 * NSEC_PER_MSEC,
	      "watchdog_budget_ns %llu",
	      prog_info(repro_fd(run)).watchdog_budget_ns);
	ev = ended_once(run);
	CHECK(ev.budget_ns == 5000000, "budget_ns=%lld, not its own",
	      ev.budget_ns);
	err = wd_command(repro_fd(run), BPF_WD_CLEAR_BUDGET, 0);
	REQUIRE(!err, "CLEAR_BUDGET: %s", strerror(-err));
	CHECK(!prog_info(repro_fd(run)).watchdog_budget_ns,
	      "budget is not cleared");
	ev = ended_once(run);
	CHECK(ev.budget_ns == 50000000, "budget_ns=%lld, not the default",
	      ev.budget_ns);
	repro_check_held(run, true);
}

static void warn(void)
{
	struct bpf_prog_info info;
	struct run *run;
	uint64_t took;
	__u64 steps;
	int err;

	wd_disable();
	run = open_stall();
	repro_calibrate(run, 200 * NSEC_PER_MSEC);
	steps = repro_ctl(run)->steps;
	repro_trigger(run);
	steps = repro_ctl(run)->steps - steps;
	wd_enable(5000);
	err = wd_command(repro_fd(run), BPF_WD_SET_ACTION, BPF_WD_ACTION_WARN);
	REQUIRE(!err, "SET_ACTION: %s", strerror(-err));
	repro_ctl(run)->steps = 0;
	took = repro_trigger(run);
	info = prog_info(repro_fd(run));
	CHECK(repro_ctl(run)->steps == steps,
	      "%llu steps of %llu: it was ended", repro_ctl(run)->steps, steps);
	CHECK(info.watchdog_action == BPF_WD_ACTION_WARN, "action %u",
	      info.watchdog_action);
	CHECK(info.overruns == 1, "%llu overruns in %.1f ms", info.overruns,
	      took / (double)NSEC_PER_MSEC);
	CHECK(!info.terminations, "%llu terminations", info.terminations);
	CHECK(trace_find(info.id, "overrun", NULL) == 1, "no overrun event");
	CHECK(!trace_find(info.id, "terminate", NULL), "a terminate event");

	err = wd_command(repro_fd(run), BPF_WD_SET_ACTION, BPF_WD_ACTION_END);
	REQUIRE(!err, "SET_ACTION: %s", strerror(-err));
	repro_stall_for_ever(run);
	ended_once(run);
	repro_check_held(run, true);
}

static bool runs(struct run *run)
{
	__u64 started = repro_ctl(run)->started;

	repro_fire(run, 0);
	return repro_ctl(run)->started > started;
}

/* It is put there by a work item, soon after. */
static bool in_quarantine(void *run)
{
	return prog_info(repro_fd(run)).quarantined;
}

static void quarantine(void)
{
	struct bpf_prog_info info;
	struct wd_event ev = {};
	struct run *run;
	int err;

	wd_enable(BUDGET_US);
	REQUIRE(!wd_sysctl_set("bpf_watchdog_quarantine", "2"),
		"kernel.bpf_watchdog_quarantine");
	run = open_stall();
	ended_once(run);
	CHECK(!prog_info(repro_fd(run)).quarantined,
	      "quarantined after the first of two");
	ended_once(run);
	CHECK(wait_until(in_quarantine, run, 5 * NSEC_PER_SEC),
	      "not quarantined after two terminations");
	info = prog_info(repro_fd(run));
	CHECK(trace_find(info.id, "quarantine", &ev) == 1 &&
		      ev.quarantined == 1,
	      "no quarantine event");
	CHECK(!runs(run), "quarantined, and still runs");
	CHECK(prog_info(repro_fd(run)).terminations == 2,
	      "a skipped invocation was ended");

	err = wd_command(repro_fd(run), BPF_WD_RELEASE, 0);
	REQUIRE(!err, "RELEASE: %s", strerror(-err));
	CHECK(!prog_info(repro_fd(run)).quarantined,
	      "released, and still marked");
	ended_once(run);
	repro_check_held(run, true);
}

/* By hand, with the watchdog on; on an attached program. */
static void quarantine_by_hand(void)
{
	const struct suite *suite;
	const struct repro *r = repro_find("loop_inlined", &suite);
	struct run *run;
	int err;

	trace_start();
	wd_enable(BUDGET_US);
	run = repro_open(suite, r, 0);
	repro_attach(run);
	repro_ctl(run)->n = 1;
	CHECK(runs(run), "does not run before");
	err = wd_command(repro_fd(run), BPF_WD_QUARANTINE, 0);
	REQUIRE(!err, "QUARANTINE: %s", strerror(-err));
	CHECK(prog_info(repro_fd(run)).quarantined == 1,
	      "quarantined is not 1");
	CHECK(!runs(run), "quarantined, and still runs");
	err = wd_command(repro_fd(run), BPF_WD_RELEASE, 0);
	REQUIRE(!err, "RELEASE: %s", strerror(-err));
	CHECK(runs(run), "does not run after its release");
	err = wd_command(repro_fd(run), BPF_WD_RELEASE, 0);
	CHECK(err == -ENOENT, "second RELEASE: %s", strerror(-err));
	repro_check_held(run, true);
}

struct ender {
	struct run *run;
	int ready; /* the thread has left the CPU of the one that created it */
	int err;
};

static void *end_it(void *arg)
{
	struct ender *e = arg;

	pin_to(0);
	__atomic_store_n(&e->ready, 1, __ATOMIC_RELEASE);
	if (wait_for(&repro_ctl(e->run)->held, 1, 5 * NSEC_PER_SEC))
		e->err = wd_command(repro_fd(e->run), BPF_WD_END, 0);
	return NULL;
}

/* The request comes from the other CPU while the program runs. */
static void end_request(const char *name)
{
	const struct suite *suite;
	const struct repro *r = repro_find(name, &suite);
	struct ender e = { .err = -ETIMEDOUT };
	struct bpf_prog_info info;
	struct wd_event ev = {};
	pthread_t thread;
	uint64_t took;

	trace_start();
	wd_enable(1000000000); /* 1,000 s */
	e.run = repro_open(suite, r, r->fill);
	repro_attach(e.run);
	repro_stall_for_ever(e.run);
	REQUIRE(!pthread_create(&thread, NULL, end_it, &e), "thread");
	while (!__atomic_load_n(&e.ready, __ATOMIC_ACQUIRE))
		sched_yield();
	took = repro_trigger(e.run);
	pthread_join(thread, NULL);
	info = prog_info(repro_fd(e.run));
	CHECK(!e.err, "END: %s", strerror(-e.err));
	CHECK(!repro_ctl(e.run)->brake, "nobody ended it");
	CHECK(took < 2 * NSEC_PER_SEC, "took %.1f ms",
	      took / (double)NSEC_PER_MSEC);
	CHECK(info.terminations == 1, "%llu terminations", info.terminations);
	CHECK(!info.overruns, "%llu overruns, the budget was not passed",
	      info.overruns);
	CHECK(trace_find(info.id, "terminate", &ev) == 1 &&
		      !strcmp(ev.reason, "request"),
	      "reason '%s', not request", ev.reason);
	repro_check_held(e.run, true);

	/* Ends what runs now, not what comes later. */
	repro_ctl(e.run)->n = 1;
	repro_trigger(e.run);
	CHECK(prog_info(repro_fd(e.run)).terminations == 1,
	      "the next invocation was ended too");
	CHECK(!wd_command(repro_fd(e.run), BPF_WD_END, 0),
	      "END with nothing running");
}

static void end_syscall(void)
{
	end_request("loop_syscall");
}

static void end_kprobe(void)
{
	end_request("loop_called");
}

static void end_irqs_off(void)
{
	end_request("goto_lock");
}

static const struct test tests[] = {
	{ "bad_input",
	  "wrong operations and values are refused with the right error",
	  bad_input, NEEDS_WATCHDOG },
	{ "budget", "a program's own budget counts, and can be taken back",
	  budget, NEEDS_WATCHDOG },
	{ "end_irqs_off",
	  "an invocation with interrupts off is ended from another CPU",
	  end_irqs_off, NEEDS_WATCHDOG | NEEDS_TWO_CPUS },
	{ "end_kprobe", "a running kprobe program is ended from another CPU",
	  end_kprobe, NEEDS_WATCHDOG | NEEDS_TWO_CPUS },
	{ "end_syscall", "a running syscall program is ended from another CPU",
	  end_syscall, NEEDS_WATCHDOG | NEEDS_TWO_CPUS },
	{ "no_privilege", "without CAP_SYS_ADMIN nothing can be changed",
	  no_privilege, NEEDS_WATCHDOG },
	{ "quarantine",
	  "after N terminations a program is skipped until it is released",
	  quarantine, NEEDS_WATCHDOG },
	{ "quarantine_by_hand", "quarantine and release of an attached program",
	  quarantine_by_hand, NEEDS_WATCHDOG },
	{ "unused_bytes", "bytes of the attributes that are not used must be 0",
	  unused_bytes, NEEDS_WATCHDOG },
	{ "warn", "action warn counts and reports an overrun, and ends nothing",
	  warn, NEEDS_WATCHDOG },
};

const struct suite suite_control = {
	.name = "control",
	.tests = tests,
	.nr_tests = ARRAY_SIZE(tests),
};
