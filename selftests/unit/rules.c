// SPDX-License-Identifier: GPL-2.0
/* Policies become rules, rules become words, and judge what is attached. */
#include <sys/stat.h>
#include "unit.h"
#include "policy/rules.h"

struct ruled {
	struct policy_set set;
	struct policy *policies[4];
	struct policy_rules rules;
	struct policy_graphs graphs;
};

static void ruled_by(struct ruled *r, const char *const *texts, size_t n)
{
	struct fault f = {};

	*r = (struct ruled){};
	r->set.policies = r->policies;
	for (size_t i = 0; i < n; i++)
		if (policy_parse(texts[i], strlen(texts[i]), "p.yaml",
				 &r->policies[r->set.n++], &f))
			fail_msg("%s", f.msg);
	assert_false(policy_needs_graph(&r->set));
	assert_int_equal(
		policy_compile(&r->set, NULL, &r->rules, &r->graphs, &f), 0);
}

static void ruled_by_one(struct ruled *r, const char *text)
{
	ruled_by(r, &text, 1);
}

static void ruled_free(struct ruled *r)
{
	policy_rules_free(&r->rules);
	policy_graphs_free(&r->graphs);
	for (size_t i = 0; i < r->set.n; i++)
		policy_free(r->policies[i]);
}

static void rule_is(const struct ruled *r, u32 i, const char *name,
		    const char *want)
{
	char *line = rule_line(&r->rules, i);

	assert_string_equal(line, want);
	assert_string_equal(rule_text(&r->rules, r->rules.rules[i].name_off),
			    name);
	free(line);
}

static void shares_in_words(void **state)
{
	struct ruled r;

	ruled_by_one(
		&r,
		"version: 1\nname: x\nmode: enforce\n"
		"hooks:\n"
		"  - {match: \"kprobe/*\", max_cpu: 2.5%}\n"
		"programs:\n"
		"  - {match: {name: a*, uid: 7, tag: 00000000000000ff}, "
		"max_time: 5ms per 2s, on_share: detach}\n"
		"  - {match: {cgroup: /no/such/group}, budget: 1ms}\n"
		"exempt:\n"
		"  - {match: {uid: 0}, from: [budget], reason: r}\n"
		"  - {match: {cgroup: /no/such/group}, from: [budget], reason: r}\n");
	/* without those of a control group that is not there */
	assert_int_equal(r.rules.n, 4);
	assert_string_equal(r.policies[0]->programs[1].match.gone,
			    "control group");
	assert_string_equal(r.policies[0]->exempt[1].match.gone_path,
			    "/no/such/group");
	rule_is(&r, 1, "x:hooks[0]",
		"hook kprobe/* max_time 25ms per 1s on_share throttle "
		"on_exceed deny");
	rule_is(&r, 2, "x:programs[0]",
		"program a* uid 7 tag 00000000000000ff max_time 5ms per 2s "
		"on_share detach");
	rule_is(&r, 3, "x:exempt[0]", "exempt uid 0 from budget");
	ruled_free(&r);
}

/* Namespaces and mounts, by words and by paths. */
static void who_in_words(void **state)
{
	static const char digest[] = "0123456789abcdef0123456789abcdef"
				     "0123456789abcdef0123456789abcdef";
	struct stat user, pid;
	char text[900], want[300];
	struct ruled r;

	assert_int_equal(stat("/proc/self/ns/user", &user), 0);
	assert_int_equal(stat("/proc/self/ns/pid", &pid), 0);
	snprintf(
		text, sizeof(text),
		"version: 1\nname: x\nmode: enforce\n"
		"programs:\n"
		"  - {match: {user_ns: other, pid_ns: initial}, budget: 1ms}\n"
		"  - {match: {user_ns: /proc/self/ns/user, pid_ns: "
		"/proc/self/ns/pid}, budget: 1ms}\n"
		"  - {match: {user_ns: /proc/0/ns/user}, budget: 1ms}\n"
		"  - {match: {pid_ns: /no/such/file}, budget: 1ms}\n"
		"  - {match: {token: /no/such/folder}, budget: 1ms}\n"
		"exempt:\n"
		"  - {match: {token: any, btf: %s}, from: [budget], reason: r}\n"
		"  - {match: {token: none}, from: [budget], reason: r}\n",
		digest);
	ruled_by_one(&r, text);
	assert_int_equal(r.rules.n, 5);
	assert_int_equal(r.rules.n_fds, 2);
	assert_string_equal(r.policies[0]->programs[2].match.gone,
			    "user namespace");
	assert_string_equal(r.policies[0]->programs[3].match.gone,
			    "namespace of PIDs");
	assert_string_equal(r.policies[0]->programs[4].match.gone, "bpffs");
	rule_is(&r, 1, "x:programs[0]",
		"program user_ns other pid_ns initial budget 1ms");
	snprintf(want, sizeof(want),
		 "program user_ns user:[%llu] pid_ns pid:[%llu] budget 1ms",
		 (unsigned long long)user.st_ino,
		 (unsigned long long)pid.st_ino);
	rule_is(&r, 2, "x:programs[1]", want);
	snprintf(want, sizeof(want), "exempt btf %s token any from budget",
		 digest);
	rule_is(&r, 3, "x:exempt[0]", want);
	rule_is(&r, 4, "x:exempt[1]", "exempt token none from budget");
	/* as the kernel tells it */
	r.rules.generation = 1;
	r.rules.rules[2].user_ns_fd = 4026531837;
	r.rules.rules[2].pid_ns_fd = 4026531836;
	r.rules.rules[4].token = BPF_POLICY_TOKEN_OF;
	r.rules.rules[4].token_fd = 45;
	rule_is(&r, 2, "x:programs[1]",
		"program user_ns user:[4026531837] pid_ns pid:[4026531836] "
		"budget 1ms");
	rule_is(&r, 4, "x:exempt[1]", "exempt token bpffs:[0:45] from budget");
	ruled_free(&r);
}

