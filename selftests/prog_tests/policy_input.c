// SPDX-License-Identifier: GPL-2.0
/* The command BPF_RUNTIME_POLICY and bad input. */
#define _GNU_SOURCE
#include <linux/capability.h>
#include <sys/syscall.h>
#include <time.h>
#include "traffic/policy_ways.h"

static void kind_0(struct policy *p, struct bpf_policy_rule *r)
{
	r->kind = 0;
}
static void kind_high(struct policy *p, struct bpf_policy_rule *r)
{
	r->kind = BPF_POLICY_TOGETHER + 1;
}
static void flags_of_others(struct policy *p, struct bpf_policy_rule *r)
{
	r->flags = BPF_POLICY_F_EXEMPT_ATTACH;
}
static void flags_unknown(struct policy *p, struct bpf_policy_rule *r)
{
	r->flags = 1U << 31;
}
static void string_beyond(struct policy *p, struct bpf_policy_rule *r)
{
	r->name_off = p->strings_size;
}
static void file_beyond(struct policy *p, struct bpf_policy_rule *r)
{
	r->file_off = ~0U;
}
static void match_beyond(struct policy *p, struct bpf_policy_rule *r)
{
	r->match_off = p->strings_size + 1;
}
static void action_high(struct policy *p, struct bpf_policy_rule *r)
{
	r->action = BPF_POLICY_ALLOW;
}
static void no_match(struct policy *p, struct bpf_policy_rule *r)
{
	r->match_off = 0;
}
static void long_glob(struct policy *p, struct bpf_policy_rule *r)
{
	char text[300];

	memset(text, '*', sizeof(text));
	text[sizeof(text) - 1] = 0;
	r->match_off = policy_string(p, text);
}
static void no_budget(struct policy *p, struct bpf_policy_rule *r)
{
	r->flags = BPF_POLICY_F_BUDGET;
}
static void big_budget(struct policy *p, struct bpf_policy_rule *r)
{
	r->flags = BPF_POLICY_F_BUDGET;
	r->budget_ns = 1ULL << 63;
}
static void budget_without_flag(struct policy *p, struct bpf_policy_rule *r)
{
	r->budget_ns = 1;
}
static void latency_without_flag(struct policy *p, struct bpf_policy_rule *r)
{
	r->max_latency_ns = 1;
}
static void counter(struct policy *p, struct bpf_policy_rule *r)
{
	r->denied = 1;
}
static void unbounded_without_flag(struct policy *p, struct bpf_policy_rule *r)
{
	r->unbounded = 1;
}
static void unbounded_high(struct policy *p, struct bpf_policy_rule *r)
{
	r->flags = BPF_POLICY_F_UNBOUNDED;
	r->unbounded = BPF_POLICY_AUTO;
}
static void unbounded_of_defaults(struct policy *p, struct bpf_policy_rule *r)
{
	p->rules[0].flags = BPF_POLICY_F_UNBOUNDED;
}
static void action_of_defaults(struct policy *p, struct bpf_policy_rule *r)
{
	p->rules[0].action = BPF_POLICY_AUTO + 1;
}
static void stop_without_flag(struct policy *p, struct bpf_policy_rule *r)
{
	r->max_stop_ns = 1;
}
static void stop_of_program(struct policy *p, struct bpf_policy_rule *r)
{
	r->kind = BPF_POLICY_PROGRAM;
	r->flags = BPF_POLICY_F_STOP;
}
static void mode_of_hook(struct policy *p, struct bpf_policy_rule *r)
{
	r->mode = BPF_POLICY_ENFORCE;
}
static void second_defaults(struct policy *p, struct bpf_policy_rule *r)
{
	r->kind = BPF_POLICY_DEFAULTS;
	r->match_off = 0;
}
static void graph_no_limit(struct policy *p, struct bpf_policy_rule *r)
{
	r->kind = BPF_POLICY_GRAPH;
	r->nr_match = 1;
}
static void graph_empty(struct policy *p, struct bpf_policy_rule *r)
{
	r->kind = BPF_POLICY_GRAPH;
	r->flags = BPF_POLICY_F_LATENCY;
}
static void graph_order(struct policy *p, struct bpf_policy_rule *r)
{
	graph_empty(p, r);
	r->match_off = policy_string(p, "b");
	policy_string(p, "a");
	r->nr_match = 2;
}
static void graph_twice(struct policy *p, struct bpf_policy_rule *r)
{
	graph_empty(p, r);
	r->match_off = policy_string(p, "a");
	policy_string(p, "a");
	r->nr_match = 2;
}
static void graph_beyond(struct policy *p, struct bpf_policy_rule *r)
{
	graph_empty(p, r);
	r->match_off = policy_string(p, "a");
	r->nr_match = ~0U;
}
static void program_type(struct policy *p, struct bpf_policy_rule *r)
{
	r->kind = BPF_POLICY_PROGRAM;
	r->flags = BPF_POLICY_F_OVERRUN;
	r->prog_type = 1000;
}
static void program_says_nothing(struct policy *p, struct bpf_policy_rule *r)
{
	r->kind = BPF_POLICY_PROGRAM;
}
static void overrun_high(struct policy *p, struct bpf_policy_rule *r)
{
	r->kind = BPF_POLICY_PROGRAM;
	r->flags = BPF_POLICY_F_OVERRUN;
	r->on_overrun = BPF_WD_ACTION_DETACH + 1;
}
static void quarantine_0(struct policy *p, struct bpf_policy_rule *r)
{
	r->kind = BPF_POLICY_PROGRAM;
	r->flags = BPF_POLICY_F_QUARANTINE;
}
static void quarantine_window(struct policy *p, struct bpf_policy_rule *r)
{
	quarantine_0(p, r);
	r->quarantine_after = 1025;
	r->quarantine_window_ns = 1;
}
static void exempt_latency(struct policy *p, struct bpf_policy_rule *r)
{
	r->kind = BPF_POLICY_EXEMPT;
	r->flags = BPF_POLICY_F_EXEMPT_ATTACH;
	r->max_latency_ns = 1;
}
static void mode_high(struct policy *p, struct bpf_policy_rule *r)
{
	p->rules[0].mode = BPF_POLICY_ENFORCE + 1;
}
static void charge_high(struct policy *p, struct bpf_policy_rule *r)
{
	p->rules[0].charge = BPF_POLICY_MEASURED + 1;
}
static void no_defaults(struct policy *p, struct bpf_policy_rule *r)
{
	p->rules[0] = *r;
}
static void strings_begin(struct policy *p, struct bpf_policy_rule *r)
{
	p->strings[0] = 'x';
}
static void strings_end(struct policy *p, struct bpf_policy_rule *r)
{
	p->strings[p->strings_size - 1] = 'x';
}
static void strings_none(struct policy *p, struct bpf_policy_rule *r)
{
	p->strings_size = 0;
}

