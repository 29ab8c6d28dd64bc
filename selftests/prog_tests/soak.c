// SPDX-License-Identifier: GPL-2.0
/*
 * Many terminations: nothing grows and nothing becomes slower. BPFWD_SOAK says how
 * many; scripts/soak.sh makes it 1,000,000.
 */
#include <sys/wait.h>
#include "harness/test_util.h"
#include "soak.skel.h"

/* Of each round, these are ended by the trigger, and these by the timer. */
#define TRIGGERED 900
#define TIMED 100
#define ROUND (TRIGGERED + TIMED)
/* The trigger goes through the calls of the program. */
#define CALLS 10
/* Whatever the number of terminations: less than the smallest object for each. */
#define MAX_GROWTH_KB 256
#define MAX_SLOWDOWN 1.5
/* How long another load of the host may last, in rounds. */
#define MAX_MORE_ROUNDS 300

/* What the kernel says of its memory, in KB. */
static const char *const figures[] = { "Slab", "Percpu", "VmallocUsed",
				       "KernelStack", "PageTables" };
#define NR_FIGURES (ARRAY_SIZE(figures) + 1) /* and executable memory */

struct memory {
	long kb[NR_FIGURES];
};

static long executable_kb(void)
{
	char line[300];
	long bytes, sum = 0;
	FILE *f = fopen("/proc/vmallocinfo", "re");

	REQUIRE(f, "/proc/vmallocinfo: %m");
	while (fgets(line, sizeof(line), f))
		if ((strstr(line, "execmem") || strstr(line, "bpf")) &&
		    sscanf(line, "%*s %ld", &bytes) == 1)
			sum += bytes;
	fclose(f);
	return sum / 1024;
}

static struct memory memory(void)
{
	struct memory m = {};
	char text[8192], *p;
	size_t i;
	int err;

	/* What is freed after a grace period, and what is only kept. */
	usleep(300000);
	file_write("/proc/sys/vm/drop_caches", "3");
	err = file_read("/proc/meminfo", text, sizeof(text));
	REQUIRE(!err, "/proc/meminfo: %s", strerror(-err));
	for (i = 0; i < ARRAY_SIZE(figures); i++) {
		p = strstr(text, figures[i]);
		REQUIRE(p, "no %s in /proc/meminfo", figures[i]);
		m.kb[i] = atol(p + strlen(figures[i]) + 1);
	}
	m.kb[i] = executable_kb();
	return m;
}

static struct soak *skel;
static struct ring_buffer *rb;

static int on_record(void *ctx, void *data, size_t size)
{
	return 0;
}

static void set_budget(__u64 ns)
{
	int err = wd_command(bpf_program__fd(skel->progs.soak),
			     BPF_WD_SET_BUDGET, ns);

	REQUIRE(!err, "SET_BUDGET: %s", strerror(-err));
}

/* The time of one termination, ns. */
static double end(__u64 at_call, unsigned int times)
{
	static const char data[64] = { [12] = 0x08 };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = data,
		    .data_size_in = sizeof(data), .repeat = times);
	int fd = bpf_program__fd(skel->progs.soak), err;
	struct ring *ring = ring_buffer__ring(rb, 0);
	__u64 before = prog_info(fd).terminations, n;
	uint64_t start, took;

	err = wd_end_at(fd, at_call);
	REQUIRE(!err, "end at %llu: %s", at_call, strerror(-err));
	shared->stall_since = now_ns();
	start = now_ns();
	err = bpf_prog_test_run_opts(fd, &opts);
	took = now_ns() - start;
	shared->stall_since = 0;
	REQUIRE(!err, "test run: %s", strerror(-err));
	n = prog_info(fd).terminations - before;
	REQUIRE(n == times, "%llu of %u were ended", n, times);
	ring_buffer__consume(rb);
	REQUIRE(ring__consumer_pos(ring) == ring__producer_pos(ring),
		"a record was not given back");
	return (double)took / times;
}

/* One call after the other, so that all rounds are alike. Returns its cost, ns. */
static double one_round(void)
{
	double ns = 0;
	__u64 call;

	set_budget(1000 * NSEC_PER_SEC);
	for (call = 1; call <= CALLS; call++)
		ns += end(call, TRIGGERED / CALLS);
	set_budget(100 * NSEC_PER_USEC);
	end(1ULL << 40, TIMED); /* never reached */
	return ns / CALLS;
}

