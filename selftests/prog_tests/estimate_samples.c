// SPDX-License-Identifier: GPL-2.0
/*
 * Bounds of programs that send samples, and policies by them: a sample takes DATA ns as long as
 * the perf events in the map ask for nothing but data, and ANY ns once one asks for more.
 */
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include "harness/policy.h"
#include "estimate_samples.skel.h"

#define HOOK "tcx/ingress/lo"
#define LO 1
#define DATA 100
#define ANY 5000
#define BYTE 2 /* each byte of data, whatever else there is */
#define SIZE (8 * BYTE)

static struct estimate_samples *skel;

static __u64 any = ANY;

/* Nothing takes time but samples. */
static void load_model(__u32 nr_samples)
{
	struct bpf_cost_entry e[2] = {};
	__u32 i;
	int err;

	for (i = 0; i < nr_samples; i++) {
		e[i].kind = BPF_COST_HELPER;
		e[i].id = BPF_FUNC_perf_event_output;
		e[i].map_type = i ? BPF_MAP_TYPE_PERF_EVENT_ARRAY : 0;
		e[i].worst = (i ? DATA : any) * 1000;
		e[i].unit_worst = BYTE * 1000;
	}
	err = policy_cost_model_of(e, nr_samples);
	REQUIRE(!err, "cost model: %s", strerror(-err));
}

static struct estimate_samples *load_more(void)
{
	struct estimate_samples *s = estimate_samples__open_and_load();

	REQUIRE(s, "cannot load the programs: %m");
	return s;
}

static int open_event(__u64 sample_type)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_BPF_OUTPUT,
		.size = sizeof(attr),
		.sample_type = PERF_SAMPLE_RAW | sample_type,
		.sample_period = 1,
		.wakeup_events = 1,
	};
	int fd;

	if (sample_type & PERF_SAMPLE_STACK_USER)
		attr.sample_stack_user = 4096;
	fd = syscall(SYS_perf_event_open, &attr, -1, 0, -1,
		     PERF_FLAG_FD_CLOEXEC);
	REQUIRE(fd >= 0, "perf_event_open: %m");
	return fd;
}

static void load(void)
{
	static int kept;

	load_model(2);
	skel = load_more();
	/* So that the kernel changes no code at each of those that follow: see trace_start(). */
	if (!kept)
		kept = open_event(0);
}

/* 0 or -errno */
static int put(struct bpf_map *map, __u32 key, __u64 sample_type)
{
	int fd = open_event(sample_type), err;

	err = bpf_map_update_elem(bpf_map__fd(map), &key, &fd, 0) ? -errno : 0;
	close(fd);
	return err;
}

static void must_put(struct bpf_map *map, __u32 key, __u64 sample_type)
{
	int err = put(map, key, sample_type);

	REQUIRE(!err, "put an event: %s", strerror(-err));
}

#define BOUND(s, prog, ns)                                           \
	do {                                                         \
		struct bpf_prog_info info_ =                         \
			prog_info(bpf_program__fd((s)->progs.prog)); \
                                                                     \
		CHECK(info_.estimate_worst_ns == (ns) &&             \
			      info_.estimate_tail_ns == (ns),        \
		      #prog ": %lld ns, %llu expected",              \
		      (long long)info_.estimate_worst_ns,            \
		      (unsigned long long)(ns));                     \
	} while (0)

/* --- Bounds ---------------------------------------------------------------------------------- */

static void data(void)
{
	load();
	BOUND(skel, once, DATA + SIZE);
	BOUND(skel, packet, DATA + SIZE + 32 * BYTE);
	BOUND(skel, unknown, ANY + SIZE);
	BOUND(skel, both, 2 * (DATA + SIZE));
	BOUND(skel, merged, DATA + SIZE + 1000 * BYTE);
	BOUND(skel, loops, 10 * (DATA + SIZE));
	BOUND(skel, none, 0);
	must_put(skel->maps.one, 0, 0);
	must_put(skel->maps.two, 3, 0);
	BOUND(skel, both, 2 * (DATA + SIZE));
	/* It need not be a sample at all. */
	must_put(skel->maps.one, 0, 0);
	BOUND(skel, once, DATA + SIZE);
}

/* A model without an entry for the map says the same of all. */
static void old_model(void)
{
	load_model(1);
	skel = load_more();
	BOUND(skel, once, ANY + SIZE);
	must_put(skel->maps.one, 0, PERF_SAMPLE_STACK_USER);
	BOUND(skel, once, ANY + SIZE);
}

