// SPDX-License-Identifier: GPL-2.0
/* What others read: bpftool, fdinfo, perf, trace-cmd, the kernel log. */
#include <fcntl.h>
#include "traffic/repro.h"

static char text[1 << 20];

static const char *runner_path(void)
{
	static char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	REQUIRE(n > 0, "/proc/self/exe: %m");
	return path;
}

static const char *bpftool(void)
{
	const char *path = built_file("BPFTOOL", "bpftool");

	if (access(path, X_OK))
		skip("no bpftool at %s; set BPFTOOL", path);
	return path;
}

static struct run *ended_once(void)
{
	const struct suite *suite;
	const struct repro *r = repro_find("loop_inlined", &suite);
	struct run *run;
	int err;

	trace_start();
	wd_enable(BUDGET_US);
	run = repro_open(suite, r, 0);
	repro_attach(run);
	err = wd_command(repro_fd(run), BPF_WD_SET_BUDGET, 7 * NSEC_PER_MSEC);
	REQUIRE(!err, "SET_BUDGET: %s", strerror(-err));
	repro_stall_for_ever(run);
	repro_trigger(run);
	CHECK(prog_info(repro_fd(run)).terminations == 1, "not ended");
	return run;
}

/* key, colon or tab, value: in JSON, in fdinfo. */
static void has_field(const char *where, const char *fmt, const char *key,
		      unsigned long long value)
{
	char want[100];

	snprintf(want, sizeof(want), fmt, key, value);
	CHECK(strstr(text, want), "%s: no '%s'", where, want);
}

static void check_fields(struct run *run, const char *where, const char *fmt)
{
	struct bpf_prog_info info = prog_info(repro_fd(run));

	has_field(where, fmt, "watchdog_budget_ns", info.watchdog_budget_ns);
	has_field(where, fmt, "overruns", 1);
	has_field(where, fmt, "terminations", 1);
	has_field(where, fmt, "last_termination_ns", info.last_termination_ns);
	has_field(where, fmt, "longest_run_ns", info.longest_run_ns);
	has_field(where, fmt, "fast_path_bytes", info.fast_path_bytes);
	has_field(where, fmt, "sampled_runs", info.sampled_runs);
	has_field(where, fmt, "p99_run_ns", info.p99_run_ns);
}

static void bpftool_json(void)
{
	struct run *run = ended_once();
	int rc = run_command(text, sizeof(text), "%s -j prog show id %u",
			     bpftool(), repro_id(run));

	CHECK(!rc, "bpftool: status %#x", rc);
	check_fields(run, "bpftool -j", "\"%s\":%llu");
	CHECK(strstr(text, "\"terminable\":"), "bpftool -j: no terminable");
}

static void bpftool_plain(void)
{
	struct run *run = ended_once();
	int rc = run_command(text, sizeof(text), "%s prog show id %u",
			     bpftool(), repro_id(run));

	CHECK(!rc, "bpftool: status %#x", rc);
	CHECK(strstr(text, "loop_inlined"), "bpftool: no name");
	CHECK(strstr(text, "overruns") && strstr(text, "terminations"),
	      "bpftool: no counters: %s", text);
}

static void fdinfo(void)
{
	struct run *run = ended_once();
	struct bpf_prog_info info = prog_info(repro_fd(run));
	char path[100];
	int err;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", repro_fd(run));
	err = file_read(path, text, sizeof(text));
	REQUIRE(!err, "%s: %s", path, strerror(-err));
	check_fields(run, "fdinfo", "%s:\t%llu\n");
	has_field("fdinfo", "%s:\t%llu\n", "terminable", info.terminable);
	has_field("fdinfo", "%s:\t%llu\n", "quarantined", 0);
}

/* What was read of the report; it may be printed while it is read. */
struct report {
	bool first, at, stack;
};

