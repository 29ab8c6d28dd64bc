// SPDX-License-Identifier: GPL-2.0
/* Policy files: what they say, and where they are wrong. */
#include "unit.h"
#include "policy/policy.h"

#define POLICY_HEAD "version: 1\nname: x\nmode: enforce\n"

static int policy_of(const char *text, struct policy **p, struct fault *f)
{
	*p = NULL;
	*f = (struct fault){};
	return policy_parse(text, strlen(text), "p.yaml", p, f);
}

static void policy_is_read(void **state)
{
	static const char text[] =
		"version: 1\n"
		"name: site\n"
		"mode: enforce\n"
		"defaults:\n"
		"  charge: measured\n"
		"  unbounded: deny\n"
		"  existing: keep\n"
		"  budget: 10ms\n"
		"  on_overrun: detach\n"
		"hooks:\n"
		"  - match: kprobe/vfs_*\n"
		"    max_latency: 5us\n"
		"    max_programs: 4\n"
		"  - {match: \"xdp/*\", budget: 1m, on_exceed: warn}\n"
		"call_graphs:\n"
		"  - name: read\n"
		"    roots: [a, b]\n"
		"    max_latency: 10us\n"
		"programs:\n"
		"  - match: {name: \"foo*\", type: kprobe}\n"
		"    budget: 2ms\n"
		"    quarantine: {after: 3, window: 1min}\n"
		"exempt:\n"
		"  - match: {comm: systemd}\n"
		"    from: [latency, budget]\n"
		"    reason: trusted\n"
		"    until: 2027-06-30\n";
	struct policy *p;
	struct fault f;

	if (policy_of(text, &p, &f))
		fail_msg("%s", f.msg);
	assert_string_equal(p->name, "site");
	assert_int_equal(p->mode, POLICY_ENFORCE);
	assert_int_equal(p->defaults->charge, POLICY_MEASURED);
	assert_int_equal(p->defaults->unbounded, POLICY_DENY);
	assert_int_equal(p->defaults->existing, POLICY_ALLOW);
	assert_int_equal(p->defaults->budget.ns, 10000000);
	assert_int_equal(p->defaults->on_overrun, POLICY_DETACH);
	assert_int_equal(p->n_hooks, 2);
	assert_string_equal(p->hooks[0].match, "kprobe/vfs_*");
	assert_int_equal(p->hooks[0].max_latency.ns, 5000);
	assert_int_equal(*p->hooks[0].max_programs, 4);
	assert_int_equal(p->hooks[0].on_exceed, POLICY_DENY);
	assert_int_equal(p->hooks[0].line, 11);
	assert_int_equal(p->hooks[1].budget.ns, 60000000000);
	assert_int_equal(p->hooks[1].on_exceed, POLICY_WARN);
	assert_int_equal(p->n_graphs, 1);
	assert_int_equal(p->graphs[0].n_roots, 2);
	assert_int_equal(p->graphs[0].depth, 0);
	assert_int_equal(p->n_programs, 1);
	assert_int_equal(p->programs[0].match.prog_type, BPF_PROG_TYPE_KPROBE);
	assert_int_equal(p->programs[0].quarantine->after, 3);
	assert_int_equal(p->programs[0].quarantine->window.ns, 60000000000);
	assert_int_equal(p->n_exempt, 1);
	assert_int_equal(p->exempt[0].from,
			 POLICY_FROM_LATENCY | POLICY_FROM_BUDGET);
	/* the whole day */
	assert_int_equal(p->exempt[0].until_s, 1814400000);
	policy_free(p);
}

static void policy_patterns(void **state)
{
	static const char *const good[] = {
		"xdp/*", "x[!e]p/*", "x[!]]p/*", "x[]d]p/*", "kprobe/\\[x", "*",
	};
	char text[200];

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct policy *p;
		struct fault f;

		snprintf(text, sizeof(text),
			 POLICY_HEAD
			 "hooks:\n  - {match: '%s', max_latency: 1ms}\n",
			 good[i]);
		if (policy_of(text, &p, &f))
			fail_msg("%s", f.msg);
		assert_string_equal(p->hooks[0].match, good[i]);
		policy_free(p);
	}
}