/* A path of something else is refused: it is not what was meant. */
static void who_is_refused(void **state)
{
	static const struct {
		const char *match, *msg;
	} rows[] = {
		{ "user_ns: /dev/null",
		  "p.yaml:5: /dev/null is no user namespace" },
		{ "user_ns: /proc/self/ns/pid",
		  "p.yaml:5: /proc/self/ns/pid is no user namespace" },
		{ "pid_ns: /proc/self/ns/user",
		  "p.yaml:5: /proc/self/ns/user is no namespace of PIDs" },
		{ "token: /proc", "p.yaml:5: /proc is no bpffs" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct policy_graphs graphs = {};
		struct policy *p;
		struct policy_set set = { .policies = &p, .n = 1 };
		struct policy_rules rules;
		struct fault f = {};
		char text[200];

		snprintf(text, sizeof(text),
			 "version: 1\nname: x\nmode: enforce\nprograms:\n"
			 "  - {match: {%s}, budget: 1ms}\n",
			 rows[i].match);
		assert_int_equal(
			policy_parse(text, strlen(text), "p.yaml", &p, &f), 0);
		assert_int_equal(policy_compile(&set, NULL, &rules, &graphs,
						&f),
				 EXIT_USAGE);
		assert_string_equal(f.msg, rows[i].msg);
		policy_free(p);
	}
}

/* Of several programs together; what only watches tells of it. */
static void shares_together(void **state)
{
	static const char *const texts[] = {
		"version: 1\nname: a\nmode: monitor\n"
		"together:\n  - {name: t, match: {name: a}, max_cpu: 5%}\n",
		"version: 1\nname: b\nmode: enforce\n"
		"together:\n"
		"  - {name: tenant, match: {uid: 7, type: xdp}, max_time: "
		"30ms per 100ms, on_share: quarantine}\n"
		"  - {name: gone, match: {cgroup: /no/such/group}, max_cpu: "
		"1%}\n",
	};
	struct ruled r;

	ruled_by(&r, texts, 2);
	assert_int_equal(r.rules.n, 3);
	rule_is(&r, 1, "b:tenant",
		"together type xdp uid 7 max_time 30ms per 100ms on_share "
		"quarantine");
	rule_is(&r, 2, "a:t", "together a max_time 50ms per 1s on_share warn");
	ruled_free(&r);
}

/* What only watches throttles nothing, and takes no program from what enforces. */
static void shares_of_monitors(void **state)
{
	static const char *const texts[] = {
		"version: 1\nname: a\nmode: monitor\n"
		"hooks:\n  - {match: xdp, max_cpu: 5%}\n"
		"programs:\n  - {match: {name: a}, max_cpu: 5%, budget: 1s}\n"
		"  - {match: {name: b}, budget: 1s}\n",
		"version: 1\nname: b\nmode: enforce\n"
		"programs:\n  - {match: {name: a}, max_cpu: 6%}\n",
	};
	struct ruled r;

	ruled_by(&r, texts, 1);
	assert_int_equal(r.rules.n, 3);
	rule_is(&r, 2, "a:programs[0]",
		"program a max_time 50ms per 1s on_share throttle");
	ruled_free(&r);
	ruled_by(&r, texts, 2);
	assert_int_equal(r.rules.n, 3);
	rule_is(&r, 1, "b:programs[0]",
		"program a max_time 60ms per 1s on_share throttle");
	rule_is(&r, 2, "a:hooks[0]",
		"hook xdp/* max_time 50ms per 1s on_share warn on_exceed warn");
	ruled_free(&r);
}

static void rules_in_words(void **state)
{
	struct ruled r;

	ruled_by_one(
		&r,
		"version: 1\nname: x\nmode: enforce\n"
		"defaults: {budget: 10ms, on_overrun: detach, existing: detach}\n"
		"hooks:\n"
		"  - {match: \"kprobe/*\", max_latency: 5us, max_programs: 4, on_exceed: warn}\n"
		"  - {match: xdp, budget: 1s}\n"
		"programs:\n"
		"  - {match: {name: a*, type: xdp}, on_overrun: kill, "
		"quarantine: {after: 3, window: 1m}}\n"
		"exempt:\n"
		"  - {match: {name: b}, from: [latency, budget], reason: r, "
		"until: \"2027-06-30T12:00:00Z\"}\n");
	assert_int_equal(r.rules.n, 5);
	assert_string_equal(r.rules.name, "x");
	rule_is(&r, 0, "x:defaults",
		"defaults mode enforce charge worst unbounded auto existing "
		"detach budget 10ms on_overrun detach");
	rule_is(&r, 1, "x:hooks[0]",
		"hook kprobe/* max_latency 5us max_programs 4 on_exceed warn");
	rule_is(&r, 2, "x:hooks[1]", "hook xdp/* budget 1s on_exceed deny");
	rule_is(&r, 3, "x:programs[0]",
		"program a* type xdp on_overrun kill quarantine after 3 "
		"within 60s");
	rule_is(&r, 4, "x:exempt[0]",
		"exempt b from latency from budget until 2027-06-30T12:00:00Z");
	assert_int_equal(r.rules.rules[1].line, 6);
	assert_string_equal(rule_text(&r.rules, r.rules.rules[1].file_off),
			    "p.yaml");
	ruled_free(&r);
}

/* Who only watches takes no hook from who enforces, and changes nothing. */
static void rules_of_several_policies(void **state)
{
	static const char *const texts[] = {
		"version: 1\nname: w\nmode: monitor\n"
		"hooks: [{match: \"*\", max_latency: 1us}]\n"
		"programs: [{match: {name: a}, budget: 1ms}]\n",
		"version: 1\nname: o\nmode: \"off\"\n"
		"hooks: [{match: \"*\", max_latency: 1us}]\n",
		"version: 1\nname: e\nmode: enforce\n"
		"hooks: [{match: xdp, max_latency: 2us}]\n",
	};
	struct ruled r;

	ruled_by(&r, texts, ARRAY_SIZE(texts));
	assert_int_equal(r.rules.n, 3);
	assert_string_equal(r.rules.name, "w,e");
	rule_is(&r, 1, "e:hooks[0]",
		"hook xdp/* max_latency 2us on_exceed deny");
	rule_is(&r, 2, "w:hooks[0]", "hook * max_latency 1us on_exceed warn");
	ruled_free(&r);

	ruled_by(&r, texts, 1);
	assert_int_equal(r.rules.rules[0].mode, BPF_POLICY_MONITOR);
	ruled_free(&r);
	ruled_by(&r, NULL, 0);
	assert_int_equal(r.rules.n, 1);
	assert_int_equal(r.rules.rules[0].mode, BPF_POLICY_OFF);
	ruled_free(&r);
}

static struct attachment at_hook(const char *hook, u64 worst_ns)
{
	return (struct attachment){ .prog = "p",
				    .hook = hook,
				    .comm = "c",
				    .type = BPF_PROG_TYPE_XDP,
				    .worst_ns = worst_ns };
}

static void rules_judge(void **state)
{
	struct attachment all[] = {
		at_hook("xdp/a", 3000),	     at_hook("xdp/b", 3000),
		at_hook("xdp/a", 3000),	     at_hook("xdp/a", 2000),
		at_hook("xdp/a", 0),	     at_hook("tc/a", 1000000),
		at_hook("xdp/b", UNBOUNDED),
	};
	static const enum decision want[] = {
		DECIDED_ALLOW, DECIDED_ALLOW, DECIDED_DENY, DECIDED_ALLOW,
		DECIDED_DENY,  DECIDED_ALLOW, DECIDED_DENY,
	};
	struct ruled r;
	char why[200];

	ruled_by_one(&r,
		     "version: 1\nname: x\nmode: enforce\n"
		     "defaults: {unbounded: deny}\n"
		     "hooks:\n"
		     "  - {match: xdp/*, max_latency: 5us, max_programs: 2}\n"
		     "  - {match: \"*\", max_latency: 1s}\n");
	assert_int_equal(
		policy_judge(&r.rules, &r.graphs, all, ARRAY_SIZE(all), 0), 0);
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		assert_int_equal(all[i].decision, want[i]);
	assert_int_equal(all[2].rule, 1);
	assert_int_equal(all[2].reason, BPF_POLICY_OVER_LATENCY);
	decision_why(&all[2], why, sizeof(why));
	assert_string_equal(why, "worst case 3.00us + 3.00us already there = "
				 "6.00us > 5us");
	assert_int_equal(all[4].reason, BPF_POLICY_OVER_PROGRAMS);
	decision_why(&all[4], why, sizeof(why));
	assert_string_equal(why, "2 programs are there already, 2 are allowed");
	assert_int_equal(all[5].rule, 2);
	assert_int_equal(all[6].reason, BPF_POLICY_UNBOUNDED);
	decision_why(&all[6], why, sizeof(why));
	assert_string_equal(why, "it has no bound of its time");
	ruled_free(&r);
}

/* What has no bound: the rule of the hook says, then the defaults. */
static void rules_judge_no_bound(void **state)
{
	static const struct {
		const char *defaults, *hook;
		u32 terminable;
		enum decision want;
	} rows[] = {
		{ "charge: worst", "max_programs: 9", 0, DECIDED_WOULD_DENY },
		{ "charge: worst", "max_programs: 9", BPF_TERMINABLE_NO_ENDLESS,
		  DECIDED_DENY },
		{ "charge: worst", "max_latency: 5us", 0, DECIDED_DENY },
		{ "charge: worst", "max_latency: 5us, unbounded: allow",
		  BPF_TERMINABLE_NO_ENDLESS, DECIDED_ALLOW },
		{ "unbounded: allow", "max_latency: 5us", 0, DECIDED_ALLOW },
		{ "unbounded: allow", "max_latency: 5us, unbounded: warn", 0,
		  DECIDED_WOULD_DENY },
		{ "unbounded: deny", "max_programs: 9", 0, DECIDED_DENY },
	};
	char text[300];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct attachment a = at_hook("xdp/a", UNBOUNDED);
		struct ruled r;

		a.terminable = rows[i].terminable;
		snprintf(text, sizeof(text),
			 "version: 1\nname: x\nmode: enforce\n"
			 "defaults: {%s}\n"
			 "hooks: [{match: xdp/*, %s}]\n",
			 rows[i].defaults, rows[i].hook);
		ruled_by_one(&r, text);
		policy_judge(&r.rules, NULL, &a, 1, 0);
		assert_int_equal(a.decision, rows[i].want);
		ruled_free(&r);
	}
}

