// SPDX-License-Identifier: GPL-2.0
/*
 * Bounds with what tail calls run, and policies by them. Nothing takes time but the ticks of
 * the programs, TICK_NS each, which are counted when they run: so the bounds are exact, and
 * so is the comparison with what they took, on any machine.
 */
#include "harness/policy.h"
#include "estimate_tail.skel.h"

#define HOOK "tcx/ingress/lo"
#define LO 1
#define CALLS 33 /* tail calls of an invocation, at most */
#define NONE (~0ULL)

static struct estimate_tail *skel;

static void load(void)
{
	policy_cost_model(TICK_NS);
	skel = estimate_tail__open_and_load();
	REQUIRE(skel, "cannot load the programs: %m");
}

static int put(struct bpf_map *map, __u32 key, const struct bpf_program *prog)
{
	__u32 fd = bpf_program__fd(prog);

	return bpf_map_update_elem(bpf_map__fd(map), &key, &fd, BPF_ANY) ?
		       -errno :
		       0;
}

static void must_put(struct bpf_map *map, __u32 key,
		     const struct bpf_program *prog)
{
	int err = put(map, key, prog);

	REQUIRE(!err, "put %s: %s", bpf_program__name(prog), strerror(-err));
}

static void take(struct bpf_map *map, __u32 key)
{
	CHECK(!bpf_map_delete_elem(bpf_map__fd(map), &key), "take %u: %m", key);
}

static __u64 tail_ns(const struct bpf_program *prog)
{
	return prog_info(bpf_program__fd(prog)).estimate_tail_ns;
}

/* Its bound, in ticks. */
#define BOUND(prog, n)                                    \
	CHECK(tail_ns(skel->progs.prog) == (n) * TICK_NS, \
	      #prog ": %lld ns, %llu ticks expected",     \
	      (long long)tail_ns(skel->progs.prog), (unsigned long long)(n))

/* How many ticks does a run take? None takes more than its bound. */
static __u64 run(const struct bpf_program *prog)
{
	static char packet[64];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet,
		    .data_size_in = sizeof(packet));
	__u64 bound = tail_ns(prog);
	int err;

	skel->bss->ticks = 0;
	err = bpf_prog_test_run_opts(bpf_program__fd(prog), &opts);
	CHECK(!err, "run %s: %s", bpf_program__name(prog), strerror(-err));
	CHECK(skel->bss->ticks * TICK_NS <= bound,
	      "%s took %llu ticks, its bound is %lld ns",
	      bpf_program__name(prog), skel->bss->ticks, (long long)bound);
	return skel->bss->ticks;
}

#define TOOK(prog, n)                                                          \
	do {                                                                   \
		__u64 ticks_ = run(skel->progs.prog);                          \
                                                                               \
		CHECK(ticks_ == (n), #prog " took %llu ticks, not %u", ticks_, \
		      (unsigned int)(n));                                      \
	} while (0)

/* --- Bounds ---------------------------------------------------------------------------------- */

/* What has no tail calls, and arrays that are empty. */
static void own(void)
{
	struct bpf_prog_info info;

	load();
	BOUND(leaf, 1);
	BOUND(loops, 100);
	BOUND(first, 1);
	TOOK(first, 1);
	BOUND(falls, 2);
	TOOK(falls, 2);
	BOUND(from_sub, 3);
	TOOK(from_sub, 3);
	info = prog_info(bpf_program__fd(skel->progs.first));
	CHECK(info.estimate_worst_ns == NONE &&
		      info.estimate_reason == BPF_ESTIMATE_TAIL_CALL,
	      "the other bound: %llu, reason %u", info.estimate_worst_ns,
	      info.estimate_reason);
}