/* A share of a CPU as ns in a window. */
static void policy_shares(void **state)
{
	static const struct {
		const char *text;
		u64 ns, window_ns;
		enum policy_on_share on_share;
	} rows[] = {
		{ "max_cpu: 5%", 50000000, 1000000000, POLICY_THROTTLE },
		{ "max_cpu: 0.5%", 5000000, 1000000000, POLICY_THROTTLE },
		{ "max_cpu: 12.25%, on_share: warn", 122500000, 1000000000,
		  POLICY_SHARE_WARN },
		{ "max_cpu: 250%, on_share: detach", 2500000000, 1000000000,
		  POLICY_SHARE_DETACH },
		{ "max_time: 50ms per 1s, on_share: quarantine", 50000000,
		  1000000000, POLICY_SHARE_QUARANTINE },
		{ "max_time: 10us per 100ms, on_share: throttle", 10000,
		  100000000, POLICY_THROTTLE },
		{ "max_time: 3s per 1m", 3000000000, 60000000000,
		  POLICY_THROTTLE },
	};
	char text[300];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct policy_part all[3];
		struct policy *p;
		struct fault f;

		snprintf(text, sizeof(text),
			 POLICY_HEAD
			 "hooks:\n  - {match: xdp, %s}\n"
			 "call_graphs:\n  - {name: a, roots: [b], %s}\n"
			 "programs:\n  - {match: {name: c}, %s}\n",
			 rows[i].text, rows[i].text, rows[i].text);
		if (policy_of(text, &p, &f))
			fail_msg("%s", f.msg);
		all[0] = p->hooks[0].share;
		all[1] = p->graphs[0].share;
		all[2] = p->programs[0].share;
		for (size_t k = 0; k < ARRAY_SIZE(all); k++) {
			assert_int_equal(all[k].ns, rows[i].ns);
			assert_int_equal(all[k].window_ns, rows[i].window_ns);
			assert_int_equal(all[k].on_share, rows[i].on_share);
		}
		policy_free(p);
	}
}

/* Who has loaded a program. */
static void policy_who(void **state)
{
	static const char text[] = POLICY_HEAD
		"programs:\n"
		"  - {match: {uid: 1000}, budget: 1ms}\n"
		"  - {match: {uid: root, name: a}, budget: 1ms}\n"
		"exempt:\n"
		"  - match: {cgroup: /a.slice/b.service, tag: "
		"a04f5eef06a7f555}\n"
		"    from: [latency]\n"
		"    reason: r\n";
	static const unsigned char tag[] = { 0xa0, 0x4f, 0x5e, 0xef,
					     0x06, 0xa7, 0xf5, 0x55 };
	struct policy *p;
	struct fault f;

	if (policy_of(text, &p, &f))
		fail_msg("%s", f.msg);
	assert_int_equal(p->programs[0].match.user, 1000);
	assert_int_equal(p->programs[1].match.user, 0);
	assert_string_equal(p->exempt[0].match.cgroup, "/a.slice/b.service");
	assert_memory_equal(p->exempt[0].match.tag_bytes, tag, sizeof(tag));
	policy_free(p);
}

