// SPDX-License-Identifier: GPL-2.0
/* What a policy says of programs that take long to stop, or do not stop at all. */
#include "traffic/policy_ways.h"

#define LO 1

static int tcx(const char *prog)
{
	return bpf_prog_attach_opts(way_fd(prog), LO, BPF_TCX_INGRESS, NULL);
}

static void tcx_off(const char *prog)
{
	int err = bpf_prog_detach_opts(way_fd(prog), LO, BPF_TCX_INGRESS, NULL);

	CHECK(!err, "detach %s: %s", prog, strerror(-err));
}

/* With a way out that is not taken: it must not hang the machine if it runs. */
static void open_all(void)
{
	static const char *const names[] = { "p_tc", "p_tc_long", "p_tc_open",
					     "p_tc_endless" };

	policy_cost_model(TICK_NS);
	ways_open(names, ARRAY_SIZE(names));
	ways->data_ctl->ctl.brake = 1;
	ways_load();
}

/* How long it takes to stop, as the kernel says, and no longer than it takes at all. */
static __u64 stop_of(const char *prog)
{
	struct bpf_prog_info info = prog_info(way_fd(prog));
	__u64 worst = info.estimate_worst_ns, stop = info.stop_bound_ns;

	return info.terminable < BPF_TERMINABLE_NO_CLASSIC && stop < worst ?
		       stop :
		       worst;
}

static struct bpf_policy_rule *limit(struct policy *p, __u32 kind, __u64 ns)
{
	struct bpf_policy_rule *r =
		kind == BPF_POLICY_DEFAULTS ?
			&p->rules[0] :
			policy_rule(p, kind, 0,
				    kind == BPF_POLICY_HOOK ? "tcx/*" :
							      "tcx/ingress/*");

	r->flags |= BPF_POLICY_F_STOP;
	r->max_stop_ns = ns;
	r->nr_match = kind == BPF_POLICY_GRAPH;
	return r;
}

/* By a rule of each kind: 1 ns less than it takes, and just right. */
static void max_stop(void)
{
	static const char *const progs[] = { "p_tc", "p_tc_long", "p_tc_open" };
	static const __u32 kinds[] = { BPF_POLICY_DEFAULTS, BPF_POLICY_HOOK,
				       BPF_POLICY_GRAPH };
	struct bpf_policy_denial d;
	struct policy *p;
	__u64 seq, stop;
	__u32 rule;
	int err;

	open_all();
	for (size_t i = 0; i < ARRAY_SIZE(progs); i++) {
		stop = stop_of(progs[i]);
		REQUIRE(stop && stop != ~0ULL, "%s: stops within %llu ns",
			progs[i], stop);
		for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
			rule = kinds[k] != BPF_POLICY_DEFAULTS;
			p = policy_new(BPF_POLICY_ENFORCE);
			p->rules[0].action = BPF_POLICY_ALLOW;
			limit(p, kinds[k], stop - 1);
			policy_use(p);
			seq = policy_seq();
			err = tcx(progs[i]);
			CHECK(err == -EACCES, "%s, kind %u: 1 ns too much: %s",
			      progs[i], kinds[k], strerror(-err));
			CHECK(policy_denial(seq, &d) && d.denied == 1 &&
				      d.reason == BPF_POLICY_OVER_STOP &&
				      d.there_ns == stop &&
				      d.limit_ns == stop - 1 && d.rule == rule,
			      "%s, kind %u: reason %u: %llu > %llu, rule %u",
			      progs[i], kinds[k], d.reason, d.there_ns,
			      d.limit_ns, d.rule);
			p->rules[rule].max_stop_ns++;
			policy_use(p);
			err = tcx(progs[i]);
			CHECK(!err, "%s, kind %u: just right: %s", progs[i],
			      kinds[k], strerror(-err));
			tcx_off(progs[i]);
		}
	}
}

