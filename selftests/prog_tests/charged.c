// SPDX-License-Identifier: GPL-2.0
/* Whose time it is, and how much of it a program may have where somebody waits for it. */
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include "harness/stops.h"
#include "harness/test_util.h"
#include "charged.skel.h"

static struct charged *skel;
static volatile struct ctl *ctl;

static void load(void)
{
	skel = charged__open_and_load();
	REQUIRE(skel, "charged: %m");
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

/* Four looks of another program are not its time, though each takes its budget. */
static void nested(void)
{
	struct bpf_prog_info outer, inner;
	uint64_t took;

	wd_disable();
	load();
	REQUIRE(bpf_program__attach(skel->progs.watches), "watches: %m");
	for (ctl->m = 1 << 10;; ctl->m += ctl->m / 4) {
		took = run(skel->progs.updates);
		if (took > 400 * NSEC_PER_MSEC || ctl->m > 1 << 22)
			break;
	}
	wd_enable(took / 4 / NSEC_PER_USEC);
	/* A busy host makes gaps between looks. Nothing is charged of what is long for a period. */
	wd_set_period(20000);
	wd_spare(fd_of(skel->progs.watches));
	ctl->steps = ctl->inner_started = ctl->inner_full = 0;
	took = run(skel->progs.updates);
	outer = prog_info(fd_of(skel->progs.updates));
	inner = prog_info(fd_of(skel->progs.watches));
	diag("%.1f ms, charged %.1f, budget %lld us",
	     took / (double)NSEC_PER_MSEC,
	     outer.longest_run_ns / (double)NSEC_PER_MSEC,
	     wd_sysctl_get("bpf_watchdog_budget_us"));
	CHECK(ctl->inner_full == 4 && !inner.terminations,
	      "the inner one did all in %llu of %llu runs", ctl->inner_full,
	      ctl->inner_started);
	CHECK(ctl->steps == 4 && !outer.terminations && !outer.overruns,
	      "ended after %llu of 4 updates: %llu overruns", ctl->steps,
	      outer.overruns);
}

/* ctl->n for a run of this time. */
static void calibrate(uint64_t ns)
{
	uint64_t took;

	wd_disable();
	ctl->n = 1 << 16;
	do {
		ctl->n *= 2;
		took = run(skel->progs.waited_for);
	} while (took < 20 * NSEC_PER_MSEC && ctl->n < 1 << 22);
	ctl->n = ctl->n * (double)ns / took;
	if (ctl->n > 1 << 23)
		ctl->n = 1 << 23;
	ctl->full = 0;
}

/* User space asked for it and waits: it has 1 s by default; others have 10 ms. */
static void waited_for(void)
{
	struct bpf_prog_info info;
	uint64_t took;

	load();
	calibrate(60 * NSEC_PER_MSEC);
	wd_reset();
	CHECK(wd_sysctl_get("bpf_watchdog_budget_user_us") == 1000000,
	      "the default is %lld us",
	      wd_sysctl_get("bpf_watchdog_budget_user_us"));
	wd_sysctl_set("bpf_watchdog", "1");
	took = run(skel->progs.waited_for);
	info = prog_info(fd_of(skel->progs.waited_for));
	CHECK(ctl->full == 1 && !info.terminations,
	      "a run of %.1f ms was ended", took / (double)NSEC_PER_MSEC);
	/* The same turns where others wait. */
	REQUIRE(bpf_program__attach(skel->progs.passed_by), "passed_by: %m");
	syscall(SYS_getpgid, 0);
	info = prog_info(fd_of(skel->progs.passed_by));
	CHECK(info.terminations == 1 && ctl->full == 1,
	      "on a hook: %llu terminations", info.terminations);
	/* It is a budget nevertheless. */
	wd_sysctl_set("bpf_watchdog_budget_user_us", "10000");
	ctl->full = 0;
	run(skel->progs.waited_for);
	info = prog_info(fd_of(skel->progs.waited_for));
	CHECK(info.terminations == 1 && !ctl->full,
	      "with 10 ms: %llu terminations", info.terminations);
}

/* The same for BPF_PROG_TEST_RUN of any other type. */
static void test_run(void)
{
	uint64_t took;
	int fd;

	load();
	calibrate(60 * NSEC_PER_MSEC);
	wd_reset();
	wd_sysctl_set("bpf_watchdog", "1");
	fd = fd_of(skel->progs.tested);
	took = prog_run_packets(fd, 1);
	CHECK(ctl->full == 1 && !prog_info(fd).terminations,
	      "a run of %.1f ms was ended", took / (double)NSEC_PER_MSEC);
	wd_sysctl_set("bpf_watchdog_budget_user_us", "10000");
	ctl->full = 0;
	prog_run_packets(fd, 1);
	CHECK(prog_info(fd).terminations == 1 && !ctl->full,
	      "with 10 ms: %llu terminations", prog_info(fd).terminations);
}

/*
 * An interrupt of user mode runs on the stack of the task, and the softirqs behind it do.
 * Their time is that of the programs in them all the same.
 */
static void softirq(void)
{
	struct bpf_prog_info info;
	uint64_t until;

	load();
	/* Nobody waits for it, though its program is one of those: it has no second. */
	wd_reset();
	wd_sysctl_set("bpf_watchdog", "1");
	ctl->n = 1 << 23;
	ctl->m = 1000;
	run(skel->progs.softirq);
	shared->stall_since = now_ns();
	for (until = now_ns() + NSEC_PER_SEC;
	     !ctl->started && now_ns() < until;)
		;
	shared->stall_since = 0;
	info = prog_info(fd_of(skel->progs.softirq));
	CHECK(ctl->started == 1 && info.terminations == 1,
	      "of %llu callbacks %llu were ended", ctl->started,
	      info.terminations);
	CHECK(info.longest_run_ns < 500 * NSEC_PER_MSEC, "after %.1f ms",
	      info.longest_run_ns / (double)NSEC_PER_MSEC);
}

/* How long one packet that is sent to lo takes, and all that is sent for it. */
static uint64_t send_packet(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(9),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), mark = getpid();
	uint64_t start;

	REQUIRE(fd >= 0, "socket: %m");
	REQUIRE(!setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)),
		"SO_MARK: %m");
	start = now_ns();
	shared->stall_since = start;
	sendto(fd, "x", 1, 0, (void *)&to, sizeof(to));
	shared->stall_since = 0;
	close(fd);
	return now_ns() - start;
}