/* As the arrays change, so do the bounds. */
static void chain(void)
{
	load();
	must_put(skel->maps.one, 0, skel->progs.second);
	BOUND(first, 3);
	TOOK(first, 3);
	must_put(skel->maps.two, 0, skel->progs.leaf);
	BOUND(first, 4);
	TOOK(first, 4);
	must_put(skel->maps.two, 0, skel->progs.leaf3);
	BOUND(first, 6);
	TOOK(first, 6);
	BOUND(second, 5);
	take(skel->maps.two, 0);
	BOUND(first, 3);
	BOUND(second, 2);
	TOOK(first, 3);
	must_put(skel->maps.one, 0, skel->progs.loops);
	BOUND(first, 101);
	TOOK(first, 101);
	take(skel->maps.one, 0);
	BOUND(first, 1);
}

/* 33 tail calls, and no more. */
static void deep(void)
{
	load();
	must_put(skel->maps.one, 0, skel->progs.self);
	BOUND(self, 1 + CALLS);
	TOOK(self, 1 + CALLS);
	BOUND(first, 1 + CALLS);
	TOOK(first, 1 + CALLS);

	/* It is the last one that is the longest. */
	must_put(skel->maps.one, 1, skel->progs.leaf3);
	BOUND(self, 1 + CALLS - 1 + 3);
	TOOK(self, 1 + CALLS);

	/* first and second in turn, the longer one at both ends. */
	take(skel->maps.one, 1);
	must_put(skel->maps.one, 0, skel->progs.second);
	must_put(skel->maps.two, 0, skel->progs.first);
	BOUND(second, 2 * 17 + 17);
	TOOK(second, 2 * 17 + 17);
	BOUND(first, 2 * 17 + 17);
	TOOK(first, 2 * 17 + 17);
}

/* Which entry, or which array, is known only when it runs. */
static void choices(void)
{
	load();
	must_put(skel->maps.one, 5, skel->progs.leaf);
	must_put(skel->maps.one, 6, skel->progs.leaf3);
	must_put(skel->maps.two, 0, skel->progs.loops);
	BOUND(any, 4);
	for (__u32 i = 0; i < 10; i++) {
		skel->bss->choice = i;
		run(skel->progs.any);
	}
	skel->bss->choice = 6;
	TOOK(any, 4);

	BOUND(either, 101);
	TOOK(either, 101);
	skel->bss->choice = 0;
	TOOK(either, 1);
	take(skel->maps.two, 0);
	BOUND(either, 4);

	/* The second call of it is reached if the first one fails. */
	must_put(skel->maps.two, 0, skel->progs.leaf3);
	BOUND(falls, 5);
	TOOK(falls, 4);
}

/* Where the caller goes on, each of 33 calls may run the longest program. */
static void subprograms(void)
{
	load();
	must_put(skel->maps.one, 0, skel->progs.leaf3);
	BOUND(from_sub, 3 + CALLS * 3);
	TOOK(from_sub, 3 + 3 * 3);
	BOUND(from_global, 1 + CALLS * 3);
	TOOK(from_global, 1 + 2 * 3);

	/* Three of itself, each with three of itself, until the calls are used up. */
	must_put(skel->maps.one, 0, skel->progs.from_sub);
	BOUND(from_sub, 3 + CALLS * 3);
	TOOK(from_sub, 3 + CALLS * 3);

	/* Who calls it is subject to the same. */
	must_put(skel->maps.two, 0, skel->progs.from_sub);
	BOUND(to_sub, 1 + CALLS * 3);
	TOOK(to_sub, 1 + 3 + (CALLS - 1) * 3);
	BOUND(leaf3, 3);
}

/* A tail call from a callback, if the verifier allows it, is none that is bounded. */
static void callback(void)
{
	struct estimate_tail *s = estimate_tail__open();
	struct bpf_program *prog;

	REQUIRE(s, "open: %m");
	bpf_object__for_each_program(prog, s->obj)
		bpf_program__set_autoload(prog, prog == s->progs.from_callback);
	if (estimate_tail__load(s)) {
		estimate_tail__destroy(s);
		skip("the verifier refuses it");
	}
	CHECK(tail_ns(s->progs.from_callback) == NONE, "%llu ns",
	      tail_ns(s->progs.from_callback));
	estimate_tail__destroy(s);
}

