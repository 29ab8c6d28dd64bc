// SPDX-License-Identifier: GPL-2.0
/*
 * Loops that no call ends. Each program says when it is loaded that it cannot be
 * ended, or is ended within its stop bound.
 */
#include "harness/test_util.h"
#include "endless.skel.h"

/* What the emulator and other guests of the host may add to a stop. */
#define HOST_NS (1000 * NSEC_PER_MSEC)

static const char *const ended[] = {
	"by_memory",	 "by_bottom",	     "by_64_bits",
	"by_bits",	 "by_two_registers", "nested",
	"in_callback",	 "in_called",	     "in_callback_in_callback",
	"in_static",	 "in_global",	     "holds_task",
	"several_exits", "each_again",	     "each_reinserts",
	"by_lookup",
};

static const char *const endless[] = {
	"no_exit",	 "no_exit_aside", "live_after",
	"copied_before", "by_packet",	  "by_array",
};

/* Nothing but program @name is loaded. NULL: the verifier refuses it, which ends it as well. */
static struct endless *load(const char *name, struct bpf_program **found)
{
	struct endless *skel = endless__open();
	struct bpf_program *prog;
	int err;

	REQUIRE(skel, "endless: %m");
	*found = NULL;
	bpf_object__for_each_program(prog, skel->obj) {
		bool wanted = !strcmp(bpf_program__name(prog), name);

		bpf_program__set_autoload(prog, wanted);
		if (wanted)
			*found = prog;
	}
	REQUIRE(*found, "%s: no such program", name);
	err = endless__load(skel);
	if (err) {
		diag("%s: refused", name);
		endless__destroy(skel);
		return NULL;
	}
	skel->data_ctl->ctl.pid = getpid();
	return skel;
}

static void fill(struct endless *skel)
{
	int fd = bpf_map__fd(skel->maps.pair);
	__u64 a = 1, b = 2;

	REQUIRE(!bpf_map_update_elem(fd, &a, &b, 0) &&
			!bpf_map_update_elem(fd, &b, &a, 0),
		"pair: %m");
}

static bool end_one(const char *name)
{
	struct bpf_prog_info info;
	struct wd_event ev = {};
	struct bpf_program *prog;
	struct endless *skel = load(name, &prog);
	volatile struct ctl *ctl;
	uint64_t start;
	int err, fd;

	if (!skel)
		return false;
	ctl = (void *)&skel->data_ctl->ctl;
	fd = bpf_program__fd(prog);
	fill(skel);
	info = prog_info(fd);
	CHECK(info.terminable == BPF_TERMINABLE_YES, "%s: terminable %u", name,
	      info.terminable);
	CHECK(info.estimate_worst_ns == UINT64_MAX || !strcmp(name, "straight"),
	      "%s: worst %llu ns", name, info.estimate_worst_ns);
	CHECK(info.stop_bound_ns < NSEC_PER_SEC, "%s: stops within %llu ns",
	      name, info.stop_bound_ns);
	trace_clear();
	start = now_ns();
	shared->stall_since = start;
	err = prog_run(fd, NULL);
	shared->stall_since = 0;
	CHECK(!err, "%s: test run: %s", name, strerror(-err));
	CHECK(!ctl->brake, "%s: nobody ended it", name);
	CHECK(ctl->started == 1 && ctl->finished == 1,
	      "%s: %llu started, %llu finished", name, ctl->started,
	      ctl->finished);
	info = prog_info(fd);
	CHECK(info.terminations == 1, "%s: ended %llu times", name,
	      info.terminations);
	CHECK(trace_find(info.id, "terminate", &ev) == 1, "%s: no event", name);
	CHECK(ev.stop_ns >= 0 &&
		      (__u64)ev.stop_ns <= info.stop_bound_ns + HOST_NS,
	      "%s: stopped in %lld ns, bound %llu ns", name, ev.stop_ns,
	      info.stop_bound_ns);
	diag("%-24s %3llu ms, stopped in %6lld ns, bound %8llu ns, worst %llu ns",
	     name, (unsigned long long)(now_ns() - start) / NSEC_PER_MSEC,
	     ev.stop_ns, info.stop_bound_ns, info.estimate_worst_ns);
	endless__destroy(skel);
	return true;
}

static void end_all(void)
{
	struct health before;
	size_t i, nr = 0;

	trace_start();
	wd_enable(BUDGET_US);
	before = health();
	for (i = 0; i < ARRAY_SIZE(ended); i++)
		nr += end_one(ended[i]);
	CHECK(nr >= ARRAY_SIZE(ended) * 3 / 4, "only %zu of %zu are loaded", nr,
	      ARRAY_SIZE(ended));
	check_health(&before, true);
	canary();
}

/* The namespace of the first process alone has it. */
static void blind(int level)
{
	char out[200];
	int rc;

	rc = run_command(
		out, sizeof(out),
		"nsenter -t 1 -n sysctl -qw net.core.bpf_jit_harden=%d", level);
	REQUIRE(!rc, "net.core.bpf_jit_harden: %s", out);
}

static void end_all_blinded(void)
{
	blind(2);
	end_all();
	blind(0);
}