/* How long it goes on once it is ended: the hook's limit, else that of the defaults. */
static void rules_judge_the_stop(void **state)
{
	static const struct {
		const char *hook;
		enum decision want;
	} rows[] = {
		{ "xdp/a", DECIDED_DENY },
		{ "xdp/b", DECIDED_ALLOW },
		{ "tc/a", DECIDED_DENY },
		{ "tc/b", DECIDED_ALLOW },
	};
	struct ruled r;

	ruled_by_one(&r, "version: 1\nname: x\nmode: enforce\n"
			 "defaults: {max_stop: 2ms}\n"
			 "hooks: [{match: xdp/a, max_stop: 1ms},\n"
			 "        {match: xdp/b, max_stop: 9ms}]\n");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct attachment a = at_hook(rows[i].hook, 1000);

		a.stop_ns = i == 3 ? 2000000 : 3000000;
		policy_judge(&r.rules, NULL, &a, 1, 0);
		assert_int_equal(a.decision, rows[i].want);
		if (rows[i].want == DECIDED_DENY)
			assert_int_equal(a.reason, BPF_POLICY_OVER_STOP);
	}
	ruled_free(&r);
}

static void rules_exempt(void **state)
{
	static const struct {
		const char *match;
		bool exempt;
	} rows[] = {
		{ "{name: p}", true },	     { "{name: \"[o-q]\"}", true },
		{ "{name: q}", false },	     { "{comm: c}", true },
		{ "{comm: d}", false },	     { "{type: xdp}", true },
		{ "{type: kprobe}", false }, { "{name: p, comm: d}", false },
	};
	char text[400];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct attachment a = at_hook("xdp/a", 3000);
		struct ruled r;

		snprintf(text, sizeof(text),
			 "version: 1\nname: x\nmode: enforce\n"
			 "hooks: [{match: xdp/*, max_latency: 1us}]\n"
			 "exempt: [{match: %s, from: [latency], reason: r}]\n",
			 rows[i].match);
		ruled_by_one(&r, text);
		policy_judge(&r.rules, NULL, &a, 1, 0);
		assert_int_equal(a.exempt, rows[i].exempt);
		assert_int_equal(a.decision,
				 rows[i].exempt ? DECIDED_ALLOW : DECIDED_DENY);
		ruled_free(&r);
	}
}