static double least(const double *cost, unsigned long n)
{
	double min = cost[0];

	while (n--)
		if (cost[n] < min)
			min = cost[n];
	return min;
}

static void terminations(void)
{
	unsigned long rounds = env_number("BPFWD_SOAK", 20000) / ROUND;
	unsigned long tenth = rounds / 10, more = 0, i;
	struct memory before, after;
	struct health healthy;
	struct bpf_prog_info info;
	double *cost, first, last, ns;
	uint64_t start;
	int err;

	REQUIRE(rounds >= 20, "BPFWD_SOAK: at least %d", 20 * ROUND);
	cost = calloc(rounds, sizeof(*cost));
	REQUIRE(cost, "no memory");
	trace_start();
	wd_enable(1000000000);
	err = wd_sysctl_set("bpf_watchdog_period_us", "100");
	REQUIRE(!err, "period: %s", strerror(-err));
	skel = soak__open_and_load();
	REQUIRE(skel, "soak: %m");
	rb = ring_buffer__new(bpf_map__fd(skel->maps.soak_rb), on_record, NULL,
			      NULL);
	REQUIRE(rb, "ring buffer: %m");
	skel->data_ctl->ctl.pid = getpid();
	skel->data_ctl->ctl.n = 1 << 23;
	skel->data_ctl->ctl.m = 100;
	/* What is allocated once. */
	one_round();
	healthy = health();
	before = memory();

	start = now_ns();
	for (i = 0; i < rounds; i++) {
		cost[i] = one_round();
		/* The longest of these runs are hours: say that it lives. */
		if (i % 100 == 99)
			diag("%lu terminations, %.0f s", (i + 1) * ROUND,
			     (now_ns() - start) / (double)NSEC_PER_SEC);
	}
	/*
	 * What has become slower by its terminations stays so, and more of them
	 * make it worse; what another load of the host takes comes to an end.
	 */
	first = least(cost, tenth);
	last = least(cost + rounds - tenth, tenth);
	while (last > first * MAX_SLOWDOWN && more < MAX_MORE_ROUNDS) {
		ns = one_round();
		if (ns < last)
			last = ns;
		more++;
	}
	rounds += more;
	err = wd_end_at(bpf_program__fd(skel->progs.soak), 0);
	CHECK(!err, "end at 0: %s", strerror(-err));

	info = prog_info(bpf_program__fd(skel->progs.soak));
	CHECK(info.terminations == (rounds + 1) * ROUND, "%llu terminations",
	      info.terminations);
	CHECK(skel->data_ctl->ctl.started == info.terminations &&
		      skel->data_ctl->ctl.finished == info.terminations,
	      "%llu started, %llu finished", skel->data_ctl->ctl.started,
	      skel->data_ctl->ctl.finished);
	after = memory();
	for (i = 0; i < NR_FIGURES; i++) {
		const char *name = i < ARRAY_SIZE(figures) ? figures[i] :
							     "executable";

		diag("%-12s %8ld KB -> %8ld KB", name, before.kb[i],
		     after.kb[i]);
		CHECK(after.kb[i] - before.kb[i] <= MAX_GROWTH_KB,
		      "%s has grown by %ld KB", name,
		      after.kb[i] - before.kb[i]);
	}
	diag("%lu terminations in %.0f s; one by the trigger takes %.1f us in the "
	     "first tenth, %.1f us in the last (%lu rounds more)",
	     rounds * ROUND, (now_ns() - start) / (double)NSEC_PER_SEC,
	     first / 1000, last / 1000, more);
	CHECK(last <= first * MAX_SLOWDOWN, "it became slower");
	check_health(&healthy, true);
	canary();
}

static const struct test tests[] = {
	{ "terminations",
	  "20,000 terminations (BPFWD_SOAK): memory does not grow, nor does their cost",
	  terminations, NEEDS_WATCHDOG | NEEDS_TEST_TRIGGER },
};

const struct suite suite_soak = {
	.name = "soak",
	.elf = soak__elf_bytes,
	.tests = tests,
	.nr_tests = ARRAY_SIZE(tests),
};