/* The messages since; true if the report is complete, with where and the stack. */
static bool log_has_report(int fd, __u32 id, struct report *r)
{
	char record[8192], want[100];
	ssize_t n;

	snprintf(want, sizeof(want),
		 "bpf_watchdog: ended prog %u loop_inlined ", id);
	while ((n = read(fd, record, sizeof(record) - 1)) > 0 ||
	       (n < 0 && errno == EPIPE)) {
		record[n < 0 ? 0 : n] = 0;
		if (strstr(record, want) && strstr(record, "reason budget"))
			r->first = true;
		else if (r->first &&
			 strstr(record, "bpf_watchdog:   at bpf_prog_"))
			r->at = true;
		else if (r->first &&
			 strstr(record, "bpf_watchdog:     bpf_prog_") &&
			 strstr(record, "_loop_inlined+"))
			r->stack = true;
	}
	return r->first && r->at && r->stack;
}

/* Reports are rate limited: those of earlier tests may have used up the first seconds. */
static void kernel_log(void)
{
	uint64_t deadline = now_ns() + 15 * NSEC_PER_SEC;
	struct report report = {};
	struct run *run;
	int fd;

	fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	REQUIRE(fd >= 0, "/dev/kmsg: %m");
	lseek(fd, 0, SEEK_END);
	run = ended_once();
	while (!log_has_report(fd, repro_id(run), &report) && !nr_failures &&
	       now_ns() < deadline)
		repro_trigger(run);
	CHECK(report.first, "the kernel log has no report of prog %u",
	      repro_id(run));
	CHECK(!report.first || report.at, "a report that does not say where");
	CHECK(!report.first || report.stack,
	      "a report without the frame of the program");
	close(fd);
}

/* The events while another process of ours runs a reproducer. */
static void recorded_by(const char *record, const char *report)
{
	int rc;

	wd_enable(BUDGET_US);
	rc = run_command(text, sizeof(text), "%s %s --repro loop_inlined 2>&1",
			 record, runner_path());
	CHECK(!rc, "%s: status %#x: %s", record, rc, text);
	CHECK(strstr(text, "terminations 0 -> 1"), "the reproducer says: %s",
	      text);
	rc = run_command(text, sizeof(text), "%s 2>&1", report);
	CHECK(!rc, "%s: status %#x: %s", report, rc, text);
	CHECK(strstr(text, "terminate") && strstr(text, "name=loop_inlined") &&
		      strstr(text, "reason=budget") &&
		      strstr(text, "budget_ns=10000000"),
	      "%s shows no termination:\n%s", report, text);
	CHECK(strstr(text, "overrun"), "%s shows no overrun:\n%s", report,
	      text);
}

static void perf(void)
{
	if (system("command -v perf >/dev/null"))
		skip("no perf here; package linux-perf");
	recorded_by(
		"perf record -q -a -e 'bpf_watchdog:*' -o /tmp/bpfwd.perf --",
		"perf script -i /tmp/bpfwd.perf");
}

static void trace_cmd(void)
{
	if (system("command -v trace-cmd >/dev/null"))
		skip("no trace-cmd here; package trace-cmd");
	recorded_by(
		"cd /tmp && trace-cmd record -q -e bpf_watchdog -o /tmp/bpfwd.dat --",
		"trace-cmd report -i /tmp/bpfwd.dat");
}

static const struct test tests[] = {
	{ "bpftool_json",
	  "bpftool -j prog show has all fields, by the names of the kernel",
	  bpftool_json, NEEDS_WATCHDOG },
	{ "bpftool_plain", "bpftool prog show has the counters", bpftool_plain,
	  NEEDS_WATCHDOG },
	{ "fdinfo", "fdinfo has all fields, by the names of the kernel", fdinfo,
	  NEEDS_WATCHDOG },
	{ "kernel_log",
	  "the kernel log has a report with source line and stack", kernel_log,
	  NEEDS_WATCHDOG },
	{ "perf", "perf records and prints the tracepoints", perf,
	  NEEDS_WATCHDOG },
	{ "trace_cmd", "trace-cmd records and prints the tracepoints",
	  trace_cmd, NEEDS_WATCHDOG },
};

const struct suite suite_reports = {
	.name = "reports",
	.tests = tests,
	.nr_tests = ARRAY_SIZE(tests),
};