/* Of who has loaded a program, `check` knows the user; by what it does not know, and for
 * an object that nobody has loaded yet, nothing is exempt.
 */
static void rules_exempt_by_who(void **state)
{
	static const struct {
		const char *match;
		bool loaded, exempt;
	} rows[] = {
		{ "{uid: 7}", true, true },
		{ "{uid: 8}", true, false },
		{ "{uid: 0}", false, false },
		{ "{tag: 0000000000000001}", false, true },
		{ "{tag: 0000000000000002}", false, false },
		{ "{btf: 00000000000000000000000000000000"
		  "000000000000000000000000000000ff}",
		  false, true },
		{ "{btf: 00000000000000000000000000000000"
		  "000000000000000000000000000000fe}",
		  false, false },
		{ "{user_ns: other}", true, false },
		{ "{pid_ns: initial}", true, false },
		{ "{token: none}", true, false },
		{ "{cgroup: /}", true, false },
	};
	char text[400];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct attachment a = at_hook("xdp/a", 3000);
		struct ruled r;

		a.uid = rows[i].loaded ? 7 : 0;
		a.uid_known = rows[i].loaded;
		a.tag[7] = 1;
		a.btf = "00000000000000000000000000000000"
			"000000000000000000000000000000ff";
		snprintf(text, sizeof(text),
			 "version: 1\nname: x\nmode: enforce\n"
			 "hooks: [{match: xdp/*, max_latency: 1us}]\n"
			 "exempt: [{match: %s, from: [latency], reason: r}]\n",
			 rows[i].match);
		ruled_by_one(&r, text);
		policy_judge(&r.rules, NULL, &a, 1, 0);
		assert_int_equal(a.exempt, rows[i].exempt);
		ruled_free(&r);
	}
}