static __u64 spots(const struct bpf_program *prog)
{
	struct bpf_estimate_spot spot[32] = {};
	struct bpf_prog_info info = {
		.nr_estimate_spots = ARRAY_SIZE(spot),
		.estimate_spot_rec_size = sizeof(spot[0]),
		.estimate_spots = (unsigned long)spot,
	};
	__u32 len = sizeof(info);
	__u64 sum = 0;

	CHECK(!bpf_prog_get_info_by_fd(bpf_program__fd(prog), &info, &len),
	      "spots: %m");
	for (__u32 i = 0; i < info.nr_estimate_spots; i++)
		sum += spot[i].worst_ns;
	return sum;
}

/* An event that asks for more, in any entry, also when it is gone; and who loads later. */
static void larger(void)
{
	static const __u64 types[] = { PERF_SAMPLE_STACK_USER,
				       PERF_SAMPLE_CALLCHAIN,
				       PERF_SAMPLE_TIME };
	struct estimate_samples *later;
	__u32 key = 5;

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		load();
		must_put(skel->maps.one, 0, 0);
		CHECK(spots(skel->progs.once) == DATA + SIZE, "spots: %llu ns",
		      spots(skel->progs.once));
		must_put(skel->maps.one, key, types[i]);
		BOUND(skel, once, ANY + SIZE);
		CHECK(spots(skel->progs.once) == ANY + SIZE, "spots: %llu ns",
		      spots(skel->progs.once));
		BOUND(skel, packet, ANY + SIZE + 32 * BYTE);
		BOUND(skel, both, 2 * (ANY + SIZE));
		BOUND(skel, loops, 10 * (DATA + SIZE));
		CHECK(!bpf_map_delete_elem(bpf_map__fd(skel->maps.one), &key),
		      "delete: %m");
		BOUND(skel, once, ANY + SIZE);

		later = estimate_samples__open();
		REQUIRE(later, "open: %m");
		REQUIRE(!bpf_map__reuse_fd(later->maps.one,
					   bpf_map__fd(skel->maps.one)) &&
				!estimate_samples__load(later),
			"load again: %m");
		BOUND(later, once, ANY + SIZE);
		BOUND(later, loops, 10 * (DATA + SIZE));
		estimate_samples__destroy(later);
		/* A new map is as it was. */
		estimate_samples__destroy(skel);
		load();
		BOUND(skel, once, DATA + SIZE);
		estimate_samples__destroy(skel);
	}
}

/* --- Policies -------------------------------------------------------------------------------- */

static void limit(__u64 ns, __u32 mode)
{
	struct policy *p = policy_new(mode);
	struct bpf_policy_rule *r;

	p->rules[0].action = BPF_POLICY_AUTO;
	r = policy_rule(p, BPF_POLICY_HOOK, BPF_POLICY_F_LATENCY, HOOK);
	r->max_latency_ns = ns;
	policy_use(p);
}

static int attach(const struct bpf_program *prog)
{
	return bpf_link_create(bpf_program__fd(prog), LO, BPF_TCX_INGRESS,
			       NULL);
}

static void denied(void)
{
	struct bpf_policy_denial d = {};
	__u32 key = 1, value;
	int a, b, err;
	__u64 seq;

	load();
	limit(ANY, BPF_POLICY_ENFORCE);
	a = attach(skel->progs.once);
	b = attach(skel->progs.none);
	REQUIRE(a >= 0 && b >= 0, "attach: %s, %s", strerror(-a), strerror(-b));
	CHECK(policy_worst(HOOK) == DATA + SIZE, "%llu ns are charged",
	      policy_worst(HOOK));
	must_put(skel->maps.one, 0, 0);
	seq = policy_seq();
	err = put(skel->maps.one, key, PERF_SAMPLE_STACK_USER);
	CHECK(err == -EACCES, "more than the policy allows: %s",
	      strerror(-err));
	CHECK(policy_denial(seq, &d) && d.denied &&
		      d.prog_id ==
			      prog_info(bpf_program__fd(skel->progs.once)).id &&
		      d.reason == BPF_POLICY_OVER_LATENCY &&
		      !strcmp(d.hook, HOOK),
	      "told: prog %u, reason %u, hook %s", d.prog_id, d.reason, d.hook);
	CHECK(policy_worst(HOOK) == DATA + SIZE, "%llu ns are charged",
	      policy_worst(HOOK));
	BOUND(skel, once, DATA + SIZE);
	CHECK(bpf_map_lookup_elem(bpf_map__fd(skel->maps.one), &key, &value),
	      "the event is there");
	/* What is not attached may take as long as it wants. */
	must_put(skel->maps.two, 0, PERF_SAMPLE_STACK_USER);
	BOUND(skel, loops, 10 * (ANY + SIZE));
	err = attach(skel->progs.loops);
	CHECK(err == -EACCES, "attach what takes longer: %d", err);
	close(a);
	must_put(skel->maps.one, key, PERF_SAMPLE_STACK_USER);
	BOUND(skel, once, ANY + SIZE);
	a = attach(skel->progs.once);
	CHECK(a == -EACCES, "attach it again: %d", a);
	close(b);
}