/* It is no sum: what others take does not count. */
static void no_sum(void)
{
	struct policy *p = policy_new(BPF_POLICY_ENFORCE);
	int err;

	open_all();
	limit(p, BPF_POLICY_HOOK, stop_of("p_tc"));
	limit(p, BPF_POLICY_GRAPH, stop_of("p_tc_long"));
	p->rules[1].max_stop_ns = stop_of("p_tc_long");
	policy_use(p);
	err = tcx("p_tc");
	CHECK(!err, "the first one: %s", strerror(-err));
	err = tcx("p_tc_long");
	CHECK(!err, "the second one: %s", strerror(-err));
}

/* What takes the place of the defaults, and what comes besides. */
static void whose_limit(void)
{
	static const struct {
		bool hook; /* its rule has a limit */
		bool hook_low, graph_low, defaults_low;
		int err;
	} rows[] = {
		{ false, false, false, true, -EACCES },
		{ true, false, false, true, 0 },
		{ true, true, false, false, -EACCES },
		{ true, false, true, false, -EACCES },
		{ false, false, false, false, 0 },
	};
	struct bpf_policy_rule *r;
	struct policy *p;
	__u64 stop;
	int err;

	open_all();
	stop = stop_of("p_tc");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		p = policy_new(BPF_POLICY_ENFORCE);
		limit(p, BPF_POLICY_DEFAULTS, stop - rows[i].defaults_low);
		r = policy_rule(p, BPF_POLICY_HOOK, 0, "tcx/*");
		if (rows[i].hook) {
			r->flags = BPF_POLICY_F_STOP;
			r->max_stop_ns = stop - rows[i].hook_low;
		}
		limit(p, BPF_POLICY_GRAPH, stop - rows[i].graph_low);
		policy_use(p);
		err = tcx("p_tc");
		CHECK(err == rows[i].err, "row %zu: %s", i, strerror(-err));
		if (!err)
			tcx_off("p_tc");
	}
}

/* A rule that only warns, and a policy that only watches. */
static void stop_warns(void)
{
	static const __u32 modes[] = { BPF_POLICY_ENFORCE, BPF_POLICY_MONITOR };
	struct bpf_policy_denial d;
	struct policy *p;
	__u64 seq;
	int err;

	open_all();
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		p = policy_new(modes[i]);
		limit(p, BPF_POLICY_HOOK, 0);
		if (modes[i] == BPF_POLICY_ENFORCE)
			p->rules[1].action = BPF_POLICY_WARN;
		policy_use(p);
		seq = policy_seq();
		err = tcx("p_tc");
		CHECK(!err && policy_denial(seq, &d) && !d.denied &&
			      d.reason == BPF_POLICY_OVER_STOP,
		      "mode %u: %s, denied %u, reason %u", modes[i],
		      strerror(-err), d.denied, d.reason);
		tcx_off("p_tc");
	}
}