/*
 * A program that sends what it is called for again is called for that as well, several levels
 * deep. Each run of the innermost levels is short.
 */
static void sends(void)
{
	LIBBPF_OPTS(bpf_tcx_opts, opts);
	struct bpf_prog_info info;
	uint64_t off, on, started;

	wd_disable();
	load();
	REQUIRE(bpf_program__attach_tcx(skel->progs.sends, 1, &opts),
		"tcx/egress of lo: %m");
	for (ctl->m = 2; (off = send_packet()) < 300 * NSEC_PER_MSEC; ctl->m++)
		REQUIRE(ctl->m < 16, "%llu times: %llu ns", ctl->m,
			(unsigned long long)off);
	started = ctl->started;
	wd_enable(10000);
	ctl->started = 0;
	on = send_packet();
	info = prog_info(fd_of(skel->progs.sends));
	diag("%llu times: %llu runs, %.1f ms without the watchdog, %llu and %.1f ms with it",
	     ctl->m, (unsigned long long)started, off / (double)NSEC_PER_MSEC,
	     ctl->started, on / (double)NSEC_PER_MSEC);
	CHECK(info.terminations, "no run was ended");
	CHECK(on < off / 2, "%.1f ms", on / (double)NSEC_PER_MSEC);
}

/* A helper looks into the packet, and has another program do that, which is short. */
static void hashes(void)
{
	LIBBPF_OPTS(bpf_tcx_opts, opts);
	int netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	struct bpf_prog_info outer, inner;
	uint64_t off, on;

	wd_disable();
	load();
	REQUIRE(bpf_program__attach_netns(skel->progs.dissects, netns),
		"flow dissector: %m");
	close(netns);
	REQUIRE(bpf_program__attach_tcx(skel->progs.hashes, 1, &opts),
		"tcx/egress of lo: %m");
	ctl->m = 1000;
	for (ctl->n = 64; (off = send_packet()) < 300 * NSEC_PER_MSEC;)
		REQUIRE((ctl->n *= 2) < 1 << 20, "%llu ns",
			(unsigned long long)off);
	wd_enable(10000);
	ctl->steps = 0;
	on = send_packet();
	outer = prog_info(fd_of(skel->progs.hashes));
	inner = prog_info(fd_of(skel->progs.dissects));
	diag("%llu of %llu looks, %.1f ms without the watchdog, %.1f ms with it",
	     ctl->steps, ctl->n, off / (double)NSEC_PER_MSEC,
	     on / (double)NSEC_PER_MSEC);
	CHECK(outer.terminations == 1, "%llu ends", outer.terminations);
	CHECK(!inner.terminations, "%llu ends of the one that looks",
	      inner.terminations);
	CHECK(on < off / 2, "%.1f ms", on / (double)NSEC_PER_MSEC);
}

static const struct test tests[] = {
	{ "nested", "what runs inside a program's helper is not its time",
	  nested, NEEDS_WATCHDOG },
	{ "test_run",
	  "what BPF_PROG_TEST_RUN runs has the budget of what user space waits for",
	  test_run, NEEDS_WATCHDOG },
	{ "hashes",
	  "what looks into a packet for a helper of a program is its time",
	  hashes, NEEDS_WATCHDOG },
	{ "sends", "what runs on packets that a program sends is its time",
	  sends, NEEDS_WATCHDOG },
	{ "softirq", "a softirq on the stack of a task has a time of its own",
	  softirq, NEEDS_WATCHDOG },
	{ "waited_for",
	  "a test run has the budget of what user space waits for", waited_for,
	  NEEDS_WATCHDOG },
};

const struct suite suite_charged = {
	.name = "charged",
	.tests = tests,
	.nr_tests = ARRAY_SIZE(tests),
};