/* One entry without a bound, at any depth. */
static void unbounded(void)
{
	struct estimate_tail *endless;

	policy_cost_model(NONE);
	endless = estimate_tail__open_and_load();
	REQUIRE(endless, "load: %m");
	load();
	must_put(skel->maps.one, 0, skel->progs.second);
	must_put(skel->maps.two, 0, skel->progs.leaf);
	must_put(skel->maps.two, 7, endless->progs.leaf);
	CHECK(tail_ns(skel->progs.first) == NONE, "first: %llu ns",
	      tail_ns(skel->progs.first));
	CHECK(tail_ns(skel->progs.either) == NONE, "either: %llu ns",
	      tail_ns(skel->progs.either));
	BOUND(leaf, 1);
	take(skel->maps.two, 7);
	BOUND(first, 4);
	CHECK(tail_ns(endless->progs.first) == NONE, "without its own: %llu ns",
	      tail_ns(endless->progs.first));
	estimate_tail__destroy(endless);
}

/* The same program in an array counts once, whatever its entries. */
static void entries(void)
{
	__u32 fd, key;
	int map;

	load();
	map = bpf_map_create(BPF_MAP_TYPE_PROG_ARRAY, "many", 4, 4, 1, NULL);
	REQUIRE(map >= 0, "map: %m");
	fd = bpf_program__fd(skel->progs.leaf3);
	for (key = 0; key < 8; key++)
		must_put(skel->maps.one, key, skel->progs.leaf3);
	BOUND(first, 4);
	for (key = 0; key < 7; key++)
		take(skel->maps.one, key);
	BOUND(first, 4);
	take(skel->maps.one, 7);
	BOUND(first, 1);
	key = 0;
	CHECK(!bpf_map_update_elem(map, &key, &fd, 0), "update: %m");
	BOUND(first, 1);
	close(map);
}

/* A program with a tail call to each of the arrays. */
static int load_caller(const int *arrays, int nr)
{
	struct bpf_insn insns[64 * 5 + 3], *i = insns;

	*i++ = (struct bpf_insn){ BPF_ALU64 | BPF_MOV | BPF_X, 6, 1, 0, 0 };
	while (nr--) {
		*i++ = (struct bpf_insn){ BPF_ALU64 | BPF_MOV | BPF_X, 1, 6 };
		*i++ = (struct bpf_insn){ BPF_LD | BPF_DW | BPF_IMM, 2,
					  BPF_PSEUDO_MAP_FD, 0, arrays[nr] };
		*i++ = (struct bpf_insn){};
		*i++ = (struct bpf_insn){ BPF_ALU64 | BPF_MOV | BPF_K, 3 };
		*i++ = (struct bpf_insn){ BPF_JMP | BPF_CALL, 0, 0, 0,
					  BPF_FUNC_tail_call };
	}
	*i++ = (struct bpf_insn){ BPF_ALU64 | BPF_MOV | BPF_K };
	*i++ = (struct bpf_insn){ BPF_JMP | BPF_EXIT };
	return bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "caller", "GPL", insns,
			     i - insns, NULL);
}

/* So many that not all are looked at: no bound is known. */
static void many(void)
{
	const struct bpf_insn nothing[] = {
		{ BPF_ALU64 | BPF_MOV | BPF_K },
		{ BPF_JMP | BPF_EXIT },
	};
	int arrays[64], caller, i, n;
	struct bpf_prog_info info;

	policy_cost_model(TICK_NS);
	for (i = 0; i < 64; i++) {
		arrays[i] = bpf_map_create(BPF_MAP_TYPE_PROG_ARRAY, "many", 4,
					   4, 128, NULL);
		REQUIRE(arrays[i] >= 0, "map: %m");
	}
	caller = load_caller(arrays, 64);
	REQUIRE(caller >= 0, "load: %s", strerror(-caller));
	for (n = 0; n < 65; n++) {
		int fd = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "nothing",
				       "GPL", nothing, ARRAY_SIZE(nothing),
				       NULL);

		REQUIRE(fd >= 0, "load: %s", strerror(-fd));
		info = prog_info(caller);
		CHECK(info.estimate_tail_ns == 0, "%d of each: %llu ns", n,
		      info.estimate_tail_ns);
		for (i = 0; i < 64; i++)
			CHECK(!bpf_map_update_elem(arrays[i], &n, &fd, 0),
			      "update: %m");
		close(fd);
	}
	info = prog_info(caller);
	CHECK(info.estimate_tail_ns == NONE, "4,160 members: %llu ns",
	      info.estimate_tail_ns);
	CHECK(!bpf_map_delete_elem(arrays[63], &(int){ 3 }), "delete: %m");
	for (i = 0; i < 64; i++)
		close(arrays[i]);
	close(caller);
}