/* No bound: what the defaults and the rule of the hook say, with a limit and without. */
static void unbounded(void)
{
	enum { NONE = -1, DEFAULTS, HOOK };
	enum { OWN = BPF_POLICY_F_UNBOUNDED, LATENCY = BPF_POLICY_F_LATENCY };
	static const struct {
		const char *prog;
		__u32 defaults, flags, hook, on_exceed;
		int err, told; /* the rule that tells of it */
	} rows[] = {
		/* 0: nothing is said: it may, but for what cannot be ended */
		{ "p_tc_open", BPF_POLICY_AUTO, 0, 0, 0, 0, DEFAULTS },
		{ "p_tc_endless", BPF_POLICY_AUTO, 0, 0, 0, -EACCES, DEFAULTS },
		/* 2: with a limit it is over */
		{ "p_tc_open", BPF_POLICY_AUTO, LATENCY, 0, 0, -EACCES, HOOK },
		{ "p_tc_endless", BPF_POLICY_AUTO, LATENCY, 0, BPF_POLICY_WARN,
		  -EACCES, DEFAULTS },
		{ "p_tc_open", BPF_POLICY_AUTO, LATENCY, 0, BPF_POLICY_WARN, 0,
		  HOOK },
		/* 5: the defaults say it */
		{ "p_tc_endless", BPF_POLICY_DENY, 0, 0, 0, -EACCES, DEFAULTS },
		{ "p_tc_endless", BPF_POLICY_WARN, 0, 0, 0, 0, DEFAULTS },
		{ "p_tc_endless", BPF_POLICY_ALLOW, 0, 0, 0, 0, NONE },
		{ "p_tc_endless", BPF_POLICY_ALLOW, LATENCY, 0, 0, 0, NONE },
		{ "p_tc_open", BPF_POLICY_WARN, LATENCY, 0, 0, 0, DEFAULTS },
		{ "p_tc_open", BPF_POLICY_DENY, LATENCY, 0, 0, -EACCES,
		  DEFAULTS },
		/* 11: the rule says it */
		{ "p_tc_endless", BPF_POLICY_AUTO, OWN, BPF_POLICY_ALLOW, 0, 0,
		  NONE },
		{ "p_tc_endless", BPF_POLICY_DENY, OWN | LATENCY,
		  BPF_POLICY_ALLOW, 0, 0, NONE },
		{ "p_tc_endless", BPF_POLICY_DENY, OWN | LATENCY,
		  BPF_POLICY_WARN, 0, 0, HOOK },
		{ "p_tc_open", BPF_POLICY_ALLOW, OWN, BPF_POLICY_DENY, 0,
		  -EACCES, HOOK },
		{ "p_tc_open", BPF_POLICY_ALLOW, OWN, BPF_POLICY_DENY,
		  BPF_POLICY_WARN, -EACCES, HOOK },
		/* 16: one that has a bound is none of their business */
		{ "p_tc", BPF_POLICY_DENY, OWN | LATENCY, BPF_POLICY_DENY, 0, 0,
		  NONE },
	};
	struct bpf_policy_denial d;
	struct bpf_prog_info info;
	struct bpf_policy_rule *r;
	struct policy *p;
	bool told;
	__u64 seq;
	int err;

	open_all();
	info = prog_info(way_fd("p_tc_endless"));
	REQUIRE(info.terminable == BPF_TERMINABLE_NO_ENDLESS &&
			info.estimate_worst_ns == ~0ULL,
		"endless: terminable %u, worst %llu", info.terminable,
		info.estimate_worst_ns);
	info = prog_info(way_fd("p_tc_open"));
	REQUIRE(info.terminable < BPF_TERMINABLE_NO_CLASSIC &&
			info.estimate_worst_ns == ~0ULL,
		"open: terminable %u, worst %llu", info.terminable,
		info.estimate_worst_ns);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		p = policy_new(BPF_POLICY_ENFORCE);
		p->rules[0].action = rows[i].defaults;
		r = policy_rule(p, BPF_POLICY_HOOK, rows[i].flags, "tcx/*");
		r->unbounded = rows[i].hook;
		r->action = rows[i].on_exceed;
		if (r->flags & LATENCY)
			r->max_latency_ns = 1000000;
		policy_use(p);
		seq = policy_seq();
		err = tcx(rows[i].prog);
		CHECK(err == rows[i].err, "row %zu: %s", i, strerror(-err));
		told = policy_denial(seq, &d);
		CHECK(told == (rows[i].told != NONE), "row %zu: told %d", i,
		      told);
		CHECK(!told || (d.reason == BPF_POLICY_UNBOUNDED &&
				d.denied == (err == -EACCES) &&
				d.rule == (__u32)rows[i].told &&
				d.worst_ns == ~0ULL),
		      "row %zu: reason %u, denied %u, rule %u", i, d.reason,
		      d.denied, d.rule);
		if (!err)
			tcx_off(rows[i].prog);
	}
}