static struct attachment at_place(const char *hook, u64 place, u64 whole)
{
	struct attachment a = at_hook(hook, 2000);

	a.place = place;
	a.whole = whole;
	a.attached = true;
	return a;
}

/* Hooks of two control groups have one name and two sums, the longer of which is there for what
 * comes to one of them, and two names may be at one place.
 */
static void rules_judge_by_place(void **state)
{
	struct attachment groups[] = {
		at_place("cgroup_skb/egress", 7, 0),
		at_place("cgroup_skb/egress", 9, 0),
		at_place("cgroup_skb/egress", 9, 0),
		at_hook("cgroup_skb/egress", 1000),
		at_hook("cgroup_skb/egress", 1000),
		at_place("xdp/a", 11, 0),
		at_place("xdp/renamed", 11, 0),
		at_place("xdp/c", 12, 0),
	};
	static const u64 there[] = { 0, 0, 2000, 4000, 5000, 0, 2000, 0 };
	struct ruled r;

	ruled_by_one(&r, "version: 1\nname: x\nmode: enforce\n"
			 "hooks: [{match: \"*\", max_latency: 5us}]\n");
	assert_int_equal(
		policy_judge(&r.rules, NULL, groups, ARRAY_SIZE(groups), 0), 0);
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
		assert_int_equal(groups[i].there_ns, there[i]);
		assert_int_equal(groups[i].decision,
				 i == 4 ? DECIDED_DENY : DECIDED_ALLOW);
	}
	ruled_free(&r);
}

/* A part and the whole of it, by what the kernel says of places. */
static void rules_judge_parts_by_place(void **state)
{
	struct attachment all[] = {
		at_place("tp/syscalls/sys_enter_read", 3, 1),
		at_place("tp/syscalls/sys_enter_read", 3, 1),
		at_place("tp/syscalls/sys_enter_write", 4, 1),
		at_place("tp/raw_syscalls/sys_enter", 1, 0),
		at_place("tp/syscalls/sys_enter_write", 4, 1),
	};
	static const u64 there[] = { 0, 2000, 0, 4000, 2000 };
	struct ruled r;

	ruled_by_one(&r, "version: 1\nname: x\nmode: enforce\n"
			 "hooks: [{match: \"tp/*\", max_latency: 1s}]\n");
	assert_int_equal(policy_judge(&r.rules, NULL, all, ARRAY_SIZE(all), 0),
			 0);
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		assert_int_equal(all[i].there_ns, there[i]);
	ruled_free(&r);
}

/* What runs in a control group is what is there and above; and of what is below, most of it. Places
 * are numbered from above: 1 -+- 2 --- 4
 *                             +- 3
 */
static void rules_judge_groups(void **state)
{
	struct attachment all[] = {
		at_place("sockops", 2, 1),	at_place("sockops", 4, 2),
		at_place("sockops", 3, 1),	at_place("sockops", 1, 0),
		at_place("sockops", 3, 1),	at_place("sockops", 4, 2),
		at_hook("sockops", 1000),	at_place("lsm_cgroup/x", 9, 8),
		at_place("lsm_cgroup/x", 8, 0),
	};
	/* of the one that is denied: programs */
	static const u64 there[] = { 0, 2000, 0, 4000, 4000, 6000, 4, 0, 2000 };
	struct ruled r;

	ruled_by_one(&r, "version: 1\nname: x\nmode: enforce\n"
			 "hooks: [{match: \"*\", max_latency: 8us,\n"
			 "         max_programs: 4}]\n");
	assert_int_equal(policy_judge(&r.rules, NULL, all, ARRAY_SIZE(all), 0),
			 0);
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		assert_int_equal(all[i].decision,
				 i == 6 ? DECIDED_DENY : DECIDED_ALLOW);
	assert_int_equal(all[6].reason, BPF_POLICY_OVER_PROGRAMS);
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		assert_int_equal(all[i].there_ns, there[i]);
	ruled_free(&r);
}