/* So many ticks, and then a tail call to @array, if that is not -1. */
static int load_ticks(int ticks, int array)
{
	struct bpf_insn insns[20], *i = insns;

	*i++ = (struct bpf_insn){ BPF_ALU64 | BPF_MOV | BPF_X, 6, 1 };
	while (ticks--)
		*i++ = (struct bpf_insn){ BPF_JMP | BPF_CALL, 0, 0, 0,
					  BPF_FUNC_ktime_get_ns };
	if (array >= 0) {
		*i++ = (struct bpf_insn){ BPF_ALU64 | BPF_MOV | BPF_X, 1, 6 };
		*i++ = (struct bpf_insn){ BPF_LD | BPF_DW | BPF_IMM, 2,
					  BPF_PSEUDO_MAP_FD, 0, array };
		*i++ = (struct bpf_insn){};
		*i++ = (struct bpf_insn){ BPF_ALU64 | BPF_MOV | BPF_K, 3 };
		*i++ = (struct bpf_insn){ BPF_JMP | BPF_CALL, 0, 0, 0,
					  BPF_FUNC_tail_call };
	}
	*i++ = (struct bpf_insn){ BPF_ALU64 | BPF_MOV | BPF_K };
	*i++ = (struct bpf_insn){ BPF_JMP | BPF_EXIT };
	return bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "ticks", "GPL", insns,
			     i - insns, NULL);
}

/* Puts the program into the array, which keeps it. */
static void keep(int array, __u32 key, int fd)
{
	REQUIRE(fd >= 0, "load: %s", strerror(-fd));
	REQUIRE(!bpf_map_update_elem(array, &key, &fd, 0), "update: %m");
	close(fd);
}

/*
 * All of them call each other: 33 rounds over few, and a simpler bound for as many as would
 * take too long. What needs no more than a round is exact, however many there are.
 */
static void rounds(void)
{
	enum { FEW = 100, LOTS = 600 };
	int circle, leaves, first, second, n;
	__u64 ns;

	policy_cost_model(TICK_NS);
	circle = bpf_map_create(BPF_MAP_TYPE_PROG_ARRAY, "circle", 4, 4, LOTS,
				NULL);
	leaves = bpf_map_create(BPF_MAP_TYPE_PROG_ARRAY, "leaves", 4, 4, LOTS,
				NULL);
	REQUIRE(circle >= 0 && leaves >= 0, "map: %m");
	first = load_ticks(1, circle);
	second = load_ticks(1, leaves);
	REQUIRE(first >= 0 && second >= 0, "load: %m");
	keep(circle, 0, load_ticks(5, -1));
	for (n = 1; n < LOTS; n++) {
		keep(circle, n, load_ticks(1, circle));
		keep(leaves, n, load_ticks(5, -1));
		if (n != FEW && n != LOTS - 1)
			continue;
		ns = prog_info(first).estimate_tail_ns;
		CHECK(ns == (n == FEW ? CALLS + 5 : 1 + CALLS * 5) * TICK_NS,
		      "%d in a circle: %llu ns", n, ns);
		ns = prog_info(second).estimate_tail_ns;
		CHECK(ns == 6 * TICK_NS, "%d leaves: %llu ns", n, ns);
	}
	/* Whoever stands for the array may go, and the others stay in it. */
	CHECK(!bpf_map_delete_elem(circle, &(int){ 1 }), "delete: %m");
	for (n = FEW; n < LOTS; n++)
		CHECK(!bpf_map_delete_elem(circle, &n), "delete %d: %m", n);
	ns = prog_info(first).estimate_tail_ns;
	CHECK(ns == (CALLS + 5) * TICK_NS, "few again: %llu ns", ns);
	CHECK(!bpf_map_delete_elem(circle, &(int){ 0 }), "delete: %m");
	ns = prog_info(first).estimate_tail_ns;
	CHECK(ns == (CALLS + 1) * TICK_NS, "without the long one: %llu ns", ns);
	for (n = 2; n < FEW; n++)
		CHECK(!bpf_map_delete_elem(circle, &n), "delete %d: %m", n);
	ns = prog_info(first).estimate_tail_ns;
	CHECK(ns == TICK_NS, "empty: %llu ns", ns);
	close(circle);
	close(leaves);
	close(first);
	close(second);
}