static void say_no(void)
{
	struct bpf_prog_info info;
	struct bpf_program *prog;
	struct endless *skel;
	size_t i, nr = 0;

	wd_enable(BUDGET_US);
	for (i = 0; i < ARRAY_SIZE(endless); i++) {
		skel = load(endless[i], &prog);
		/* 7.3 refuses some of them. */
		CHECK(skel || timed_may_goto(), "%s: refused", endless[i]);
		if (!skel)
			continue;
		nr++;
		info = prog_info(bpf_program__fd(prog));
		CHECK(info.terminable == BPF_TERMINABLE_NO_ENDLESS,
		      "%s: terminable %u", endless[i], info.terminable);
		CHECK(!info.fast_path_bytes, "%s: has an image", endless[i]);
		CHECK(info.estimate_worst_ns == UINT64_MAX &&
			      info.estimate_reason == BPF_ESTIMATE_CYCLE,
		      "%s: worst %llu ns, reason %u", endless[i],
		      info.estimate_worst_ns, info.estimate_reason);
		CHECK(info.stop_bound_ns == UINT64_MAX &&
			      info.stop_bound_reason == BPF_ESTIMATE_CYCLE,
		      "%s: stops within %llu ns, reason %u", endless[i],
		      info.stop_bound_ns, info.stop_bound_reason);
		endless__destroy(skel);
	}
	CHECK(nr >= ARRAY_SIZE(endless) * 3 / 4, "only %zu of %zu are loaded",
	      nr, ARRAY_SIZE(endless));
}

/* A loop over a hash whose callback may add to it has no bound. */
static void feeds(void)
{
	static const struct {
		const char *name;
		bool fed;
	} each[] = {
		{ "each_reinserts", true },
		{ "each_reinserts_global", true },
		{ "each_copies", false },
		{ "each_again", true },
	};
	struct bpf_prog_info info;
	struct bpf_program *prog;
	struct endless *skel;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(each); i++) {
		skel = load(each[i].name, &prog);
		REQUIRE(skel, "%s: refused", each[i].name);
		info = prog_info(bpf_program__fd(prog));
		CHECK((info.estimate_worst_ns == UINT64_MAX) == each[i].fed,
		      "%s: worst %llu ns", each[i].name,
		      info.estimate_worst_ns);
		if (!strncmp(each[i].name, "each_reinserts", 14))
			CHECK(info.estimate_reason == BPF_ESTIMATE_FEEDS,
			      "%s: reason %u", each[i].name,
			      info.estimate_reason);
		endless__destroy(skel);
	}
}

/* A straight line of long calls has an image, and is ended. */
static void straight(void)
{
	trace_start();
	wd_enable(1000);
	CHECK(end_one("straight"), "straight: refused");
}

/*
 * What frees a list frees all that is in it, however long that takes: it has no bound,
 * and nothing ends it on its way. What frees a timer, or cancels it, waits for its callback.
 */
static void frees(void)
{
	static const struct {
		const char *name;
		bool any;
	} frees[] = {
		{ "list_drop", true },	 { "list_delete", true },
		{ "node_drop", false },	 { "timer_cancels", true },
		{ "timer_frees", true }, { "work_frees", false },
		{ "counted_add", true }, { "leaf_add", false },
	};
	struct bpf_prog_info info;
	struct bpf_program *prog;
	struct endless *skel;
	size_t i;

	wd_enable(BUDGET_US);
	for (i = 0; i < ARRAY_SIZE(frees); i++) {
		skel = load(frees[i].name, &prog);
		REQUIRE(skel, "%s: refused", frees[i].name);
		info = prog_info(bpf_program__fd(prog));
		CHECK((info.estimate_worst_ns == UINT64_MAX) == frees[i].any,
		      "%s: worst %llu ns", frees[i].name,
		      info.estimate_worst_ns);
		CHECK((info.stop_bound_ns == UINT64_MAX) == frees[i].any,
		      "%s: stops within %llu ns", frees[i].name,
		      info.stop_bound_ns);
		CHECK((info.terminable == BPF_TERMINABLE_NOT_NEEDED) !=
			      frees[i].any,
		      "%s: terminable is %u", frees[i].name, info.terminable);
		if (frees[i].any)
			CHECK(info.stop_bound_reason == BPF_ESTIMATE_HELPER,
			      "%s: reason %u", frees[i].name,
			      info.stop_bound_reason);
		endless__destroy(skel);
	}
}

static const struct test tests[] = {
	{ "ended",
	  "loops that are left by a condition only are ended by forcing it",
	  end_all, NEEDS_WATCHDOG, 120 },
	{ "ended_blinded", "the same with constants blinded", end_all_blinded,
	  NEEDS_WATCHDOG, 120 },
	{ "say_no", "loops without an exit that may be forced say so", say_no,
	  NEEDS_WATCHDOG },
	{ "feeds", "a loop over a hash that its callback changes has no bound",
	  feeds, NEEDS_WATCHDOG },
	{ "frees", "what frees a list of any length, or a timer, has no bound",
	  frees, NEEDS_WATCHDOG },
	{ "straight", "a straight line of many long calls is ended", straight,
	  NEEDS_WATCHDOG },
};

const struct suite suite_endless = {
	.name = "endless",
	.tests = tests,
	.nr_tests = ARRAY_SIZE(tests),
};