static void policy_is_refused(void **state)
{
	static const struct {
		const char *text, *msg;
	} rows[] = {
		{ "", "p.yaml:1:1: " },
		{ "- a\n", "p.yaml:1:1: " },
		{ "version: 2\nname: x\nmode: monitor\n",
		  "p.yaml:1:10: version 2; this bpfwd knows version 1" },
		{ "version: 1\nname: a b\nmode: monitor\n",
		  "p.yaml:2:7: name may have letters" },
		{ "version: 1\nname: \"\"\nmode: monitor\n",
		  "p.yaml:2:7: name is empty" },
		{ "version: 1\nname: a23456789012345678901234567890123\nmode: off\n",
		  "p.yaml:2:7: name has 33 characters, 32 are allowed" },
		{ "version: 1\nname: x\nmode: enforced\n", "p.yaml:3:" },
		{ "version: 1\nname: x\n", "p.yaml:1:" },
		{ POLICY_HEAD "hocks: []\n", "p.yaml:4:" },
		{ POLICY_HEAD "name: y\n", "p.yaml:4:" },
		{ POLICY_HEAD "hooks:\n  - {match: xdp, max_cpu: 5}\n",
		  "p.yaml:5:27: max_cpu '5' is no share of a CPU" },
		{ POLICY_HEAD "hooks:\n  - {match: xdp, max_cpu: .5%}\n",
		  "p.yaml:5:27: max_cpu '.5%' is no share of a CPU" },
		{ POLICY_HEAD "hooks:\n  - {match: xdp, max_cpu: 5.%}\n",
		  "p.yaml:5:27: max_cpu '5.%' is no share of a CPU" },
		{ POLICY_HEAD "hooks:\n  - {match: xdp, max_cpu: -5%}\n",
		  "p.yaml:5:27: max_cpu '-5%' is no share of a CPU" },
		{ POLICY_HEAD "hooks:\n  - {match: xdp, max_cpu: 0%}\n",
		  "p.yaml:5:27: max_cpu '0%' is out of range" },
		{ POLICY_HEAD
		  "hooks:\n  - {match: xdp, max_cpu: 99999999999999999%}\n",
		  "p.yaml:5:27: max_cpu '99999999999999999%' is out of range" },
		{ POLICY_HEAD "hooks:\n  - {match: xdp, max_time: 5ms}\n",
		  "p.yaml:5:28: max_time '5ms' is no time in a window" },
		{ POLICY_HEAD "hooks:\n  - {match: xdp, max_time: 5ms per s}\n",
		  "p.yaml:5:28: max_time '5ms per s' is no time in a window" },
		{ POLICY_HEAD
		  "hooks:\n  - {match: xdp, max_time: 5ms per 99ms}\n",
		  "p.yaml:5:28: a window is between 100ms and 60s" },
		{ POLICY_HEAD
		  "hooks:\n  - {match: xdp, max_time: 5ms per 2m}\n",
		  "p.yaml:5:28: a window is between 100ms and 60s" },
		{ POLICY_HEAD "hooks:\n  - {match: xdp, max_cpu: 5%, max_time: "
			      "5ms per 1s}\n",
		  "p.yaml:5:27: max_cpu and max_time say the same" },
		{ POLICY_HEAD "programs:\n  - {match: {name: a}, budget: 1s, "
			      "on_share: warn}\n",
		  "p.yaml:5:5: on_share needs a share" },
		{ POLICY_HEAD
		  "programs:\n  - {match: {name: a}, max_cpu: 5%, on_share: kill}\n",
		  "p.yaml:5:" },
		{ POLICY_HEAD
		  "programs:\n  - {match: {uid: nobody-is-called-so}, budget: 1s}\n",
		  "p.yaml:5:19: there is no user 'nobody-is-called-so'" },
		{ POLICY_HEAD
		  "programs:\n  - {match: {uid: 4294967295}, budget: 1s}\n",
		  "p.yaml:5:19: there is no user '4294967295'" },
		{ POLICY_HEAD
		  "programs:\n  - {match: {cgroup: a.slice}, budget: 1s}\n",
		  "p.yaml:5:22: cgroup 'a.slice' does not begin with '/'" },
		{ POLICY_HEAD
		  "programs:\n  - {match: {cgroup: /a/../b}, budget: 1s}\n",
		  "p.yaml:5:22: cgroup '/a/../b' has an empty part" },
		{ POLICY_HEAD
		  "programs:\n  - {match: {cgroup: /a//b}, budget: 1s}\n",
		  "p.yaml:5:22: cgroup '/a//b' has an empty part" },
		{ POLICY_HEAD
		  "programs:\n  - {match: {tag: a04f5eef06a7f55}, budget: 1s}\n",
		  "p.yaml:5:19: tag 'a04f5eef06a7f55' is not one of 16 digits" },
		{ POLICY_HEAD
		  "programs:\n  - {match: {tag: A04F5EEF06A7F555}, budget: 1s}\n",
		  "p.yaml:5:19: tag 'A04F5EEF06A7F555' is not one of 16 digits" },
		{ POLICY_HEAD
		  "programs:\n  - {match: {btf: a04f}, budget: 1s}\n",
		  "p.yaml:5:19: btf 'a04f' is not one of 64 digits, as `bpfwd "
		  "ps -e +btf` has it" },
		{ POLICY_HEAD
		  "programs:\n  - {match: {user_ns: host}, budget: 1s}\n",
		  "p.yaml:5:23: user_ns 'host' is not initial, other or a path" },
		{ POLICY_HEAD
		  "programs:\n  - {match: {pid_ns: 4026531836}, budget: 1s}\n",
		  "p.yaml:5:22: pid_ns '4026531836' is not initial, other or" },
		{ POLICY_HEAD
		  "programs:\n  - {match: {token: yes}, budget: 1s}\n",
		  "p.yaml:5:21: token 'yes' is not none, any or a path" },
		{ POLICY_HEAD "together:\n  - {name: a, match: {uid: 0}}\n",
		  "p.yaml:5:5: without a share: give it max_cpu or max_time" },
		{ POLICY_HEAD "together:\n  - {match: {uid: 0}, max_cpu: 1%}\n",
		  "p.yaml:5:" },
		{ POLICY_HEAD
		  "together:\n  - {name: a, match: {}, max_cpu: 1%}\n",
		  "p.yaml:5:22: match says nothing" },
		{ POLICY_HEAD
		  "together:\n  - {name: a, match: {uid: 0}, max_cpu: 1%}\n"
		  "  - {name: a, match: {uid: 1}, max_cpu: 1%}\n",
		  "p.yaml:6:12: together has a for the second time" },
		{ POLICY_HEAD
		  "together:\n  - {name: a, match: {uid: 0}, budget: 1ms}\n",
		  "p.yaml:5:" },
		{ POLICY_HEAD "programs:\n  - {match: {pinned: /sys/fs/bpf/x}, "
			      "budget: 1s}\n",
		  "p.yaml:5:" },
		{ POLICY_HEAD "hooks:\n  - {match: xdp}\n",
		  "p.yaml:5:5: a rule without a limit" },
		{ POLICY_HEAD "hooks:\n  - {match: \"\", max_latency: 1ms}\n",
		  "p.yaml:5:13: match is empty" },
		{ POLICY_HEAD "hooks:\n  - {match: xdq, max_latency: 1ms}\n",
		  "p.yaml:5:13: there is no kind of hook 'xdq'" },
		{ POLICY_HEAD "hooks:\n  - {match: xdp, max_latency: 10}\n",
		  "p.yaml:5:31: max_latency '10' is no duration" },
		{ POLICY_HEAD "hooks:\n  - {match: xdp, max_latency: 0ms}\n",
		  "p.yaml:5:31: max_latency '0ms' is not between" },
		{ POLICY_HEAD
		  "hooks:\n  - {match: \"x[a\", max_latency: 1ms}\n",
		  "p.yaml:5:13: match: a '[' without ']'" },
		{ POLICY_HEAD
		  "hooks:\n  - {match: \"x[^a]\", max_latency: 1ms}\n",
		  "p.yaml:5:13: match: negate with [!...]" },
		{ POLICY_HEAD
		  "hooks:\n  - {match: \"x[!^a]\", max_latency: 1ms}\n",
		  "p.yaml:5:13: match: negate with [!...]" },
		{ POLICY_HEAD "hooks:\n  - {match: 'x\\', max_latency: 1ms}\n",
		  "p.yaml:5:13: match ends with a '\\'" },
		{ POLICY_HEAD "programs:\n  - {match: {}, budget: 1ms}\n",
		  "p.yaml:5:13: match says nothing" },
		{ POLICY_HEAD
		  "programs:\n  - match: {type: nope}\n    budget: 1ms\n",
		  "p.yaml:5:19: there is no type of program 'nope'" },
		{ POLICY_HEAD "programs:\n  - match: {name: a}\n",
		  "p.yaml:5:5: a rule that says nothing" },
		{ POLICY_HEAD
		  "programs:\n  - match: {name: a}\n    quarantine: {after: 0}\n",
		  "p.yaml:6:" },
		{ POLICY_HEAD
		  "exempt:\n  - match: {name: a}\n    from: [latency]\n"
		  "    reason: \" \"\n",
		  "p.yaml:7:13: a reason is required" },
		{ POLICY_HEAD
		  "exempt:\n  - match: {name: a}\n    from: [latency]\n"
		  "    reason: r\n    until: tomorrow\n",
		  "p.yaml:8:12: until 'tomorrow' is no date" },
		{ POLICY_HEAD
		  "exempt:\n  - match: {name: x}\n    from: [latency]\n"
		  "    reason: r\n    until: 2027-02-30\n",
		  "p.yaml:8:12: until '2027-02-30' is no date" },
		{ POLICY_HEAD
		  "exempt:\n  - match: {name: x}\n    from: [latency]\n"
		  "    reason: r\n    until: 2027-02-03T23:59:60Z\n",
		  "p.yaml:8:12: until '2027-02-03T23:59:60Z' is no date" },
		{ POLICY_HEAD
		  "call_graphs:\n  - {name: a, roots: [\"x y\"], max_latency: 1ms}\n",
		  "p.yaml:5:23: 'x y' is no name of a function" },
		{ POLICY_HEAD
		  "call_graphs:\n  - {name: a, roots: [x], max_latency: 1ms}\n"
		  "  - {name: a, roots: [y], max_latency: 1ms}\n",
		  "p.yaml:6:12: there are two call graphs a" },
		/* what no policy needs */
		{ POLICY_HEAD "hooks: &a []\n", "p.yaml:4:" },
		{ POLICY_HEAD "---\nversion: 1\n", "p.yaml:4:" },
	};
	struct policy *p;
	struct fault f;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (policy_of(rows[i].text, &p, &f) != EXIT_USAGE ||
		    strncmp(f.msg, rows[i].msg, strlen(rows[i].msg)))
			fail_msg("%s\n%s\nexpected %s", rows[i].text, f.msg,
				 rows[i].msg);
		assert_null(p);
	}
}

