// SPDX-License-Identifier: GPL-2.0
/*
 * Programs in NMIs. The only NMIs that a VM has for sure are those that the
 * watchdog itself sends, to a CPU with interrupts off.
 */
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <net/if.h>
#include <sys/syscall.h>
#include "traffic/repro.h"
#include "context_nmi.skel.h"

static int run_below(struct context_nmi *skel)
{
	static const char data[64] = { [12] = 0x08 };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = data,
		    .data_size_in = sizeof(data));

	return bpf_prog_test_run_opts(bpf_program__fd(skel->progs.below_nmi),
				      &opts);
}

/*
 * The one below is ended all the same; the one in the NMI is not, as
 * documented: nothing interrupts it. Its own time is more than its budget.
 */
static void nmi(bool faults)
{
	struct health before = health();
	struct bpf_prog_info inner, outer;
	volatile struct ctl *ctl;
	struct context_nmi *skel;
	unsigned int rounds, fruitless = 0;
	uint64_t start, took;
	int err;

	wd_disable();
	skel = context_nmi__open_and_load();
	REQUIRE(skel, "context_nmi: %m");
	REQUIRE(bpf_program__attach(skel->progs.in_nmi), "nmi_handler: %m");
	ctl = (void *)&skel->data_ctl->ctl;
	ctl->refused = faults;
	ctl->m = 100;

	/* Some seconds without the watchdog: nobody could end it otherwise. */
	for (ctl->n = 16;; ctl->n *= 4) {
		start = now_ns();
		err = run_below(skel);
		REQUIRE(!err, "test run: %s", strerror(-err));
		took = now_ns() - start;
		if (took > 40 * NSEC_PER_MSEC)
			break;
	}
	ctl->n = ctl->n * (double)(4 * NSEC_PER_SEC) / took;

	/* 3 ms in each NMI, and a budget of 1 ms. */
	wd_enable(BUDGET_US);
	err = wd_command(bpf_program__fd(skel->progs.in_nmi), BPF_WD_SET_BUDGET,
			 NSEC_PER_MSEC);
	REQUIRE(!err, "SET_BUDGET: %s", strerror(-err));
	for (rounds = 0; rounds < 5 && !nr_failures; rounds++) {
		ctl->flags = 3 * PERIOD_US * NSEC_PER_USEC;
		ctl->inner_started = ctl->inner_finished = ctl->inner_full = 0;
		ctl->started = ctl->finished = 0;
		outer = prog_info(bpf_program__fd(skel->progs.below_nmi));
		ctl->armed = 1;
		start = now_ns();
		shared->stall_since = start;
		err = run_below(skel);
		took = now_ns() - start;
		shared->stall_since = 0;
		ctl->armed = 0;
		CHECK(!err, "test run: %s", strerror(-err));
		CHECK(took < NSEC_PER_SEC && !ctl->brake, "took %.1f ms",
		      took / (double)NSEC_PER_MSEC);
		CHECK(prog_info(bpf_program__fd(skel->progs.below_nmi))
				      .terminations == outer.terminations + 1,
		      "the one below was not ended");
		CHECK(ctl->finished == 1, "it finished %llu times",
		      ctl->finished);
		/*
		 * It takes more time than the other one has, and counts there as
		 * well. A busy host may use that up with fewer of them.
		 */
		if (ctl->inner_started < BUDGET_US / PERIOD_US / 3) {
			CHECK(fruitless++ < 20, "%llu NMIs only, again",
			      ctl->inner_started);
			rounds--;
		}
		CHECK(ctl->inner_finished == ctl->inner_started &&
			      ctl->inner_full == ctl->inner_started,
		      "in NMIs: %llu started, %llu did all, %llu finished",
		      ctl->inner_started, ctl->inner_full, ctl->inner_finished);
		diag("%.1f ms, %llu times in an NMI",
		     took / (double)NSEC_PER_MSEC, ctl->inner_started);
		check_health(&before, true);
	}
	inner = prog_info(bpf_program__fd(skel->progs.in_nmi));
	CHECK(inner.terminable == BPF_TERMINABLE_CONDITIONAL,
	      "terminable is %u", inner.terminable);
	CHECK(!inner.terminations, "ended %llu times", inner.terminations);
	canary();
}