/* What cannot be ended has no stop bound, whoever allows what has no bound. */
static void never_stops(void)
{
	struct bpf_policy_denial d;
	struct policy *p;
	__u64 seq;
	int err;

	open_all();
	p = policy_new(BPF_POLICY_ENFORCE);
	p->rules[0].action = BPF_POLICY_ALLOW;
	limit(p, BPF_POLICY_HOOK, ~0ULL - 1);
	policy_use(p);
	seq = policy_seq();
	err = tcx("p_tc_endless");
	CHECK(err == -EACCES && policy_denial(seq, &d) &&
		      d.reason == BPF_POLICY_OVER_STOP && d.there_ns == ~0ULL &&
		      d.terminable == BPF_TERMINABLE_NO_ENDLESS,
	      "%s: reason %u, %llu ns, terminable %u", strerror(-err), d.reason,
	      d.there_ns, d.terminable);
	err = tcx("p_tc_open");
	CHECK(!err, "one that stops: %s", strerror(-err));
}

/* What was attached before is told of, marked, and detached if the policy says so. */
static void existing(void)
{
	static const char *const progs[] = { "p_tc", "p_tc_endless" };
	const struct bpf_policy_charge *c;
	struct bpf_policy_denial d;
	struct policy *p;
	__u64 seq;
	__u32 nr;
	int err;

	open_all();
	for (size_t i = 0; i < ARRAY_SIZE(progs); i++) {
		bool endless = i == 1;

		policy_unload();
		err = tcx(progs[i]);
		REQUIRE(!err, "%s: %s", progs[i], strerror(-err));
		p = policy_new(BPF_POLICY_ENFORCE);
		p->rules[0].flags = BPF_POLICY_F_WARN_EXISTING;
		p->rules[0].action = BPF_POLICY_AUTO;
		if (!endless)
			limit(p, BPF_POLICY_HOOK, stop_of(progs[i]) - 1);
		seq = policy_seq();
		policy_use(p);
		CHECK(policy_denial(seq, &d) && !d.denied && !d.pid &&
			      d.reason == (endless ? BPF_POLICY_UNBOUNDED :
						     BPF_POLICY_OVER_STOP),
		      "%s: not told of: reason %u", progs[i], d.reason);
		c = policy_charges(&nr);
		CHECK(nr == 1 && c->flags == BPF_POLICY_CHARGE_OVER,
		      "%s: %u charges, flags %u", progs[i], nr, c->flags);
		p->rules[0].flags |= BPF_POLICY_F_DETACH_EXISTING;
		seq = policy_seq();
		policy_use(p);
		policy_charges(&nr);
		CHECK(!nr && policy_denial(seq, &d) && d.denied == 2,
		      "%s: %u charges after the policy, denied %u", progs[i],
		      nr, d.denied);
		if (nr)
			tcx_off(progs[i]);
	}
}

static const struct test tests[] = {
	{ "max_stop", "how long a program takes to stop is limited", max_stop,
	  NEEDS_WATCHDOG },
	{ "no_sum", "each program is limited by itself", no_sum,
	  NEEDS_WATCHDOG },
	{ "whose_limit", "a hook's rule instead of the defaults, and graphs",
	  whose_limit, NEEDS_WATCHDOG },
	{ "stop_warns", "a limit that only warns", stop_warns, NEEDS_WATCHDOG },
	{ "unbounded", "what has no bound, with limits and permissions",
	  unbounded, NEEDS_WATCHDOG },
	{ "never_stops", "what cannot be ended is above each limit",
	  never_stops, NEEDS_WATCHDOG },
	{ "existing", "what is attached before is told of, or detached",
	  existing, NEEDS_WATCHDOG },
};

const struct suite suite_policy_stop = {
	.name = "policy_stop",
	.tests = tests,
	.nr_tests = ARRAY_SIZE(tests),
};