static const struct {
	void (*spoil)(struct policy *p, struct bpf_policy_rule *r);
	__u32 reason, rule;
} bad[] = {
	{ kind_0, BPF_POLICY_BAD_KIND, 1 },
	{ kind_high, BPF_POLICY_BAD_KIND, 1 },
	{ flags_of_others, BPF_POLICY_BAD_FLAGS, 1 },
	{ flags_unknown, BPF_POLICY_BAD_FLAGS, 1 },
	{ string_beyond, BPF_POLICY_BAD_STRING, 1 },
	{ file_beyond, BPF_POLICY_BAD_STRING, 1 },
	{ match_beyond, BPF_POLICY_BAD_STRING, 1 },
	{ action_high, BPF_POLICY_BAD_ACTION, 1 },
	{ no_match, BPF_POLICY_BAD_MATCH, 1 },
	{ long_glob, BPF_POLICY_BAD_MATCH, 1 },
	{ no_budget, BPF_POLICY_BAD_BUDGET, 1 },
	{ big_budget, BPF_POLICY_BAD_BUDGET, 1 },
	{ budget_without_flag, BPF_POLICY_UNUSED_MEMBER, 1 },
	{ latency_without_flag, BPF_POLICY_UNUSED_MEMBER, 1 },
	{ counter, BPF_POLICY_UNUSED_MEMBER, 1 },
	{ unbounded_without_flag, BPF_POLICY_UNUSED_MEMBER, 1 },
	{ unbounded_high, BPF_POLICY_BAD_ACTION, 1 },
	{ unbounded_of_defaults, BPF_POLICY_BAD_FLAGS, 0 },
	{ action_of_defaults, BPF_POLICY_BAD_ACTION, 0 },
	{ stop_without_flag, BPF_POLICY_UNUSED_MEMBER, 1 },
	{ stop_of_program, BPF_POLICY_BAD_FLAGS, 1 },
	{ mode_of_hook, BPF_POLICY_UNUSED_MEMBER, 1 },
	{ second_defaults, BPF_POLICY_DUPLICATE, 1 },
	{ graph_no_limit, BPF_POLICY_NO_LIMIT, 1 },
	{ graph_empty, BPF_POLICY_BAD_MATCH, 1 },
	{ graph_order, BPF_POLICY_BAD_MATCH, 1 },
	{ graph_twice, BPF_POLICY_BAD_MATCH, 1 },
	{ graph_beyond, BPF_POLICY_BAD_MATCH, 1 },
	{ program_type, BPF_POLICY_BAD_TYPE, 1 },
	{ program_says_nothing, BPF_POLICY_NO_LIMIT, 1 },
	{ overrun_high, BPF_POLICY_BAD_ACTION, 1 },
	{ quarantine_0, BPF_POLICY_BAD_QUARANTINE, 1 },
	{ quarantine_window, BPF_POLICY_BAD_QUARANTINE, 1 },
	{ exempt_latency, BPF_POLICY_UNUSED_MEMBER, 1 },
	{ mode_high, BPF_POLICY_BAD_MODE, 0 },
	{ charge_high, BPF_POLICY_BAD_MODE, 0 },
	{ no_defaults, BPF_POLICY_NO_DEFAULTS, 0 },
	{ strings_begin, BPF_POLICY_BAD_STRINGS, 0 },
	{ strings_end, BPF_POLICY_BAD_STRINGS, 0 },
	{ strings_none, BPF_POLICY_BAD_STRINGS, 0 },
};

