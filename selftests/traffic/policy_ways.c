// SPDX-License-Identifier: GPL-2.0
#include "traffic/policy_ways.h"

#define HOOK_BUDGET 30000000ULL
#define PROG_BUDGET 20000000ULL

/* Where the rules of a way are. Graphs are the last ones. */
enum { DEFAULTS, HOOK, EXEMPT, GRAPH };

struct policy_progs *ways;
static struct bpf_program *way_prog;
static struct bpf_link *way_link;

int way_keep(struct bpf_link *link)
{
	if (!link)
		return -errno;
	way_link = link;
	return 0;
}

int way_attach(struct bpf_program *prog)
{
	return way_keep(bpf_program__attach(prog));
}

void way_unlink(void)
{
	int err = bpf_link__destroy(way_link);

	CHECK(!err, "detach: %s", strerror(-err));
	way_link = NULL;
}

static int way_link_fd;

int way_link_create(struct bpf_program *prog, int target,
		    enum bpf_attach_type type)
{
	way_link_fd =
		bpf_link_create(bpf_program__fd(prog), target, type, NULL);
	return way_link_fd < 0 ? way_link_fd : 0;
}

void way_close(void)
{
	close(way_link_fd);
}

static __u32 nr_charges(void)
{
	__u32 nr;

	policy_charges(&nr);
	return nr;
}

static bool so_many_charged(void *nr)
{
	return nr_charges() == *(__u32 *)nr;
}

void way_wait_free(void)
{
	__u32 none = 0;

	wait_until(so_many_charged, &none, 10 * NSEC_PER_SEC);
}

int way_fd(const char *prog)
{
	return bpf_program__fd(
		bpf_object__find_program_by_name(ways->obj, prog));
}

int way_pin(struct bpf_program *prog)
{
	unlink(WAY_PIN);
	return bpf_program__pin(prog, WAY_PIN);
}

int way_command(struct bpf_program *prog, const char *cmd)
{
	char out[500];
	int status, err = way_pin(prog);

	REQUIRE(!err, "pin: %s", strerror(-err));
	status = run_command(out, sizeof(out), "%s 2>&1", cmd);
	unlink(WAY_PIN);
	if (!status)
		return 0;
	/* EACCES, or the reason from the extended acknowledgment. */
	if (strstr(out, "Permission denied") ||
	    strstr(out, "BPF runtime policy: rule "))
		return -EACCES;
	diag("%s: %s", cmd, out);
	return -EINVAL;
}

void ways_open(const char *const *names, size_t nr)
{
	struct bpf_program *prog;
	struct bpf_map *map;
	size_t i;

	way_wait_free(); /* what the test before has left behind */
	ways = policy_progs__open();
	REQUIRE(ways, "open: %m");
	bpf_object__for_each_program(prog, ways->obj)
		bpf_program__set_autoload(prog, false);
	for (i = 0; i < nr; i++)
		bpf_program__set_autoload(
			bpf_object__find_program_by_name(ways->obj, names[i]),
			true);
	bpf_object__for_each_map(map, ways->obj)
		if (bpf_map__type(map) == BPF_MAP_TYPE_STRUCT_OPS)
			bpf_map__set_autocreate(map, false);
}

void ways_load(void)
{
	int err = policy_progs__load(ways);

	REQUIRE(!err, "load: %s", strerror(-err));
}

static bool way_gone; /* detached by the policy */

void way_detached(int err)
{
	CHECK(err == (way_gone ? -ENOENT : 0), "detach: %s", strerror(-err));
}

void way_existing(const char *rule, const char *hook, int prog_fd, __u32 hooks,
		  enum way_end end)
{
	struct bpf_prog_info info;
	struct bpf_policy_denial d;
	__u64 seq = policy_seq();
	__u32 n;

	policy_forbid_existing(rule);
	info = prog_info(prog_fd);
	n = policy_charged(info.id, NULL);
	CHECK(n == (end == WAY_DETACHED ? 0 : hooks), "charged %u times", n);
	CHECK(info.quarantined == (end == WAY_QUARANTINED), "quarantined %u",
	      info.quarantined);
	if (CHECK(policy_denial(seq, &d), "nothing was told of it")) {
		CHECK(!hook || !strcmp(d.hook, hook), "hook %s, want %s",
		      d.hook, hook);
		CHECK(d.denied == (end == WAY_STAYS ? 0 : 2), "denied %u",
		      d.denied);
		CHECK(d.prog_id == info.id && !d.pid && d.rule == 1 &&
			      d.reason == BPF_POLICY_OVER_PROGRAMS &&
			      d.there_ns == (hook ? 0 : hooks - 1) &&
			      !d.limit_ns,
		      "program %u, pid %u, rule %u, reason %u, %llu there, "
		      "limit %llu",
		      d.prog_id, d.pid, d.rule, d.reason, d.there_ns,
		      d.limit_ns);
	}
	policy_unload();
	if (info.quarantined)
		wd_command(prog_fd, BPF_WD_RELEASE, 0);
}