static struct attachment existing(u32 id, const char *hook, u64 place,
				  bool fixed)
{
	struct attachment a = at_place(hook, place, 0);

	a.prog_id = id;
	a.fixed = fixed;
	return a;
}

/* What the kernel makes of what is attached: the newest goes first, and what it cannot detach is in
 * quarantine everywhere, which leaves room for others.
 */
static void rules_judge_as_detached(void **state)
{
	struct attachment all[] = {
		existing(1, "xdp/b", 2, false), /* fits without the next one */
		existing(7, "xdp/b", 2, false),
		existing(2, "xdp/b", 2, false), /* fits when 7 is skipped */
		existing(3, "xdp/a", 1, false),
		existing(4, "xdp/a", 1, false), /* likewise */
		existing(7, "xdp/a", 1, true),
		existing(5, "xdp/c", 3, false),
		existing(6, "xdp/c", 3, false),
		existing(8, "xdp/c", 3, false), /* in no sum */
		existing(9, "xdp/d", 4, true), /* stays, and counts */
		existing(10, "xdp/d", 4, false),
		at_hook("xdp/b", 1000),
		at_hook("xdp/d", 1000),
	};
	static const enum decision want[] = {
		DECIDED_ALLOW, DECIDED_DETACH, DECIDED_ALLOW,  DECIDED_ALLOW,
		DECIDED_ALLOW, DECIDED_DETACH, DECIDED_ALLOW,  DECIDED_ALLOW,
		DECIDED_ALLOW, DECIDED_DENY,   DECIDED_DETACH, DECIDED_ALLOW,
		DECIDED_DENY,
	};
	struct ruled r;

	all[8].skipped = true;
	all[9].closes = true;
	all[9].worst_ns = 9000;
	ruled_by_one(&r, "version: 1\nname: x\nmode: enforce\n"
			 "defaults: {existing: detach}\n"
			 "hooks: [{match: \"xdp/*\", max_latency: 5us}]\n");
	assert_int_equal(policy_judge(&r.rules, NULL, all, ARRAY_SIZE(all), 11),
			 0);
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		assert_int_equal(all[i].decision, want[i]);
	/* the same rule says it of all that are in quarantine */
	assert_int_equal(all[1].rule, all[5].rule);
	assert_int_equal(all[1].there_ns, 4000);
	assert_int_equal(all[5].there_ns, 4000);
	ruled_free(&r);
}

/* What is unfit by itself goes first, and makes room. */
static void rules_judge_unfit_first(void **state)
{
	struct attachment all[] = {
		existing(1, "xdp/a", 1, false),
		existing(2, "xdp/a", 1, false),
		existing(3, "xdp/a", 1, false),
	};
	struct ruled r;

	all[0].worst_ns = UNBOUNDED;
	ruled_by_one(&r, "version: 1\nname: x\nmode: enforce\n"
			 "defaults: {existing: detach}\n"
			 "hooks: [{match: \"xdp/*\", max_latency: 5us,\n"
			 "         max_programs: 2}]\n");
	assert_int_equal(policy_judge(&r.rules, NULL, all, 3, 3), 0);
	assert_int_equal(all[0].decision, DECIDED_DETACH);
	assert_int_equal(all[0].reason, BPF_POLICY_UNBOUNDED);
	assert_int_equal(all[1].decision, DECIDED_ALLOW);
	assert_int_equal(all[2].decision, DECIDED_ALLOW);
	ruled_free(&r);
}

/* Of what is attached, the kernel says whether it is exempt. */
static void rules_exempt_as_told(void **state)
{
	struct attachment all[] = { at_place("xdp/a", 1, 0),
				    at_place("xdp/b", 2, 0) };
	struct ruled r;

	all[0].exempt_told = all[0].exempt_there = true;
	all[1].exempt_told = true;
	ruled_by_one(
		&r,
		"version: 1\nname: x\nmode: enforce\n"
		"hooks: [{match: xdp/*, max_latency: 1us}]\n"
		"exempt: [{match: {name: p}, from: [latency], reason: r}]\n");
	policy_judge(&r.rules, NULL, all, 2, 2);
	assert_true(all[0].exempt);
	assert_false(all[1].exempt);
	ruled_free(&r);
}