/* The policy that must still be there after bad input. */
static __u64 good_generation;

static void load_good(void)
{
	struct policy *p = policy_new(BPF_POLICY_MONITOR);

	policy_rule(p, BPF_POLICY_HOOK, BPF_POLICY_F_PROGRAMS, "the/good/one");
	policy_use(p);
	good_generation = p->generation;
}

static bool still_good(void)
{
	struct policy *p = policy_new(0);

	return !policy_get(p) && p->generation == good_generation &&
	       p->nr == 2 &&
	       !strcmp(p->strings + p->rules[1].match_off, "the/good/one");
}

static void bad_rules(void)
{
	/* No family of hooks: that ends with a slash and the only star. */
	static const char *const stars[] = { "*",	"/*",	  "xdp*",
					     "xdp/l*",	"xdp/*o", "*/lo",
					     "tcx/*/*", "xdp/**" };
	struct bpf_policy_rule *r;
	struct policy *p;
	size_t i, check;
	int err;

	load_good();
	for (i = 0; i < 2 * ARRAY_SIZE(bad); i++) {
		check = i % ARRAY_SIZE(bad);
		p = policy_new(BPF_POLICY_ENFORCE);
		r = policy_rule(p, BPF_POLICY_HOOK, 0, "*");
		bad[check].spoil(p, r);
		p->flags = i < ARRAY_SIZE(bad) ? 0 : BPF_POLICY_CHECK_ONLY;
		err = policy_load(p);
		CHECK(err == -EINVAL && p->bad_reason == bad[check].reason &&
			      p->bad_rule == bad[check].rule,
		      "row %zu: %s, reason %u, rule %u", check, strerror(-err),
		      p->bad_reason, p->bad_rule);
		CHECK(still_good(), "row %zu: changed the policy", check);
	}
	for (i = 0; i < ARRAY_SIZE(stars); i++) {
		p = policy_new(BPF_POLICY_ENFORCE);
		policy_rule(p, BPF_POLICY_GRAPH, BPF_POLICY_F_LATENCY, stars[i])
			->nr_match = 1;
		err = policy_load(p);
		CHECK(err == -EINVAL && p->bad_reason == BPF_POLICY_BAD_MATCH &&
			      p->bad_rule == 1,
		      "member %s: %s, reason %u, rule %u", stars[i],
		      strerror(-err), p->bad_reason, p->bad_rule);
	}
	p = policy_new(BPF_POLICY_ENFORCE);
	for (i = 0; i <= BPF_POLICY_MAX_GRAPHS; i++) {
		r = policy_rule(p, BPF_POLICY_GRAPH, BPF_POLICY_F_LATENCY,
				"vfs_read");
		r->nr_match = 1;
	}
	err = policy_load(p);
	CHECK(err == -EINVAL && p->bad_reason == BPF_POLICY_TOO_MANY_GRAPHS &&
		      p->bad_rule == BPF_POLICY_MAX_GRAPHS + 1,
	      "%s, reason %u, rule %u", strerror(-err), p->bad_reason,
	      p->bad_rule);
	p->nr--;
	p->flags = BPF_POLICY_CHECK_ONLY;
	err = policy_load(p);
	CHECK(!err, "one less: %s, reason %u", strerror(-err), p->bad_reason);
	CHECK(still_good(), "checked only, but loaded");
}