/* What is in fdinfo and in the info is the same. */
static void shown(void)
{
	char path[64], text[4096];
	int n;

	load();
	must_put(skel->maps.one, 0, skel->progs.leaf3);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d",
		 bpf_program__fd(skel->progs.first));
	n = file_read(path, text, sizeof(text));
	CHECK(n >= 0 && strstr(text, "estimate_tail_ns:\t4000\n"), "%s", text);
}

/* --- Policies -------------------------------------------------------------------------------- */

/* So many ticks at the hook. */
static struct policy *limit(__u64 ticks, __u32 mode)
{
	struct policy *p = policy_new(mode);
	struct bpf_policy_rule *r;

	p->rules[0].action = BPF_POLICY_AUTO;
	p->rules[0].flags |= BPF_POLICY_F_TAIL_CALLS;
	r = policy_rule(p, BPF_POLICY_HOOK, BPF_POLICY_F_LATENCY, HOOK);
	r->max_latency_ns = ticks * TICK_NS;
	return p;
}

/* A link, or -errno. */
static int attach_as(struct bpf_program *prog, enum bpf_attach_type type)
{
	return bpf_link_create(bpf_program__fd(prog), LO, type, NULL);
}

static int must_attach(struct bpf_program *prog)
{
	int link = attach_as(prog, BPF_TCX_INGRESS);

	REQUIRE(link >= 0, "attach %s: %s", bpf_program__name(prog),
		strerror(-link));
	return link;
}

static void must_not_attach(struct bpf_program *prog)
{
	int link = attach_as(prog, BPF_TCX_INGRESS);

	CHECK(link == -EACCES, "attach %s: %s", bpf_program__name(prog),
	      link >= 0 ? "allowed" : strerror(-link));
	if (link >= 0)
		close(link);
}

#define CHARGED(ticks)                                                        \
	CHECK(policy_worst(HOOK) == (ticks) * TICK_NS, "%llu ns are charged", \
	      policy_worst(HOOK))

static void last_denial(__u64 seq, const struct bpf_program *prog,
			const char *hook, __u32 reason, bool denied)
{
	struct bpf_policy_denial d;

	if (!CHECK(policy_denial(seq, &d), "nothing was told"))
		return;
	CHECK(d.prog_id == prog_info(bpf_program__fd(prog)).id &&
		      d.reason == reason && !!d.denied == denied &&
		      !strcmp(d.hook, hook),
	      "prog %u, reason %u, denied %u, hook %s, there %llu, limit %llu",
	      d.prog_id, d.reason, d.denied, d.hook, d.there_ns, d.limit_ns);
}