static void rules_judge_what_is_there(void **state)
{
	static const struct {
		const char *mode, *existing;
		enum decision old, new;
	} rows[] = {
		{ "enforce", "keep", DECIDED_DENY, DECIDED_DENY },
		{ "enforce", "detach", DECIDED_DETACH, DECIDED_ALLOW },
		{ "monitor", "keep", DECIDED_WOULD_DENY, DECIDED_WOULD_DENY },
	};
	char text[300];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct attachment all[] = { at_hook("xdp/a", 9000),
					    at_hook("xdp/a", 1000) };
		struct ruled r;

		all[0].attached = true;
		snprintf(text, sizeof(text),
			 "version: 1\nname: x\nmode: %s\n"
			 "defaults: {existing: %s}\n"
			 "hooks: [{match: xdp/*, max_latency: 5us}]\n",
			 rows[i].mode, rows[i].existing);
		ruled_by_one(&r, text);
		policy_judge(&r.rules, NULL, all, 2, 1);
		assert_int_equal(all[0].decision, rows[i].old);
		assert_int_equal(all[1].decision, rows[i].new);
		ruled_free(&r);
	}
}

static void rules_charge_what_was_measured(void **state)
{
	struct attachment a = at_hook("xdp/a", 6000);
	struct ruled r;

	ruled_by_one(&r, "version: 1\nname: x\nmode: enforce\n"
			 "defaults: {charge: measured, unbounded: deny}\n"
			 "hooks: [{match: xdp/*, max_latency: 5us}]\n");
	a.longest_ns = 4000;
	policy_judge(&r.rules, NULL, &a, 1, 0);
	assert_int_equal(a.decision, DECIDED_DENY);
	a.sampled_runs = BPF_POLICY_MEASURED_RUNS;
	policy_judge(&r.rules, NULL, &a, 1, 0);
	assert_int_equal(a.decision, DECIDED_ALLOW);
	assert_int_equal(a.cost_ns, 4000);
	/* it lowers a bound, and replaces none */
	a.worst_ns = 3000;
	policy_judge(&r.rules, NULL, &a, 1, 0);
	assert_int_equal(a.cost_ns, 3000);
	a.worst_ns = UNBOUNDED;
	policy_judge(&r.rules, NULL, &a, 1, 0);
	assert_int_equal(a.decision, DECIDED_DENY);
	ruled_free(&r);
}

static void rules_charge_tail_calls(void **state)
{
	struct attachment a = at_hook("xdp/a", UNBOUNDED);
	struct ruled r;

	a.tail_ns = 4000;
	a.longest_ns = 1000;
	a.sampled_runs = BPF_POLICY_MEASURED_RUNS;
	ruled_by_one(&r, "version: 1\nname: x\nmode: enforce\n"
			 "defaults: {charge: measured, tail_calls: entries}\n"
			 "hooks: [{match: xdp/*, max_latency: 5us}]\n");
	rule_is(&r, 0, "x:defaults",
		"defaults mode enforce charge measured unbounded auto existing "
		"warn tail_calls entries");
	policy_judge(&r.rules, NULL, &a, 1, 0);
	assert_int_equal(a.decision, DECIDED_ALLOW);
	assert_int_equal(a.cost_ns, 4000);
	a.tail_ns = 5001;
	policy_judge(&r.rules, NULL, &a, 1, 0);
	assert_int_equal(a.decision, DECIDED_DENY);
	assert_int_equal(a.reason, BPF_POLICY_OVER_LATENCY);
	a.tail_ns = UNBOUNDED;
	policy_judge(&r.rules, NULL, &a, 1, 0);
	assert_int_equal(a.reason, BPF_POLICY_UNBOUNDED);
	ruled_free(&r);
	/* it is to be asked for */
	ruled_by_one(&r, "version: 1\nname: x\nmode: enforce\n"
			 "defaults: {tail_calls: unbounded}\n"
			 "hooks: [{match: xdp/*, max_latency: 5us}]\n");
	a.tail_ns = 4000;
	policy_judge(&r.rules, NULL, &a, 1, 0);
	assert_int_equal(a.reason, BPF_POLICY_UNBOUNDED);
	ruled_free(&r);
}

/* What has no bound breaks a limit for others, unless it is exempt. */
static void rules_count_infinity(void **state)
{
	static const struct {
		const char *more;
		enum decision want;
	} rows[] = {
		{ "", DECIDED_DENY },
		{ "defaults: {unbounded: deny}\n", DECIDED_DENY },
		{ "defaults: {unbounded: warn}\n", DECIDED_ALLOW },
		{ "exempt: [{match: {name: q}, from: [latency], reason: r}]\n",
		  DECIDED_ALLOW },
	};
	char text[400];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct attachment all[] = { at_hook("fentry/f", UNBOUNDED),
					    at_hook("kprobe/f", 1000) };
		struct ruled r;

		all[0].prog = "q";
		all[0].attached = true;
		snprintf(text, sizeof(text),
			 "version: 1\nname: x\nmode: enforce\n%s"
			 "hooks: [{match: kprobe/f, max_latency: 5us}]\n",
			 rows[i].more);
		ruled_by_one(&r, text);
		policy_judge(&r.rules, NULL, all, 2, 1);
		assert_int_equal(all[1].decision, rows[i].want);
		ruled_free(&r);
	}
}