static void write_policy(const char *dir, const char *file, const char *text)
{
	char path[200];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void policy_set_of_a_folder(void **state)
{
	char dir[] = "/tmp/unit-policy.XXXXXX", cmd[200], *paths[] = { dir };
	const struct policy *owner;
	struct policy_defaults d;
	struct policy_set set;
	struct fault f = {};

	assert_non_null(mkdtemp(dir));
	assert_int_equal(policy_set_load(&set, paths, 1, &f), 0);
	assert_int_equal(set.n, 0);
	assert_int_equal(policy_set_mode(&set), POLICY_OFF);
	policy_set_free(&set);

	write_policy(dir, "10.yaml",
		     "version: 1\nname: a\nmode: enforce\n"
		     "defaults: {unbounded: deny, budget: 1ms}\n");
	write_policy(dir, "20.yaml",
		     "version: 1\nname: b\nmode: monitor\n"
		     "defaults: {unbounded: allow}\n");
	write_policy(dir, "30.yaml",
		     "version: 1\nname: c\nmode: enforce\n"
		     "defaults: {budget: 2ms}\n");
	write_policy(dir, ".hidden.yaml", "no policy");
	write_policy(dir, "README", "no policy");
	assert_int_equal(policy_set_load(&set, paths, 1, &f), 0);
	assert_int_equal(set.n, 3);
	assert_string_equal(set.policies[0]->name, "a");
	assert_string_equal(set.policies[2]->name, "c");
	assert_int_equal(policy_set_mode(&set), POLICY_ENFORCE);
	/* the later word, of those that enforce */
	d = policy_set_defaults(&set, &owner);
	assert_int_equal(d.unbounded, POLICY_DENY);
	assert_int_equal(d.budget.ns, 2000000);
	assert_string_equal(owner->name, "c");
	policy_set_free(&set);

	/* one of the same name takes the place, at the end */
	write_policy(dir, "40.yaml", "version: 1\nname: a\nmode: off\n");
	assert_int_equal(policy_set_load(&set, paths, 1, &f), 0);
	assert_int_equal(set.n, 3);
	assert_string_equal(set.policies[2]->name, "a");
	assert_int_equal(set.policies[2]->mode, POLICY_OFF);
	policy_set_free(&set);

	/* all or nothing */
	write_policy(dir, "50.yaml", "name: [\n");
	assert_int_equal(policy_set_load(&set, paths, 1, &f), EXIT_USAGE);
	assert_non_null(strstr(f.msg, "/50.yaml:"));
	assert_int_equal(set.n, 0);
	paths[0] = "/nowhere";
	assert_int_equal(policy_set_load(&set, paths, 1, &f), EXIT_FAILED);
	snprintf(cmd, sizeof(cmd), "rm -r %s", dir);
	assert_int_equal(system(cmd), 0);
}

static const struct CMUnitTest policy_tests[] = {
	cmocka_unit_test(policy_shares),
	cmocka_unit_test(policy_who),
	cmocka_unit_test(policy_is_read),
	cmocka_unit_test(policy_patterns),
	cmocka_unit_test(policy_is_refused),
	cmocka_unit_test(policy_set_of_a_folder),
};

RUN(policy_tests)