static void in_nmi(void)
{
	nmi(false);
}

static void nested_nmi(void)
{
	nmi(true);
}

/* --- A program where the watchdog looks -------------------------------------------------------- */

static struct context_nmi *looks;
static unsigned long looks_skipped;

static __u64 address_of(const char *function)
{
	FILE *f = fopen("/proc/kallsyms", "r");
	unsigned long long addr = 0;
	char name[256] = "";

	while (f && strcmp(name, function) &&
	       fscanf(f, "%llx %*c %255s%*[^\n]", &addr, name) == 2)
		;
	if (f)
		fclose(f);
	return strcmp(name, function) ? 0 : addr;
}

/* On this CPU, whoever executes it. */
static int break_at(const char *function)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_BREAKPOINT,
		.size = sizeof(attr),
		.sample_period = 1,
		.bp_type = HW_BREAKPOINT_X,
		.bp_addr = address_of(function),
		.bp_len = sizeof(long),
	};

	return syscall(SYS_perf_event_open, &attr, -1, last_cpu(), -1,
		       PERF_FLAG_FD_CLOEXEC);
}

static int with_program_on_look(struct run *run)
{
	struct bpf_program *prog;
	int breakpoint, err;

	looks = context_nmi__open();
	if (!looks)
		return -errno;
	bpf_object__for_each_program(prog, looks->obj)
		bpf_program__set_autoload(prog, prog == looks->progs.on_look);
	err = context_nmi__load(looks);
	if (err)
		return err;
	breakpoint = break_at("bpf_watchdog_decide");
	if (breakpoint < 0)
		return -errno;
	/* In the skeleton, which detaches it: a CPU has few breakpoints. */
	looks->links.on_look = bpf_program__attach_perf_event(
		looks->progs.on_look, breakpoint);
	if (!looks->links.on_look)
		return -errno;
	return repro_keep(run,
			  bpf_program__attach_tcx(repro_prog(run),
						  if_nametoindex("lo"), NULL));
}

static void without_program_on_look(void)
{
	looks_skipped += prog_info(bpf_program__fd(looks->progs.on_look))
				 .recursion_misses;
	CHECK(!looks->data_ctl->ctl.inner_started,
	      "%llu programs ran while it looked",
	      looks->data_ctl->ctl.inner_started);
	context_nmi__destroy(looks);
}

/* In its NMI nobody could end it, in the timer interrupt the other CPU only. */
static void on_look(void)
{
	const struct suite *suite;
	struct repro r = *repro_find("tc_socket", &suite);

	pin_to(last_cpu());
	r.hook = ON_OWN;
	r.attach = with_program_on_look;
	r.detach = without_program_on_look;
	repro_test(suite, &r);
	CHECK(looks_skipped, "no program was skipped");
}

static const struct test tests[] = {
	{ "in_nmi",
	  "a program in an NMI runs to its end, the one below it is ended",
	  in_nmi, NEEDS_WATCHDOG | NEEDS_TWO_CPUS },
	{ "nested_nmi", "the same, while faults in the NMI let further ones in",
	  nested_nmi, NEEDS_WATCHDOG | NEEDS_TWO_CPUS },
	{ "on_look",
	  "a program on what the watchdog runs is skipped while it looks",
	  on_look, NEEDS_WATCHDOG | NEEDS_TWO_CPUS },
};

const struct suite suite_context_nmi = {
	.name = "context_nmi",
	.elf = context_nmi__elf_bytes,
	.tests = tests,
	.nr_tests = ARRAY_SIZE(tests),
};