/* What is in the arrays when a program is attached. */
static void attached(void)
{
	struct policy *p;

	load();
	policy_use(limit(5, BPF_POLICY_ENFORCE));
	must_put(skel->maps.one, 0, skel->progs.second);
	must_put(skel->maps.two, 0, skel->progs.leaf3);
	must_not_attach(skel->progs.first); /* 6 */
	must_put(skel->maps.two, 0, skel->progs.leaf);
	close(must_attach(skel->progs.first)); /* 4 */
	take(skel->maps.one, 0);
	close(must_attach(skel->progs.first)); /* 1 */

	/* Without the flag it is as if there was no bound. */
	p = limit(5, BPF_POLICY_ENFORCE);
	p->rules[0].flags &= ~BPF_POLICY_F_TAIL_CALLS;
	policy_use(p);
	must_not_attach(skel->progs.first);
	/* The flag is one of the defaults only. */
	p = limit(5, BPF_POLICY_ENFORCE);
	p->rules[1].flags |= BPF_POLICY_F_TAIL_CALLS;
	CHECK(policy_load(p) == -EINVAL && p->bad_rule == 1,
	      "the flag in another rule: %u", p->bad_reason);
}

/* What is put there later. */
static void updated(void)
{
	int link;
	__u32 key = 0, id = 0;
	__u64 seq;
	int err;

	load();
	policy_use(limit(5, BPF_POLICY_ENFORCE));
	link = must_attach(skel->progs.first);
	CHARGED(1);
	must_put(skel->maps.one, 0, skel->progs.leaf);
	CHARGED(2);
	must_put(skel->maps.one, 0, skel->progs.second);
	CHARGED(3);
	seq = policy_seq();
	err = put(skel->maps.two, 0, skel->progs.leaf3);
	CHECK(err == -EACCES, "3 more ticks: %s", strerror(-err));
	last_denial(seq, skel->progs.leaf3, HOOK, BPF_POLICY_OVER_LATENCY,
		    true);
	CHARGED(3);
	CHECK(bpf_map_lookup_elem(bpf_map__fd(skel->maps.two), &key, &id) ==
			      -ENOENT ||
		      errno == ENOENT,
	      "program %u is there", id);
	TOOK(first, 3);
	/* What was denied is charged nowhere. */
	CHECK(!policy_charged(prog_info(bpf_program__fd(skel->progs.leaf3)).id,
			      NULL),
	      "what was denied is charged");
	must_put(skel->maps.two, 0, skel->progs.leaf);
	CHARGED(4);
	TOOK(first, 4);
	/* Of an entry that is there, too. */
	err = put(skel->maps.two, 0, skel->progs.leaf3);
	CHECK(err == -EACCES, "3 ticks for one: %s", strerror(-err));
	TOOK(first, 4);
	err = put(skel->maps.one, 1, skel->progs.self);
	CHECK(err == -EACCES, "a cycle: %s", strerror(-err));
	CHARGED(4);

	take(skel->maps.one, 0);
	CHARGED(1);
	must_put(skel->maps.two, 0, skel->progs.leaf3);
	must_put(skel->maps.one, 3, skel->progs.leaf3);
	CHARGED(4);
	close(link);
	must_put(skel->maps.one, 0, skel->progs.loops);
}

/* Others at the hook, and others that are attached elsewhere. */
static void sums(void)
{
	int a, b;
	int err;

	load();
	policy_use(limit(6, BPF_POLICY_ENFORCE));
	a = must_attach(skel->progs.first);
	b = must_attach(skel->progs.any);
	CHARGED(2);
	must_put(skel->maps.one, 0, skel->progs.leaf);
	CHARGED(4);
	/* Each of them may take 3 more, but not both. */
	err = put(skel->maps.one, 1, skel->progs.leaf3);
	CHECK(err == -EACCES, "in both: %s", strerror(-err));
	CHARGED(4);
	/* What none of them can reach is not their business. */
	must_put(skel->maps.two, 0, skel->progs.loops);
	CHARGED(4);
	/* What goes lets others come. */
	close(b);
	must_put(skel->maps.one, 1, skel->progs.leaf3);
	CHARGED(4);
	must_not_attach(skel->progs.leaf3);
	take(skel->maps.one, 1);
	b = must_attach(skel->progs.leaf3);
	CHARGED(5);
	close(b);
	close(a);
}