static void monitored(void)
{
	struct bpf_policy_denial d = {};
	__u64 seq;
	int a;

	load();
	limit(ANY, BPF_POLICY_MONITOR);
	a = attach(skel->progs.once);
	REQUIRE(a >= 0, "attach: %s", strerror(-a));
	seq = policy_seq();
	must_put(skel->maps.one, 0, PERF_SAMPLE_CALLCHAIN);
	CHECK(policy_denial(seq, &d) && !d.denied, "nothing was told");
	CHECK(policy_worst(HOOK) == ANY + SIZE, "%llu ns are charged",
	      policy_worst(HOOK));
	seq = policy_seq();
	must_put(skel->maps.one, 1, PERF_SAMPLE_CALLCHAIN);
	CHECK(policy_seq() == seq, "it was told again");
	close(a);
}

/* Without a policy what is attached is charged it, for one that comes later. */
static void before(void)
{
	int a;

	load();
	a = attach(skel->progs.once);
	REQUIRE(a >= 0, "attach: %s", strerror(-a));
	must_put(skel->maps.one, 0, PERF_SAMPLE_CALLCHAIN);
	limit(10 * ANY, BPF_POLICY_ENFORCE);
	CHECK(policy_worst(HOOK) == ANY + SIZE, "%llu ns are charged",
	      policy_worst(HOOK));
	close(a);
}

/* What was measured is that of samples of data. */
static void measured(void)
{
	struct policy *p = policy_new(BPF_POLICY_ENFORCE);
	struct bpf_policy_rule *r;
	int a, err;

	wd_enable(100000000);
	any = NSEC_PER_SEC;
	load();
	must_put(skel->maps.one, 0, 0);
	policy_sample(bpf_program__fd(skel->progs.once));
	p->rules[0].charge = BPF_POLICY_MEASURED;
	r = policy_rule(p, BPF_POLICY_HOOK, BPF_POLICY_F_LATENCY, HOOK);
	r->max_latency_ns = NSEC_PER_SEC;
	policy_use(p);
	a = attach(skel->progs.once);
	REQUIRE(a >= 0, "attach: %s", strerror(-a));
	err = put(skel->maps.one, 1, PERF_SAMPLE_CALLCHAIN);
	CHECK(err == -EACCES, "more than the policy allows: %s",
	      strerror(-err));
	r->max_latency_ns = 2 * NSEC_PER_SEC;
	policy_use(p);
	must_put(skel->maps.one, 1, PERF_SAMPLE_CALLCHAIN);
	CHECK(policy_worst(HOOK) == any + SIZE, "%llu ns are charged",
	      policy_worst(HOOK));
	close(a);
}

static const struct test tests[] = {
	{ "data", "samples of data, and of a part of the packet", data,
	  NEEDS_WATCHDOG },
	{ "measured", "a policy that charges what was measured", measured,
	  NEEDS_WATCHDOG },
	{ "old_model", "a model that knows one kind of samples only", old_model,
	  NEEDS_WATCHDOG },
	{ "larger",
	  "a map asks for more than data: all of its programs take longer",
	  larger, NEEDS_WATCHDOG },
	{ "denied", "a policy does not let a map ask for more", denied,
	  NEEDS_WATCHDOG },
	{ "monitored", "a policy that only tells", monitored, NEEDS_WATCHDOG },
	{ "before", "a policy that comes later", before, NEEDS_WATCHDOG },
};

const struct suite suite_estimate_samples = {
	.name = "estimate_samples",
	.tests = tests,
	.nr_tests = ARRAY_SIZE(tests),
};