/* What is for one system call runs after what is for all, and not with others. */
static void rules_count_system_calls(void **state)
{
	static const struct {
		const char *there, *new;
		enum decision want;
	} rows[] = {
		{ "tp/syscalls/sys_enter_a", "raw_tp/sys_enter", DECIDED_DENY },
		{ "tp_btf/sys_enter", "tp/syscalls/sys_enter_a", DECIDED_DENY },
		{ "tp/syscalls/sys_enter_a", "tp/syscalls/sys_enter_a",
		  DECIDED_DENY },
		{ "tp/syscalls/sys_enter_a", "tp/syscalls/sys_enter_b",
		  DECIDED_ALLOW },
		{ "tp/syscalls/sys_exit_a", "raw_tp/sys_enter", DECIDED_ALLOW },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct attachment all[] = { at_hook(rows[i].there, 1000),
					    at_hook(rows[i].new, 1000) };
		struct ruled r;

		all[0].attached = true;
		ruled_by_one(&r, "version: 1\nname: x\nmode: enforce\n"
				 "hooks: [{match: raw_tp/sys_enter, "
				 "max_latency: 1us}]\n");
		policy_judge(&r.rules, NULL, all, 2, 1);
		assert_int_equal(all[0].decision, DECIDED_ALLOW);
		assert_int_equal(all[1].decision, rows[i].want);
		ruled_free(&r);
	}
}

/* One ban, three ways to write it. */
static void rules_forbid(void **state)
{
	static const char *const bans[] = { "deny: true", "max_programs: 0",
					    "deny: true, max_latency: 1s" };
	char text[200];

	for (size_t i = 0; i < ARRAY_SIZE(bans); i++) {
		struct attachment a = at_hook("xdp/a", 0);
		struct ruled r;
		char why[100];

		snprintf(text, sizeof(text),
			 "version: 1\nname: x\nmode: enforce\n"
			 "hooks: [{match: xdp, %s}]\n",
			 bans[i]);
		ruled_by_one(&r, text);
		policy_judge(&r.rules, NULL, &a, 1, 0);
		assert_int_equal(a.decision, DECIDED_DENY);
		decision_why(&a, why, sizeof(why));
		assert_string_equal(why, "nothing may be attached there");
		ruled_free(&r);
	}
}

static void rules_names(void **state)
{
	char policy[BPF_POLICY_NAME_LEN], rule[BPF_POLICY_NAME_LEN];

	rule_names("prod:hooks[1]", policy, rule);
	assert_string_equal(policy, "prod");
	assert_string_equal(rule, "hooks[1]");
	rule_names("defaults", policy, rule);
	assert_string_equal(policy, "");
	assert_string_equal(rule, "defaults");
	assert_string_equal(rule_mode_name(99), "unknown");
	assert_string_equal(rule_reason_name(BPF_POLICY_UNBOUNDED),
			    "unbounded");
	assert_string_equal(decision_name(DECIDED_WOULD_DENY), "would_deny");
}

static const struct CMUnitTest rules_tests[] = {
	cmocka_unit_test(shares_in_words),
	cmocka_unit_test(shares_of_monitors),
	cmocka_unit_test(shares_together),
	cmocka_unit_test(who_in_words),
	cmocka_unit_test(who_is_refused),
	cmocka_unit_test(rules_in_words),
	cmocka_unit_test(rules_of_several_policies),
	cmocka_unit_test(rules_judge),
	cmocka_unit_test(rules_judge_no_bound),
	cmocka_unit_test(rules_judge_the_stop),
	cmocka_unit_test(rules_exempt),
	cmocka_unit_test(rules_exempt_by_who),
	cmocka_unit_test(rules_judge_by_place),
	cmocka_unit_test(rules_judge_parts_by_place),
	cmocka_unit_test(rules_exempt_as_told),
	cmocka_unit_test(rules_judge_what_is_there),
	cmocka_unit_test(rules_judge_groups),
	cmocka_unit_test(rules_judge_as_detached),
	cmocka_unit_test(rules_judge_unfit_first),
	cmocka_unit_test(rules_charge_what_was_measured),
	cmocka_unit_test(rules_charge_tail_calls),
	cmocka_unit_test(rules_count_infinity),
	cmocka_unit_test(rules_count_system_calls),
	cmocka_unit_test(rules_forbid),
	cmocka_unit_test(rules_names),
};

RUN(rules_tests)