/* Several hooks in a graph. */
static void graph(void)
{
	struct policy *p = policy_new(BPF_POLICY_ENFORCE);
	struct bpf_policy_rule *r;
	int err, a, b;

	load();
	p->rules[0].action = BPF_POLICY_ALLOW;
	p->rules[0].flags |= BPF_POLICY_F_TAIL_CALLS;
	r = policy_rule(p, BPF_POLICY_GRAPH, BPF_POLICY_F_LATENCY,
			"tcx/egress/lo");
	policy_string(p, HOOK);
	r->nr_match = 2;
	r->max_latency_ns = 8 * TICK_NS;
	policy_use(p);
	a = must_attach(skel->progs.first);
	b = attach_as(skel->progs.any, BPF_TCX_EGRESS);
	REQUIRE(b >= 0, "attach to the other one: %s", strerror(-b));
	must_put(skel->maps.one, 0, skel->progs.leaf3);
	err = put(skel->maps.one, 1, skel->progs.second);
	CHECK(!err, "one that is no longer: %s", strerror(-err));
	err = put(skel->maps.two, 0, skel->progs.leaf3);
	CHECK(err == -EACCES, "2 more in both: %s", strerror(-err));
	must_put(skel->maps.two, 0, skel->progs.leaf);
	close(a);
	close(b);
}

/* Told, not denied. */
static void monitored(void)
{
	int link;
	__u64 seq;

	load();
	policy_use(limit(2, BPF_POLICY_MONITOR));
	link = must_attach(skel->progs.first);
	seq = policy_seq();
	must_put(skel->maps.one, 0, skel->progs.leaf);
	CHECK(policy_seq() == seq, "2 ticks of 2 were told of");
	must_put(skel->maps.one, 0, skel->progs.leaf3);
	last_denial(seq, skel->progs.leaf3, HOOK, BPF_POLICY_OVER_LATENCY,
		    false);
	CHARGED(4);
	TOOK(first, 4);
	/* A policy that is loaded later finds it. */
	policy_use(limit(4, BPF_POLICY_ENFORCE));
	CHARGED(4);
	must_not_attach(skel->progs.leaf);
	close(link);
}

/* What has no bound. */
static void no_bound(void)
{
	struct estimate_tail *endless;
	int link;
	struct policy *p;
	__u64 seq;
	int err;

	policy_cost_model(NONE);
	endless = estimate_tail__open_and_load();
	REQUIRE(endless, "load: %m");
	load();
	p = limit(100, BPF_POLICY_ENFORCE);
	policy_use(p);
	link = must_attach(skel->progs.first);
	seq = policy_seq();
	err = put(skel->maps.one, 0, endless->progs.leaf);
	CHECK(err == -EACCES, "no bound: %s", strerror(-err));
	last_denial(seq, endless->progs.leaf, HOOK, BPF_POLICY_UNBOUNDED, true);
	CHARGED(1);
	/* Where nobody reaches it that is attached, the defaults decide. */
	must_put(skel->maps.two, 0, endless->progs.leaf);
	close(link);
	estimate_tail__destroy(endless);
}

/* The limit, which programs @named are exempt from. */
static void use_exempt(__u64 ticks, const char *named)
{
	struct policy *p = limit(ticks, BPF_POLICY_ENFORCE);

	policy_rule(p, BPF_POLICY_EXEMPT, BPF_POLICY_F_EXEMPT_ATTACH, named);
	policy_use(p);
}

/* Who is exempt is that for himself, and not for what others put into his array. */
static void exempt(void)
{
	__u64 seq;
	int link, err;

	load();
	use_exempt(5, "first");
	link = must_attach(skel->progs.first);
	must_put(skel->maps.one, 0, skel->progs.leaf3);
	CHARGED(4);
	seq = policy_seq();
	err = put(skel->maps.one, 1, skel->progs.loops);
	CHECK(err == -EACCES, "100 ticks for an exempt program: %s",
	      strerror(-err));
	last_denial(seq, skel->progs.loops, HOOK, BPF_POLICY_OVER_LATENCY,
		    true);
	CHARGED(4);
	/* Two calls away. */
	must_put(skel->maps.one, 1, skel->progs.second);
	err = put(skel->maps.two, 0, skel->progs.leaf3);
	CHECK(err == -EACCES, "by the array of another one: %s",
	      strerror(-err));
	/* One that is exempt itself; what comes behind it is not. */
	use_exempt(5, "[fl]*s*");
	must_put(skel->maps.one, 2, skel->progs.loops);
	CHARGED(101);
	err = put(skel->maps.one, 3, skel->progs.from_global);
	CHECK(err == -EACCES, "longer than that: %s", strerror(-err));
	close(link);
}