/* --- A way, by all rules --------------------------------------------------------------------- */

static void way_open(const struct way *w)
{
	const char *names[1 + ARRAY_SIZE(w->also)] = { w->prog };
	size_t nr = 1;

	while (nr <= ARRAY_SIZE(w->also) && w->also[nr - 1]) {
		names[nr] = w->also[nr - 1];
		nr++;
	}
	ways_open(names, nr);
	way_prog = bpf_object__find_program_by_name(ways->obj, w->prog);
	if (w->prepare)
		w->prepare(way_prog);
	ways_load();
}

/* For good is until it is freed. */
static void way_free(void)
{
	policy_progs__destroy(ways);
	way_wait_free();
	CHECK(!nr_charges(), "charged though it is gone");
}

static __u32 way_id(void)
{
	return prog_info(bpf_program__fd(way_prog)).id;
}

/* The function that the hook is in, false: none. */
static bool function_of(const char *hook, char *func, size_t size)
{
	static const char *const kinds[] = { "kprobe/", "kretprobe/", "fentry/",
					     "fexit/",	"fmod_ret/",  "lsm" };
	const char *name = strchr(hook, '/');
	size_t i;

	for (i = 0; name && i < ARRAY_SIZE(kinds); i++) {
		if (strncmp(hook, kinds[i], strlen(kinds[i])))
			continue;
		snprintf(func, size, "%s%.*s",
			 strncmp(hook, "lsm", 3) ? "" : "bpf_lsm_",
			 (int)strcspn(name + 1, "+"), name + 1);
		return true;
	}
	return false;
}

static void add_graph(struct policy *p, const char *member, __u64 sum)
{
	struct bpf_policy_rule *r =
		policy_rule(p, BPF_POLICY_GRAPH, BPF_POLICY_F_LATENCY, member);

	r->nr_match = 1;
	r->max_latency_ns = sum;
}

/* One that allows it, and by no rule anything more: by hook, family and function. */
static struct policy *fitting(const struct way *w)
{
	struct policy *p = policy_new(BPF_POLICY_ENFORCE);
	const char *place = w->rule ?: w->hook;
	const char *slash = strrchr(place, '/');
	__u32 in_place = w->in_place ?: 1;
	struct bpf_policy_rule *r;
	char name[200];

	r = policy_rule(p, BPF_POLICY_HOOK,
			BPF_POLICY_F_LATENCY | BPF_POLICY_F_PROGRAMS |
				BPF_POLICY_F_BUDGET,
			place);
	r->max_latency_ns = TICK_NS * in_place;
	r->max_programs = in_place;
	r->budget_ns = HOOK_BUDGET;
	policy_rule(p, BPF_POLICY_EXEMPT, BPF_POLICY_F_EXEMPT_ATTACH,
		    "another");
	add_graph(p, place, TICK_NS * in_place);
	if (slash) {
		snprintf(name, sizeof(name), "%.*s/*", (int)(slash - place),
			 place);
		add_graph(p, name, TICK_NS * (w->in_family ?: w->hooks ?: 1));
	}
	if (function_of(place, name, sizeof(name)))
		add_graph(p, name, TICK_NS * (w->in_function ?: 1));
	return p;
}

static void check_denial(const struct way *w, const struct policy *p, __u64 seq,
			 __u32 rule, __u32 reason, __u32 denied)
{
	const struct bpf_policy_rule *r = &p->rules[rule];
	__u64 limit = reason == BPF_POLICY_OVER_LATENCY ? r->max_latency_ns : 0;
	struct bpf_policy_denial d;

	if (!CHECK(policy_denial(seq, &d), "rule %u: nothing was told of it",
		   rule))
		return;
	CHECK(d.rule == rule && d.line == r->line &&
		      !strcmp(d.rule_name, p->strings + r->name_off) &&
		      !strcmp(d.file, "test.yaml"),
	      "rule %u %s, %s:%u, want %u", d.rule, d.rule_name, d.file, d.line,
	      rule);
	CHECK(d.denied == denied && d.reason == reason && d.limit_ns == limit,
	      "rule %u: denied %u, reason %u, limit %llu", rule, d.denied,
	      d.reason, d.limit_ns);
	CHECK((d.pid == (__u32)getpid()) == !w->by_command, "pid %u", d.pid);
	/* Which of many hooks is the first, or the one too many? */
	if (w->in_place || (w->hooks && rule != HOOK && rule != GRAPH))
		return;
	CHECK(!strcmp(d.hook, w->hook) && !d.there_ns,
	      "hook %s, want %s, %llu there", d.hook, w->hook, d.there_ns);
	CHECK(d.prog_id == way_id() &&
		      !strncmp(d.prog_name, w->prog, strlen(w->prog)),
	      "program %u %s", d.prog_id, d.prog_name);
}