static void fill_attr(union bpf_attr *attr, struct policy *p)
{
	memset(attr, 0, sizeof(*attr));
	attr->policy.op = BPF_POLICY_LOAD;
	attr->policy.rec_size = sizeof(p->rules[0]);
	attr->policy.nr_recs = p->nr;
	attr->policy.recs = (unsigned long)p->rules;
	attr->policy.strings = (unsigned long)p->strings;
	attr->policy.strings_size = p->strings_size;
}

static void bad_attr(void)
{
	const size_t used =
		offsetof(union bpf_attr, policy.nr_charges) + sizeof(__u32);
	struct bpf_policy_charge rec;
	struct policy *p;
	union bpf_attr attr;
	size_t i;
	int err;

#define REFUSED(want, ...)                                                   \
	do {                                                                 \
		p = policy_new(BPF_POLICY_ENFORCE);                          \
		fill_attr(&attr, p);                                         \
		__VA_ARGS__;                                                 \
		err = policy_command(&attr, sizeof(attr));                   \
		CHECK(err == -(want), "%s: %s, want %s", #__VA_ARGS__,       \
		      strerror(-err), strerror(want));                       \
		CHECK(still_good(), "%s: changed the policy", #__VA_ARGS__); \
	} while (0)

	load_good();
	REFUSED(EINVAL, attr.policy.op = 0);
	REFUSED(EINVAL, attr.policy.op = BPF_POLICY_CHARGES + 1);
	REFUSED(EINVAL, attr.policy.flags = 2);
	REFUSED(EINVAL, attr.policy.rec_size--);
	REFUSED(EINVAL, attr.policy.rec_size++);
	REFUSED(EINVAL, attr.policy.seq = 1);
	REFUSED(EINVAL, attr.policy.bad_reason = 1);
	REFUSED(EINVAL, attr.policy.bad_rule = 1);
	REFUSED(EINVAL, attr.policy.generation = 1);
	REFUSED(EINVAL, attr.policy.charges = 8);
	REFUSED(EINVAL, attr.policy.flags = BPF_POLICY_CHECK_ONLY;
		attr.policy.nr_charges = 1);
	REFUSED(EINVAL, memset(attr.policy.name, 'x', BPF_POLICY_NAME_LEN));
	REFUSED(E2BIG, attr.policy.nr_recs = BPF_POLICY_MAX_RULES + 1);
	REFUSED(E2BIG, attr.policy.nr_recs = ~0U);
	REFUSED(E2BIG, attr.policy.strings_size = BPF_POLICY_MAX_STRINGS + 1);
	REFUSED(EFAULT, attr.policy.recs = 8);
	REFUSED(EFAULT, attr.policy.strings = 8);
	REFUSED(EINVAL, attr.policy.op = BPF_POLICY_UNLOAD);
	REFUSED(EINVAL, attr.policy.op = BPF_POLICY_KEEP);
	REFUSED(EINVAL, attr.policy.op = BPF_POLICY_GET; attr.policy.flags = 1);
	REFUSED(EINVAL, attr.policy.op = BPF_POLICY_GET;
		attr.policy.revert_s = 1);
	REFUSED(EINVAL, attr.policy.op = BPF_POLICY_GET;
		attr.policy.name[0] = 'x');
	REFUSED(ENOSPC, attr.policy.op = BPF_POLICY_GET;
		attr.policy.strings_size = 2);
	REFUSED(EFAULT, attr.policy.op = BPF_POLICY_GET;
		attr.policy.nr_recs = 100; attr.policy.recs = 8;
		attr.policy.strings_size = 0);
	REFUSED(EINVAL, attr.policy.op = BPF_POLICY_CHARGES);
	REFUSED(EINVAL, attr.policy.op = BPF_POLICY_CHARGES;
		attr.policy.rec_size = sizeof(rec));

	for (i = used; i < sizeof(attr); i++)
		REFUSED(EINVAL, ((char *)&attr)[i] = 1);
	/* Shorter than all members. */
	p = policy_new(BPF_POLICY_ENFORCE);
	fill_attr(&attr, p);
	err = policy_command(&attr, used - 8);
	CHECK(err == -EINVAL, "short: %s", strerror(-err));
	CHECK(still_good(), "short: changed the policy");
}

static void no_privilege(void)
{
	struct __user_cap_header_struct hdr = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	struct __user_cap_data_struct caps[2] = {};
	union bpf_attr attr = {};
	struct policy *p;
	int err;

	load_good();
	/* All that attaching needs, but not CAP_SYS_ADMIN. */
	caps[CAP_BPF / 32].effective = caps[CAP_BPF / 32].permitted =
		1U << CAP_BPF % 32 | 1U << CAP_PERFMON % 32;
	caps[0].effective = caps[0].permitted = 1U << CAP_NET_ADMIN;
	REQUIRE(!syscall(SYS_capset, &hdr, caps), "capset: %m");
	p = policy_new(BPF_POLICY_ENFORCE);
	err = policy_load(p);
	CHECK(err == -EPERM, "load: %s", strerror(-err));
	CHECK(policy_unload() == -EPERM, "unload");
	CHECK(policy_get(p) == -EPERM, "get");
	attr.policy.op = BPF_POLICY_CHARGES;
	attr.policy.rec_size = sizeof(struct bpf_policy_charge);
	CHECK(policy_command(&attr, sizeof(attr)) == -EPERM, "charges");
}

static void read_back(void)
{
	static struct bpf_policy_rule rules[6];
	struct bpf_policy_rule *r;
	struct policy *p = policy_new(BPF_POLICY_MONITOR);
	__u32 nr, size;
	int err;

	p->rules[0].flags = BPF_POLICY_F_BUDGET | BPF_POLICY_F_OVERRUN;
	p->rules[0].budget_ns = 12345678;
	p->rules[0].on_overrun = BPF_WD_ACTION_WARN;
	p->rules[0].action = BPF_POLICY_WARN;
	r = policy_rule(p, BPF_POLICY_HOOK,
			BPF_POLICY_F_LATENCY | BPF_POLICY_F_PROGRAMS |
				BPF_POLICY_F_STOP | BPF_POLICY_F_UNBOUNDED,
			"xdp/*");
	r->max_latency_ns = 7;
	r->max_programs = 9;
	r->max_stop_ns = 11;
	r->unbounded = BPF_POLICY_ALLOW;
	r = policy_rule(p, BPF_POLICY_GRAPH,
			BPF_POLICY_F_LATENCY | BPF_POLICY_F_STOP, "vfs_read");
	r->nr_match = 1;
	r->max_latency_ns = ~0ULL;
	r = policy_rule(p, BPF_POLICY_PROGRAM, BPF_POLICY_F_QUARANTINE, "x*");
	r->quarantine_after = 3;
	r->quarantine_window_ns = 60 * NSEC_PER_SEC;
	r->prog_type = BPF_PROG_TYPE_XDP;
	r = policy_rule(p, BPF_POLICY_EXEMPT, BPF_POLICY_F_EXEMPT_BUDGET, "");
	r->until = 4102444800;
	policy_use(p);
	nr = p->nr;
	size = p->strings_size;
	memcpy(rules, p->rules, nr * sizeof(rules[0]));
	memset(p, 0, sizeof(*p));
	err = policy_get(p);
	REQUIRE(!err && p->nr == nr && p->strings_size == size,
		"get: %s, %u rules, %u bytes", strerror(-err), p->nr,
		p->strings_size);
	CHECK(!memcmp(rules, p->rules, nr * sizeof(rules[0])),
	      "the rules have changed");
	CHECK(!strcmp(p->strings + p->rules[1].match_off, "xdp/*") &&
		      !strcmp(p->strings + p->rules[3].name_off, "programs[3]"),
	      "the strings have changed");
}

/* --- Budgets --------------------------------------------------------------------------------- */

static __u64 budget_of(const char *prog)
{
	return prog_info(way_fd(prog)).watchdog_effective_budget_ns;
}

static void budgets(void)
{
	struct policy *p = policy_new(BPF_POLICY_MONITOR);
	struct bpf_policy_rule *r;
	__u64 before;
	int err;

	OPEN("p_tc", "p_stall");
	before = budget_of("p_stall");

	p->rules[0].flags = BPF_POLICY_F_BUDGET;
	p->rules[0].budget_ns = 5000000;
	r = policy_rule(p, BPF_POLICY_HOOK, BPF_POLICY_F_BUDGET, "tcx/*");
	r->budget_ns = 3000000;
	policy_use(p);
	CHECK(budget_of("p_stall") == 5000000, "defaults: %llu",
	      budget_of("p_stall"));
	CHECK(budget_of("p_tc") == 5000000, "not attached: %llu",
	      budget_of("p_tc"));
	err = bpf_prog_attach_opts(way_fd("p_tc"), 1, BPF_TCX_INGRESS, NULL);
	CHECK(!err && budget_of("p_tc") == 3000000, "attached: %llu",
	      budget_of("p_tc"));

	r = policy_rule(p, BPF_POLICY_PROGRAM, BPF_POLICY_F_BUDGET, "p_t?");
	r->budget_ns = 4000000;
	policy_use(p);
	CHECK(budget_of("p_tc") == 4000000, "own rule: %llu",
	      budget_of("p_tc"));
	wd_command(way_fd("p_tc"), BPF_WD_SET_BUDGET, 2000000);
	CHECK(budget_of("p_tc") == 2000000, "command: %llu", budget_of("p_tc"));
	wd_command(way_fd("p_tc"), BPF_WD_CLEAR_BUDGET, 0);
	p->nr--;
	policy_use(p);
	err = bpf_prog_detach_opts(way_fd("p_tc"), 1, BPF_TCX_INGRESS, NULL);
	CHECK(!err && budget_of("p_tc") == 5000000, "detached: %llu",
	      budget_of("p_tc"));

	policy_rule(p, BPF_POLICY_EXEMPT, BPF_POLICY_F_EXEMPT_BUDGET, "p_stall")
		->until = time(NULL) + 2;
	policy_use(p);
	CHECK(budget_of("p_stall") == before, "exempt: %llu",
	      budget_of("p_stall"));
	for (int i = 0; i < 100 && budget_of("p_stall") == before; i++)
		usleep(100000);
	CHECK(budget_of("p_stall") == 5000000, "expired: %llu",
	      budget_of("p_stall"));
	p->rules[0].mode = BPF_POLICY_OFF;
	policy_use(p);
	CHECK(budget_of("p_stall") == before, "off: %llu",
	      budget_of("p_stall"));
	policy_use(p);
	policy_unload();
	CHECK(budget_of("p_stall") == before, "unloaded: %llu",
	      budget_of("p_stall"));
}

/* A program that is loaded under a policy has its budget, action and quarantine. */
static void overruns(void)
{
	struct policy *p = policy_new(BPF_POLICY_ENFORCE);
	struct bpf_prog_info info;
	struct bpf_policy_rule *r;
	int err, i;

	p->rules[0].action = BPF_POLICY_ALLOW;
	r = policy_rule(p, BPF_POLICY_PROGRAM,
			BPF_POLICY_F_BUDGET | BPF_POLICY_F_QUARANTINE,
			"p_stall");
	r->budget_ns = 2000000;
	r->quarantine_after = 2;
	r->quarantine_window_ns = 600 * NSEC_PER_SEC;
	policy_use(p);
	wd_enable(1000000);
	LOAD("p_stall");
	ways->data_ctl->ctl.n = ways->data_ctl->ctl.m = 1 << 20;
	err = prog_run(way_fd("p_stall"), NULL);
	info = prog_info(way_fd("p_stall"));
	CHECK(!err && info.terminations == 1 && !info.quarantined,
	      "%llu terminations: %s", info.terminations, strerror(-err));
	prog_run(way_fd("p_stall"), NULL);
	for (i = 0; i < 100 && !prog_info(way_fd("p_stall")).quarantined; i++)
		usleep(50000);
	info = prog_info(way_fd("p_stall"));
	CHECK(info.terminations == 2 && info.quarantined,
	      "%llu terminations, quarantined %u", info.terminations,
	      info.quarantined);
	wd_command(way_fd("p_stall"), BPF_WD_RELEASE, 0);

	/* Only warn: it returns when the brake is on. */
	r->flags |= BPF_POLICY_F_OVERRUN;
	r->on_overrun = BPF_WD_ACTION_WARN;
	policy_use(p);
	ways->data_ctl->ctl.n = 1;
	ways->data_ctl->ctl.m = 1000;
	prog_run(way_fd("p_stall"), NULL);
	info = prog_info(way_fd("p_stall"));
	CHECK(info.terminations == 2 && info.overruns == 3,
	      "%llu terminations, %llu overruns", info.terminations,
	      info.overruns);
}

/* Have there been @n of @times[] within @ns, the last one of them included? */
static bool within(const __u64 *times, int nr, int n, __u64 ns)
{
	return nr >= n && times[nr - 1] - times[nr - n] <= ns;
}

/*
 * Three terminations within 2 s that no window of 2 s, one after the other from the
 * first one on, has in it.
 */
static void window(void)
{
	static const unsigned int pauses_ms[] = { 1500, 1500, 1100, 1200, 400 };
	struct policy *p = policy_new(BPF_POLICY_ENFORCE);
	__u64 times[ARRAY_SIZE(pauses_ms) + 1];
	struct bpf_policy_rule *r;
	int fd, i, nr = 0;
	bool want = false;

	p->rules[0].action = BPF_POLICY_ALLOW;
	r = policy_rule(p, BPF_POLICY_PROGRAM,
			BPF_POLICY_F_BUDGET | BPF_POLICY_F_QUARANTINE,
			"p_stall");
	r->budget_ns = 2000000;
	r->quarantine_after = 3;
	r->quarantine_window_ns = 2 * NSEC_PER_SEC;
	policy_use(p);
	wd_enable(1000000);
	LOAD("p_stall");
	fd = way_fd("p_stall");
	ways->data_ctl->ctl.n = ways->data_ctl->ctl.m = 1 << 20;
	for (i = 0; !want && nr < (int)ARRAY_SIZE(times); i++) {
		prog_run(fd, NULL);
		times[nr++] = prog_info(fd).last_termination_ns;
		want = within(times, nr, 3, r->quarantine_window_ns);
		for (int k = 0; want && k < 100 && !prog_info(fd).quarantined;
		     k++)
			usleep(50000);
		/* Time for a quarantine that should not be. */
		usleep(pauses_ms[i % ARRAY_SIZE(pauses_ms)] * 1000);
		CHECK(prog_info(fd).quarantined == want,
		      "quarantined %u after %d terminations", !want, nr);
		CHECK(prog_info(fd).terminations == (__u64)nr,
		      "%llu terminations, not %d", prog_info(fd).terminations,
		      nr);
	}
	CHECK(want, "no three terminations within 2 s");

	/* Released, it begins anew. */
	wd_command(fd, BPF_WD_RELEASE, 0);
	for (i = 0; i < 2; i++)
		prog_run(fd, NULL);
	usleep(300000);
	CHECK(!prog_info(fd).quarantined, "quarantined after 2 more");
	prog_run(fd, NULL);
	for (i = 0; i < 100 && !prog_info(fd).quarantined; i++)
		usleep(50000);
	CHECK(prog_info(fd).quarantined, "not quarantined after 3 more");
}

/* A program is charged the longest time that it was seen running, once it was seen often;
 * but never if it has no bound.
 */
static void measured(void)
{
	struct policy *p = policy_new(BPF_POLICY_ENFORCE);
	struct bpf_policy_denial d;
	struct bpf_policy_rule *r;
	__u64 longest, seq;
	__u32 key = 0, fd;
	int err;

	wd_enable(100000000);
	policy_cost_model(NSEC_PER_SEC);
	LOAD("p_twice");
	fd = way_fd("p_twice");
	p->rules[0].charge = BPF_POLICY_MEASURED;
	r = policy_rule(p, BPF_POLICY_HOOK, BPF_POLICY_F_LATENCY, "prog_array");
	r->max_latency_ns = NSEC_PER_SEC;
	policy_use(p);
	for (int i = 0; i < 900 && !prog_info(fd).longest_run_ns; i++)
		prog_run(fd, NULL);
	CHECK(prog_info(fd).longest_run_ns, "it was not seen running");
	err = bpf_map__update_elem(ways->maps.prog_array, &key, sizeof(key),
				   &fd, sizeof(fd), 0);
	CHECK(err == -EACCES, "seen too seldom: %s", strerror(-err));

	policy_sample(fd);
	longest = prog_info(fd).longest_run_ns;
	r->max_latency_ns = longest - 1;
	policy_use(p);
	seq = policy_seq();
	err = bpf_map__update_elem(ways->maps.prog_array, &key, sizeof(key),
				   &fd, sizeof(fd), 0);
	CHECK(err == -EACCES && policy_denial(seq, &d) && d.worst_ns == longest,
	      "%s: %llu ns charged, seen %llu ns", strerror(-err), d.worst_ns,
	      longest);
	r->max_latency_ns = longest;
	policy_use(p);
	err = bpf_map__update_elem(ways->maps.prog_array, &key, sizeof(key),
				   &fd, sizeof(fd), 0);
	CHECK(!err, "within the limit: %s", strerror(-err));
	bpf_map__delete_elem(ways->maps.prog_array, &key, sizeof(key), 0);

	/* Without a bound: however short it was. */
	policy_cost_model(~0ULL);
	LOAD("p_twice");
	fd = way_fd("p_twice");
	policy_sample(fd);
	r->max_latency_ns = NSEC_PER_SEC;
	policy_use(p);
	seq = policy_seq();
	err = bpf_map__update_elem(ways->maps.prog_array, &key, sizeof(key),
				   &fd, sizeof(fd), 0);
	CHECK(err == -EACCES && policy_denial(seq, &d) && d.worst_ns == ~0ULL,
	      "without a bound: %s, %llu ns", strerror(-err), d.worst_ns);
}

static const struct test tests[] = {
	{ "bad_rules", "each kind of bad rule is refused with index and reason",
	  bad_rules, NEEDS_WATCHDOG },
	{ "bad_attr", "bad arguments are refused and the old policy stays",
	  bad_attr, NEEDS_WATCHDOG },
	{ "no_privilege",
	  "CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN are not enough", no_privilege,
	  NEEDS_WATCHDOG },
	{ "read_back", "a policy reads back as it was loaded", read_back,
	  NEEDS_WATCHDOG },
	{ "budgets", "budgets of defaults, hooks and programs, exemptions",
	  budgets, NEEDS_WATCHDOG },
	{ "measured", "a program can be charged what was measured", measured,
	  NEEDS_WATCHDOG, 450 },
	{ "window", "the window of a quarantine ends with each termination",
	  window, NEEDS_WATCHDOG },
	{ "overruns",
	  "a program is ended, quarantined or warned of as the policy says",
	  overruns, NEEDS_WATCHDOG },
};

const struct suite suite_policy_input = {
	.name = "policy_input",
	.tests = tests,
	.nr_tests = ARRAY_SIZE(tests),
};