/* The same if he has no bound himself: then what they take is charged. */
static void exempt_endless(void)
{
	struct estimate_tail *endless;
	int link, other, err;
	__u64 seq;

	policy_cost_model(NONE);
	endless = estimate_tail__open_and_load();
	REQUIRE(endless, "load: %m");
	load();
	use_exempt(5, "first");
	link = must_attach(endless->progs.first);
	must_put(endless->maps.one, 0, skel->progs.leaf3);
	seq = policy_seq();
	err = put(endless->maps.one, 1, skel->progs.loops);
	CHECK(err == -EACCES, "100 ticks: %s", strerror(-err));
	last_denial(seq, skel->progs.loops, HOOK, BPF_POLICY_OVER_LATENCY,
		    true);
	seq = policy_seq();
	err = put(endless->maps.one, 1, endless->progs.leaf);
	CHECK(err == -EACCES, "no bound: %s", strerror(-err));
	last_denial(seq, endless->progs.leaf, HOOK, BPF_POLICY_UNBOUNDED, true);
	/* 3 there. */
	must_not_attach(skel->progs.leaf3);
	other = must_attach(skel->progs.leaf);
	close(other);
	take(endless->maps.one, 0);
	close(must_attach(skel->progs.leaf3));
	close(link);
	estimate_tail__destroy(endless);
}

static const struct test tests[] = {
	{ "own", "empty arrays: the bound is that of the program alone", own,
	  NEEDS_WATCHDOG },
	{ "chain", "bounds follow what is put into arrays, and taken out",
	  chain, NEEDS_WATCHDOG },
	{ "deep", "33 tail calls of a program to itself, and of two in turn",
	  deep, NEEDS_WATCHDOG },
	{ "choices", "any entry, any of two arrays, a call after another one",
	  choices, NEEDS_WATCHDOG },
	{ "subprograms",
	  "callers that go on after a tail call of their subprogram",
	  subprograms, NEEDS_WATCHDOG },
	{ "callback", "a tail call from a callback has no bound", callback,
	  NEEDS_WATCHDOG },
	{ "unbounded", "one entry without a bound, two calls away", unbounded,
	  NEEDS_WATCHDOG },
	{ "entries", "a program in many entries, and in an array of nobody",
	  entries, NEEDS_WATCHDOG },
	{ "many", "more members of arrays than are looked at", many,
	  NEEDS_WATCHDOG },
	{ "rounds", "many that call each other: exact for few of them", rounds,
	  NEEDS_WATCHDOG },
	{ "shown", "the same number in fdinfo", shown, NEEDS_WATCHDOG },
	{ "attached",
	  "a policy judges what the arrays hold when it is attached", attached,
	  NEEDS_WATCHDOG },
	{ "updated", "an update that breaks a policy is denied, and undone",
	  updated, NEEDS_WATCHDOG },
	{ "sums", "several programs that reach an array, at one hook", sums,
	  NEEDS_WATCHDOG },
	{ "graph", "and at two hooks of a graph", graph, NEEDS_WATCHDOG },
	{ "monitored", "a policy that only tells, and one that comes later",
	  monitored, NEEDS_WATCHDOG },
	{ "no_bound", "an entry without a bound is denied", no_bound,
	  NEEDS_WATCHDOG },
	{ "exempt", "what is put into the array of an exempt program", exempt,
	  NEEDS_WATCHDOG },
	{ "exempt_endless", "the same, where it has no bound itself",
	  exempt_endless, NEEDS_WATCHDOG },
};

const struct suite suite_estimate_tail = {
	.name = "estimate_tail",
	.tests = tests,
	.nr_tests = ARRAY_SIZE(tests),
};