static void denied(const struct way *w, struct policy *p, __u32 rule,
		   __u32 reason)
{
	libbpf_print_fn_t print = libbpf_set_print(NULL); /* no surprise */
	__u32 nr = nr_charges();
	__u64 seq;
	int err;

	policy_use(p);
	seq = policy_seq();
	err = w->attach(way_prog);
	libbpf_set_print(print);
	CHECK(err == -EACCES, "rule %u, reason %u: denied: %s", rule, reason,
	      strerror(-err));
	if (!err)
		w->detach();
	/* Of several programs, some may have been charged, and are freed. */
	if (w->for_good)
		wait_until(so_many_charged, &nr, 10 * NSEC_PER_SEC);
	CHECK(nr_charges() == nr, "rule %u: charged though it was denied",
	      rule);
	check_denial(w, p, seq, rule, reason, 1);
}

/* Until detached(). budget: that it has then, 0: whatever it is. */
static void allowed(const struct way *w, const char *what, __u64 budget)
{
	__u32 n, hooks = w->hooks ?: 1;
	struct bpf_prog_info info;
	int err = w->attach(way_prog);

	REQUIRE(!err, "%s: %s", what, strerror(-err));
	n = policy_charged(way_id(), w->hook);
	CHECK(n == 1, "%s: charged to %s %u times", what, w->hook, n);
	n = nr_charges();
	CHECK(n == hooks, "%s: %u charges, not %u", what, n, hooks);
	info = prog_info(bpf_program__fd(way_prog));
	CHECK(!budget || info.watchdog_effective_budget_ns == budget,
	      "%s: budget %llu", what, info.watchdog_effective_budget_ns);
}

static void detached(const struct way *w)
{
	__u32 n;

	w->detach();
	n = nr_charges();
	CHECK(n == (w->for_good ? w->hooks ?: 1 : 0),
	      "%u charges after it was detached", n);
	if (!w->once)
		return;
	way_free();
	way_open(w);
}

static void by_limits(const struct way *w)
{
	struct policy *p = fitting(w);
	__u32 i;

	p->rules[HOOK].max_programs = 0;
	denied(w, p, HOOK, BPF_POLICY_OVER_PROGRAMS);
	p->rules[HOOK].max_programs = w->in_place ?: 1;
	p->rules[HOOK].max_latency_ns--;
	denied(w, p, HOOK, BPF_POLICY_OVER_LATENCY);
	p->rules[HOOK].max_latency_ns++;
	for (i = GRAPH; i < p->nr; i++) {
		p->rules[i].max_latency_ns--;
		denied(w, p, i, BPF_POLICY_OVER_LATENCY);
		p->rules[i].max_latency_ns++;
	}
	policy_use(p);
	allowed(w, "within all limits", HOOK_BUDGET);
	detached(w);
}

/* Denied, but for the exemption or the mode; and with a budget of its own. */
static void by_exemption(const struct way *w)
{
	struct policy *p = fitting(w);
	struct bpf_policy_denial d;
	__u64 seq;

	p->rules[HOOK].max_programs = 0;
	p->rules[EXEMPT].match_off = policy_string(p, w->prog);
	policy_rule(p, BPF_POLICY_PROGRAM, BPF_POLICY_F_BUDGET, w->prog)
		->budget_ns = PROG_BUDGET;
	policy_use(p);
	seq = policy_seq();
	allowed(w, "exempt", PROG_BUDGET);
	CHECK(!policy_denial(seq, &d), "exempt, but told of");
	detached(w);

	p = fitting(w);
	p->rules[DEFAULTS].mode = BPF_POLICY_MONITOR;
	p->rules[HOOK].max_programs = 0;
	policy_use(p);
	seq = policy_seq();
	allowed(w, "monitored", HOOK_BUDGET);
	check_denial(w, p, seq, HOOK, BPF_POLICY_OVER_PROGRAMS, 0);
	detached(w);
}

/* The same program, without a bound. */
static void by_bound(const struct way *w)
{
	struct policy *p;

	policy_cost_model(~0ULL);
	way_open(w);
	p = fitting(w);
	denied(w, p, DEFAULTS, BPF_POLICY_UNBOUNDED);
	p->rules[DEFAULTS].action = BPF_POLICY_ALLOW;
	policy_use(p);
	allowed(w, "without a bound", HOOK_BUDGET);
	w->detach();
	way_free();
}

/* It is attached. */
static void by_existing(const struct way *w)
{
	enum way_end end = w->for_good && !w->end ? WAY_QUARANTINED : w->end;

	/* Of the hooks of a way, others may have programs of their own. */
	way_existing(w->rule ?: w->hook, w->in_place ? NULL : w->hook,
		     bpf_program__fd(way_prog), policy_charged(way_id(), NULL),
		     end);
	way_gone = end == WAY_DETACHED;
}

void way_run(const struct way *w)
{
	int err;

	policy_cost_model(TICK_NS);
	way_open(w);
	by_limits(w);
	by_exemption(w);
	err = policy_unload();
	CHECK(!err, "unload: %s", strerror(-err));
	allowed(w, "without a policy", 0);
	by_existing(w);
	w->detach();
	way_gone = false;
	way_free();
	by_bound(w);
}
