// SPDX-License-Identifier: GPL-2.0
/* What each kind of rule allows and denies, and what is told of it. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/if_link.h>
#include <sys/stat.h>
#include <time.h>
#include "traffic/policy_ways.h"

#define LO 1

static __u32 id_of(const char *prog)
{
	return prog_info(way_fd(prog)).id;
}

static int tcx(const char *prog)
{
	return bpf_prog_attach_opts(way_fd(prog), LO, BPF_TCX_INGRESS, NULL);
}

static void tcx_off(const char *prog)
{
	int err = bpf_prog_detach_opts(way_fd(prog), LO, BPF_TCX_INGRESS, NULL);

	CHECK(!err, "detach %s: %s", prog, strerror(-err));
}

static int xdp(const char *prog)
{
	return bpf_xdp_attach(LO, way_fd(prog), XDP_FLAGS_SKB_MODE, NULL);
}

static void xdp_off(void)
{
	bpf_xdp_detach(LO, XDP_FLAGS_SKB_MODE, NULL);
}

static struct bpf_link *attach(const char *prog)
{
	return bpf_program__attach(
		bpf_object__find_program_by_name(ways->obj, prog));
}

/* A limit of the sum at tcx of lo. */
static struct policy *limit_tcx(__u64 ns, __u32 mode)
{
	struct policy *p = policy_new(mode);
	struct bpf_policy_rule *r =
		policy_rule(p, BPF_POLICY_HOOK, BPF_POLICY_F_LATENCY, "tcx/*");

	r->max_latency_ns = ns;
	policy_use(p);
	return p;
}

static void latency(void)
{
	struct bpf_policy_denial d;
	struct policy *p;
	__u64 seq;
	int err;

	OPEN("p_tc", "p_tc_long");
	limit_tcx(2999, BPF_POLICY_ENFORCE);
	err = tcx("p_tc");
	CHECK(!err, "the first one: %s", strerror(-err));
	seq = policy_seq();
	err = tcx("p_tc_long");
	CHECK(err == -EACCES, "1 ns too much: %s", strerror(-err));
	CHECK(policy_denial(seq, &d) && d.reason == BPF_POLICY_OVER_LATENCY &&
		      d.worst_ns == 2000 && d.there_ns == 1000 &&
		      d.limit_ns == 2999,
	      "reason %u: %llu + %llu > %llu", d.reason, d.worst_ns, d.there_ns,
	      d.limit_ns);
	p = limit_tcx(3000, BPF_POLICY_ENFORCE);
	err = tcx("p_tc_long");
	CHECK(!err, "just right: %s", strerror(-err));
	err = policy_get(p);
	CHECK(!err && p->rules[1].latency_ns == 3000 &&
		      p->rules[1].programs == 2 && p->rules[1].hooks == 1 &&
		      p->rules[1].allowed == 1 && p->rules[0].allowed == 1 &&
		      p->rules[0].programs == 2,
	      "%llu ns, %u programs, %u hooks, allowed %llu and %llu",
	      p->rules[1].latency_ns, p->rules[1].programs, p->rules[1].hooks,
	      p->rules[1].allowed, p->rules[0].allowed);
	tcx_off("p_tc");
	limit_tcx(2000, BPF_POLICY_ENFORCE);
	err = tcx("p_tc");
	CHECK(err == -EACCES, "1,000 ns too much: %s", strerror(-err));
	tcx_off("p_tc_long");
	err = tcx("p_tc");
	CHECK(!err, "there is room again: %s", strerror(-err));
}

static void programs(void)
{
	struct policy *p = policy_new(BPF_POLICY_ENFORCE);
	int err;

	OPEN("p_tc", "p_tc_long");
	policy_rule(p, BPF_POLICY_HOOK, BPF_POLICY_F_PROGRAMS, "tcx/ingress/lo")
		->max_programs = 1;
	policy_use(p);
	err = tcx("p_tc");
	CHECK(!err, "one: %s", strerror(-err));
	err = tcx("p_tc_long");
	CHECK(err == -EACCES, "two: %s", strerror(-err));
	tcx_off("p_tc");
	err = tcx("p_tc_long");
	CHECK(!err, "one again: %s", strerror(-err));
}

static void unbounded(void)
{
	static const struct {
		__u32 action;
		int err;
		bool told;
	} rows[] = {
		{ BPF_POLICY_DENY, -EACCES, true },
		{ BPF_POLICY_WARN, 0, true },
		{ BPF_POLICY_ALLOW, 0, false },
	};
	struct bpf_policy_denial d;
	struct policy *p;
	__u64 seq;
	size_t i;
	int err;

	OPEN("p_unbounded");
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		p = policy_new(BPF_POLICY_ENFORCE);
		p->rules[0].action = rows[i].action;
		policy_use(p);
		seq = policy_seq();
		err = xdp("p_unbounded");
		CHECK(err == rows[i].err, "action %u: %s", rows[i].action,
		      strerror(-err));
		CHECK(policy_denial(seq, &d) == rows[i].told &&
			      (!rows[i].told ||
			       (d.reason == BPF_POLICY_UNBOUNDED &&
				d.worst_ns == ~0ULL && !d.rule)),
		      "action %u: not told rightly", rows[i].action);
		xdp_off();
	}
}

static void first_match(void)
{
	struct policy *p = policy_new(BPF_POLICY_ENFORCE);
	int err;

	OPEN("p_tc", "p_xdp");
	policy_rule(p, BPF_POLICY_HOOK, 0, "tcx/ingress/l?"); /* no limit */
	policy_rule(p, BPF_POLICY_HOOK, BPF_POLICY_F_PROGRAMS, "[tx]*");
	policy_use(p);
	err = tcx("p_tc");
	CHECK(!err, "the first rule applies: %s", strerror(-err));
	err = xdp("p_xdp");
	CHECK(err == -EACCES, "the second one applies: %s", strerror(-err));
}

/* kprobe and fentry in a function, and a tracepoint. */
static void graph(void)
{
	struct policy *p = policy_new(BPF_POLICY_ENFORCE);
	struct bpf_link *links[4] = {};
	struct bpf_policy_denial d;
	struct bpf_policy_rule *r;
	__u64 seq;
	int err;

	OPEN("p_kprobe", "p_fentry", "p_tp", "p_fmod_ret");
	r = policy_rule(p, BPF_POLICY_GRAPH, BPF_POLICY_F_LATENCY,
			"bpf_fentry_test1");
	policy_string(p, "tp/sched/sched_process_exit");
	r->nr_match = 2;
	r->max_latency_ns = 2500;
	policy_use(p);
	links[0] = attach("p_kprobe");
	CHECK(links[0], "kprobe: %m");
	links[1] = attach("p_tp");
	CHECK(links[1], "tracepoint: %m");
	seq = policy_seq();
	links[2] = attach("p_fentry");
	CHECK(!links[2] && errno == EACCES, "fentry: %m");
	CHECK(policy_denial(seq, &d) && d.reason == BPF_POLICY_OVER_LATENCY &&
		      d.worst_ns == 1000 && d.there_ns == 2000 &&
		      d.limit_ns == 2500 && d.rule == 1,
	      "reason %u: %llu + %llu > %llu, rule %u", d.reason, d.worst_ns,
	      d.there_ns, d.limit_ns, d.rule);
	links[3] = attach("p_fmod_ret");
	CHECK(links[3], "not in the graph: %m");
	err = policy_get(p);
	CHECK(!err && p->rules[1].latency_ns == 2000 &&
		      p->rules[1].programs == 2 && p->rules[1].hooks == 2 &&
		      p->rules[1].allowed == 2 && p->rules[1].denied == 1 &&
		      p->rules[0].allowed == 3 && p->rules[0].denied == 1,
	      "%llu ns, %u programs, %u hooks, allowed %llu, denied %llu",
	      p->rules[1].latency_ns, p->rules[1].programs, p->rules[1].hooks,
	      p->rules[1].allowed, p->rules[1].denied);
	bpf_link__destroy(links[0]);
	links[2] = attach("p_fentry");
	CHECK(links[2], "fentry instead of the kprobe: %m");
}

/* Which hooks are members, by name or by family? */
static void families(void)
{
	static const struct {
		const char *members[4];
		bool tcx, xdp;
	} rows[] = {
		{ { "xdp/*" }, false, true },
		{ { "tcx/*" }, true, false },
		{ { "tcx/ingress/*" }, true, false },
		{ { "tcx/egress/*" }, false, false },
		{ { "tcx/ingress/lo" }, true, false },
		{ { "tcx/ingress/lo/*", "xdp/lo/*" }, false, false },
		{ { "tcx", "tcx/", "xdp", "xdp/" }, false, false },
		{ { "tcx/ingres/*", "tcx/ingress", "tcx/ingress/l",
		    "tcx/ingress0/*" },
		  false,
		  false },
		{ { "action", "tcx/*", "vfs_read", "xdp/*" }, true, true },
		{ { "tc/*", "tcx/egress/*", "tcx/ingress/*", "xdp/lo" },
		  true,
		  true },
	};
	size_t i, m;
	int err;

	OPEN("p_tc", "p_xdp");
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct policy *p = policy_new(BPF_POLICY_ENFORCE);
		struct bpf_policy_rule *r = policy_rule(p, BPF_POLICY_GRAPH,
							BPF_POLICY_F_LATENCY,
							rows[i].members[0]);

		for (m = 1; m < 4 && rows[i].members[m]; m++)
			policy_string(p, rows[i].members[m]);
		r->nr_match = m;
		r->max_latency_ns = TICK_NS - 1;
		policy_use(p);
		err = tcx("p_tc");
		CHECK(err == (rows[i].tcx ? -EACCES : 0), "row %zu: tcx: %s", i,
		      strerror(-err));
		if (!err)
			tcx_off("p_tc");
		err = xdp("p_xdp");
		CHECK(err == (rows[i].xdp ? -EACCES : 0), "row %zu: xdp: %s", i,
		      strerror(-err));
		xdp_off();
	}
}

/* All hooks of two families together. */
static void family_sum(void)
{
	struct policy *p = policy_new(BPF_POLICY_ENFORCE);
	struct bpf_policy_rule *r;
	int err;

	OPEN("p_tc", "p_xdp", "p_xdp_long");
	r = policy_rule(p, BPF_POLICY_GRAPH, BPF_POLICY_F_LATENCY, "tcx/*");
	policy_string(p, "xdp/*");
	r->nr_match = 2;
	r->max_latency_ns = 3 * TICK_NS - 1;
	err = tcx("p_tc"); /* before the policy */
	REQUIRE(!err, "tcx: %s", strerror(-err));
	policy_use(p);
	err = xdp("p_xdp_long");
	CHECK(err == -EACCES, "1 ns too much: %s", strerror(-err));
	err = xdp("p_xdp");
	CHECK(!err, "it fits: %s", strerror(-err));
	err = policy_get(p);
	CHECK(!err && p->rules[1].latency_ns == 2 * TICK_NS &&
		      p->rules[1].hooks == 2 && p->rules[1].denied == 1,
	      "%llu ns at %u hooks, %llu denied", p->rules[1].latency_ns,
	      p->rules[1].hooks, p->rules[1].denied);
	tcx_off("p_tc");
	err = xdp("p_xdp_long");
	CHECK(!err, "there is room again: %s", strerror(-err));
	xdp_off();
}

static void exempt(void)
{
	static const struct {
		const char *name, *comm;
		__u32 type;
		__s64 until; /* from now on */
		int err;
	} rows[] = {
		{ "p_tc", "", 0, 0, 0 },
		{ "p_t*", "", 0, 100, 0 },
		{ "p_tc", "", 0, -1, -EACCES },
		{ "other", "", 0, 0, -EACCES },
		{ "", "", BPF_PROG_TYPE_SCHED_CLS, 0, 0 },
		{ "", "", BPF_PROG_TYPE_XDP, 0, -EACCES },
		{ "", "*", 0, 0, 0 },
		{ "", "systemd", 0, 0, -EACCES },
	};
	struct bpf_policy_rule *r;
	struct policy *p;
	size_t i;
	int err;

	OPEN("p_tc");
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		p = policy_new(BPF_POLICY_ENFORCE);
		policy_rule(p, BPF_POLICY_HOOK, BPF_POLICY_F_PROGRAMS, "*");
		r = policy_rule(p, BPF_POLICY_EXEMPT,
				BPF_POLICY_F_EXEMPT_ATTACH, rows[i].name);
		r->comm_off = policy_string(p, rows[i].comm);
		r->prog_type = rows[i].type;
		r->until = rows[i].until ? time(NULL) + rows[i].until : 0;
		policy_use(p);
		err = tcx("p_tc");
		CHECK(err == rows[i].err, "row %zu: %s", i, strerror(-err));
		if (!err) {
			CHECK(policy_charged(id_of("p_tc"), NULL) == 1,
			      "row %zu: not charged", i);
			tcx_off("p_tc");
		}
	}
}

/* A rule that only warns, and modes that do not deny. */
static void no_denial(void)
{
	struct bpf_policy_denial d;
	struct policy *p;
	__u64 seq;
	int err;

	OPEN("p_tc");
	p = policy_new(BPF_POLICY_ENFORCE);
	policy_rule(p, BPF_POLICY_HOOK, BPF_POLICY_F_PROGRAMS, "*")->action =
		BPF_POLICY_WARN;
	policy_use(p);
	seq = policy_seq();
	err = tcx("p_tc");
	CHECK(!err && policy_denial(seq, &d) && !d.denied, "warn: %s",
	      strerror(-err));
	err = policy_get(p);
	CHECK(!err && p->rules[1].would_deny == 1 &&
		      p->rules[0].would_deny == 1 && !p->rules[0].allowed &&
		      !p->rules[0].denied,
	      "warn: counted %llu, %llu", p->rules[1].would_deny,
	      p->rules[0].would_deny);
	tcx_off("p_tc");

	policy_forbid("*", BPF_POLICY_OFF);
	seq = policy_seq();
	err = tcx("p_tc");
	CHECK(!err && !policy_denial(seq, &d), "off: %s", strerror(-err));
	CHECK(policy_charged(id_of("p_tc"), NULL) == 1, "off: not charged");
}

static void existing(void)
{
	const struct bpf_policy_charge *c;
	struct bpf_policy_denial d;
	struct policy *p;
	__u64 seq;
	__u32 nr;
	int err;

	OPEN("p_tc", "p_tc_long");
	err = tcx("p_tc");
	REQUIRE(!err, "attach: %s", strerror(-err));
	p = policy_new(BPF_POLICY_ENFORCE);
	p->rules[0].flags = BPF_POLICY_F_WARN_EXISTING;
	policy_rule(p, BPF_POLICY_HOOK, BPF_POLICY_F_LATENCY, "tcx/*")
		->max_latency_ns = 999;
	seq = policy_seq();
	policy_use(p);
	CHECK(policy_denial(seq, &d) && !d.denied && !d.pid &&
		      d.prog_id == id_of("p_tc") && !d.there_ns &&
		      d.limit_ns == 999,
	      "not told of what is there");
	c = policy_charges(&nr);
	CHECK(nr == 1 && c->flags == BPF_POLICY_CHARGE_OVER && c->rule == 1 &&
		      c->worst_ns == 1000,
	      "%u charges, flags %u, rule %u", nr, c->flags, c->rule);
	p->rules[1].max_latency_ns = 1000;
	policy_use(p);
	c = policy_charges(&nr);
	CHECK(nr == 1 && !c->flags, "within the limit: %u charges, flags %u",
	      nr, c->flags);
	err = tcx("p_tc_long");
	CHECK(err == -EACCES, "another one: %s", strerror(-err));
}

/* What is replaced does not count. */
static void replaced(void)
{
	LIBBPF_OPTS(bpf_prog_attach_opts, opts, .flags = BPF_F_REPLACE);
	static const char *const links[][2] = {
		{ "p_xdp", "p_xdp_long" },
		{ "p_iter", "p_iter_long" },
		{ "p_sk_lookup", "p_sk_lookup_long" },
		{ "p_cgroup_skb", "p_cgroup_skb_long" },
		{ "p_tc", "p_tc_long" },
		{ "p_sk_msg", "p_sk_msg_long" },
	};
	int fd, cgroup, err;
	size_t i;

	OPEN("p_xdp", "p_xdp_long", "p_iter", "p_iter_long", "p_sk_lookup",
	     "p_sk_lookup_long", "p_cgroup_skb", "p_cgroup_skb_long", "p_tc",
	     "p_tc_long", "p_sk_msg", "p_sk_msg_long");
	mkdir("/sys/fs/cgroup/policy_test", 0755);
	cgroup = open("/sys/fs/cgroup/policy_test",
		      O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	REQUIRE(cgroup >= 0, "cgroup: %m");
	for (i = 0; i < ARRAY_SIZE(links); i++) {
		const char *old = links[i][0], *new = links[i][1];
		struct bpf_program *prog =
			bpf_object__find_program_by_name(ways->obj, old);
		/* A sockmap charges until the program is freed. */
		bool kept = !strcmp(old, "p_sk_msg");
		struct bpf_link *link;
		struct policy *p;
		int link_fd = -1;
		__u32 n;

		policy_unload();
		switch (i) {
		case 0:
			link = bpf_program__attach_xdp(prog, LO);
			break;
		case 2:
			fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
			link = bpf_program__attach_netns(prog, fd);
			close(fd);
			break;
		case 3:
			link = bpf_program__attach_cgroup(prog, cgroup);
			break;
		case 4:
			link_fd = bpf_link_create(way_fd(old), LO,
						  BPF_TCX_EGRESS, NULL);
			link = NULL;
			break;
		case 5:
			link = bpf_program__attach_sockmap(
				prog, bpf_map__fd(ways->maps.sockmap));
			break;
		default:
			link = bpf_program__attach(prog);
		}
		if (link)
			link_fd = bpf_link__fd(link);
		REQUIRE(link_fd >= 0, "%s: %m", old);
		p = policy_new(BPF_POLICY_ENFORCE);
		policy_rule(p, BPF_POLICY_HOOK, BPF_POLICY_F_LATENCY, "*")
			->max_latency_ns = 1999;
		policy_use(p);
		err = bpf_link_update(link_fd, way_fd(new), NULL);
		CHECK(err == -EACCES, "%s: update: %s", old, strerror(-err));
		CHECK(policy_charged(id_of(old), NULL) == 1 &&
			      !policy_charged(id_of(new), NULL),
		      "%s: denied, but the charges changed", old);
		p->rules[1].max_latency_ns = kept ? 3000 : 2000;
		policy_use(p);
		err = bpf_link_update(link_fd, way_fd(new), NULL);
		CHECK(!err, "%s: update that fits: %s", old, strerror(-err));
		n = policy_charged(id_of(old), NULL);
		CHECK(n == kept && policy_charged(id_of(new), NULL) == 1,
		      "%s: updated, charges %u", old, n);
		/* The same again: nothing changes. */
		err = bpf_link_update(link_fd, way_fd(new), NULL);
		CHECK(policy_charged(id_of(new), NULL) == 1,
		      "%s: charged after the same again", new);
		err = link ? bpf_link__destroy(link) : close(link_fd);
		CHECK(!err && policy_charged(id_of(new), NULL) == kept,
		      "%s: charged though it is gone", new);
	}

	limit_tcx(2000, BPF_POLICY_ENFORCE);
	err = tcx("p_tc");
	CHECK(!err, "tcx: %s", strerror(-err));
	opts.replace_prog_fd = way_fd("p_tc");
	err = bpf_prog_attach_opts(way_fd("p_tc_long"), LO, BPF_TCX_INGRESS,
				   &opts);
	CHECK(!err, "tcx, BPF_F_REPLACE: %s", strerror(-err));
	CHECK(!policy_charged(id_of("p_tc"), NULL) &&
		      policy_charged(id_of("p_tc_long"), NULL),
	      "tcx: charges");

	policy_unload();
	err = bpf_prog_attach(way_fd("p_cgroup_skb"), cgroup,
			      BPF_CGROUP_INET_EGRESS, 0);
	CHECK(!err, "cgroup: %s", strerror(-err));
	err = bpf_prog_attach(way_fd("p_cgroup_skb_long"), cgroup,
			      BPF_CGROUP_INET_EGRESS, 0);
	CHECK(!err && !policy_charged(id_of("p_cgroup_skb"), NULL) &&
		      policy_charged(id_of("p_cgroup_skb_long"), NULL) == 1,
	      "cgroup: override: %s", strerror(-err));
	err = bpf_prog_detach2(way_fd("p_cgroup_skb_long"), cgroup,
			       BPF_CGROUP_INET_EGRESS);
	CHECK(!err && !policy_charged(id_of("p_cgroup_skb_long"), NULL),
	      "cgroup: detach: %s", strerror(-err));

	limit_tcx(1, BPF_POLICY_ENFORCE);
	err = xdp("p_xdp");
	CHECK(!err, "xdp: %s", strerror(-err));
	err = xdp("p_xdp_long");
	CHECK(!err && !policy_charged(id_of("p_xdp"), NULL) &&
		      policy_charged(id_of("p_xdp_long"), NULL) == 1,
	      "xdp by netlink: %s", strerror(-err));
	xdp_off();
	CHECK(!policy_charged(id_of("p_xdp_long"), NULL),
	      "xdp: charged though it is gone");
}

/* One of many hooks is denied: none is attached, and nothing is charged. */
static void all_or_nothing(void)
{
	struct bpf_link *link;
	__u32 nr;

	OPEN("p_kprobe_multi");
	policy_forbid("kprobe/bpf_fentry_test7", BPF_POLICY_ENFORCE);
	link = attach("p_kprobe_multi");
	CHECK(!link && errno == EACCES, "attached: %m");
	policy_charges(&nr);
	CHECK(!nr, "%u charges", nr);
}

/* What is no attaching is not asked for. */
static void other_uses(void)
{
	struct policy *p = policy_new(BPF_POLICY_ENFORCE);
	__u32 id, fd;
	int err;

	policy_rule(p, BPF_POLICY_HOOK, BPF_POLICY_F_PROGRAMS, "*");
	policy_use(p);
	OPEN("p_syscall", "p_xdp");
	err = prog_run(way_fd("p_syscall"), NULL);
	CHECK(!err, "test run: %s", strerror(-err));
	err = way_pin(ways->progs.p_syscall);
	CHECK(!err, "pin: %s", strerror(-err));
	fd = bpf_obj_get(WAY_PIN);
	CHECK((int)fd >= 0, "get: %m");
	close(fd);
	unlink(WAY_PIN);
	id = id_of("p_xdp");
	fd = bpf_prog_get_fd_by_id(id);
	CHECK((int)fd >= 0, "fd by id: %m");
	close(fd);
	err = bpf_prog_bind_map(way_fd("p_xdp"), bpf_map__fd(ways->maps.devmap),
				NULL);
	CHECK(!err, "bind map: %s", strerror(-err));
	policy_unload();
	err = xdp("p_xdp");
	REQUIRE(!err, "xdp: %s", strerror(-err));
	policy_use(p);
	err = bpf_xdp_detach(LO, XDP_FLAGS_SKB_MODE, NULL);
	CHECK(!err, "detach: %s", strerror(-err));
}

static int add_probe(const char *text)
{
	int fd = open("/sys/kernel/tracing/kprobe_events",
		      O_WRONLY | O_APPEND | O_CLOEXEC);
	int err = write(fd, text, strlen(text)) < 0 ? -errno : 0;

	close(fd);
	return err;
}

/* A probe that is added to an event would bring its programs to another place. */
static void no_more_probes(void)
{
	LIBBPF_OPTS(bpf_kprobe_opts, opts,
		    .attach_mode = PROBE_ATTACH_MODE_LEGACY);
	char out[300], name[100] = "", text[200];
	struct bpf_link *link;
	int err, status;

	trace_start();
	OPEN("p_probe");
	link = bpf_program__attach_kprobe_opts(ways->progs.p_probe,
					       "bpf_fentry_test2", &opts);
	REQUIRE(link, "attach: %m");
	status = run_command(
		out, sizeof(out),
		"sed -n 's,^p:\\([^ ]*\\) bpf_fentry_test2.*,\\1,p' "
		"/sys/kernel/tracing/kprobe_events");
	REQUIRE(!status && sscanf(out, "%99s", name) == 1, "the event: %s",
		out);
	snprintf(text, sizeof(text), "p:%s bpf_fentry_test4", name);
	policy_forbid("kprobe/*", BPF_POLICY_MONITOR);
	err = add_probe(text);
	CHECK(!err, "under a policy that only tells: %s", strerror(-err));
	snprintf(text, sizeof(text), "p:%s bpf_fentry_test3", name);
	policy_forbid("kprobe/bpf_fentry_test3", BPF_POLICY_ENFORCE);
	err = add_probe(text);
	CHECK(err == -EBUSY, "under the policy: %s", strerror(-err));
	policy_unload();
	err = add_probe(text);
	CHECK(!err, "without: %s", strerror(-err));
	bpf_link__destroy(link);
	snprintf(text, sizeof(text), "-:%s", name);
	add_probe(text);
}

/* The link to a policy that is in force for a time. */
static void revert(void)
{
	struct policy *p;
	int err;

	policy_forbid("first", BPF_POLICY_ENFORCE);
	p = policy_new(BPF_POLICY_MONITOR);
	p->revert_s = 1;
	policy_use(p);
	p = policy_new(BPF_POLICY_OFF);
	p->revert_s = 2;
	policy_use(p); /* returns to the first one, too */
	err = policy_get(p);
	CHECK(!err && p->revert_s && p->revert_s <= 2 &&
		      p->rules[0].mode == BPF_POLICY_OFF,
	      "%u s left, mode %u: %s", p->revert_s, p->rules[0].mode,
	      strerror(-err));
	for (int i = 0; i < 100; i++) {
		err = policy_get(p);
		if (err || p->rules[0].mode == BPF_POLICY_ENFORCE)
			break;
		usleep(100000);
	}
	CHECK(!err && p->nr == 2 && p->rules[0].mode == BPF_POLICY_ENFORCE &&
		      !p->revert_s &&
		      !strcmp(p->strings + p->rules[1].match_off, "first"),
	      "%u rules, mode %u: %s", p->nr, p->rules[0].mode, strerror(-err));

	p = policy_new(BPF_POLICY_MONITOR);
	p->revert_s = 1;
	policy_use(p);
	{
		union bpf_attr attr = {};

		attr.policy.op = BPF_POLICY_KEEP;
		err = policy_command(&attr, sizeof(attr));
		CHECK(!err, "keep: %s", strerror(-err));
		err = policy_command(&attr, sizeof(attr));
		CHECK(err == -ENOENT, "keep again: %s", strerror(-err));
	}
	sleep(2);
	err = policy_get(p);
	CHECK(!err && p->nr == 1 && p->rules[0].mode == BPF_POLICY_MONITOR,
	      "not kept: %s", strerror(-err));
	err = policy_unload();
	CHECK(!err, "unload: %s", strerror(-err));
	err = policy_unload();
	CHECK(err == -ENOENT, "unload again: %s", strerror(-err));
	err = policy_get(p);
	CHECK(err == -ENOENT, "get: %s", strerror(-err));
}

/* A hook of its own, in a map of its own. */
static uint64_t time_update(const char *name)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_PROG_ARRAY, "one", 4, 4, 1, NULL),
	    err;
	__u32 key = 0, prog = way_fd(name);
	uint64_t start;

	REQUIRE(fd >= 0, "map: %m");
	start = now_ns();
	err = bpf_map_update_elem(fd, &key, &prog, 0);
	start = now_ns() - start;
	REQUIRE(!err, "update: %s", strerror(-err));
	return start;
}

/* 1,000 rules, none of which matches before the last, and 1,000 attachments. */
static void thousand(void)
{
	static int fds[1000];
	struct policy *p = policy_new(BPF_POLICY_ENFORCE);
	struct bpf_policy_rule *r;
	uint64_t bare, new_hook, old_hook;
	char name[40];
	__u32 nr;
	int err, i;

	OPEN("p_xdp", "p_xdp_long", "p_xdp_other");
	p->rules[0].action = BPF_POLICY_ALLOW;
	for (i = 1; i < 999; i++) {
		snprintf(name, sizeof(name), "tcx/*/dev%d*", i);
		policy_rule(p, BPF_POLICY_HOOK, BPF_POLICY_F_PROGRAMS, name);
	}
	r = policy_rule(p, BPF_POLICY_HOOK, BPF_POLICY_F_LATENCY, "*");
	r->max_latency_ns = 10000000;
	for (i = 0; i < 1000; i++) {
		__u32 key = 0, prog = way_fd("p_xdp");

		fds[i] = bpf_map_create(BPF_MAP_TYPE_PROG_ARRAY, "many", 4, 4,
					1, NULL);
		REQUIRE(fds[i] >= 0, "map: %m");
		err = bpf_map_update_elem(fds[i], &key, &prog, 0);
		REQUIRE(!err, "update %d: %s", i, strerror(-err));
	}
	policy_charges(&nr);
	CHECK(nr == 1000, "%u charges", nr);
	/* All that differs is what the policy takes. */
	bare = time_update("p_xdp_long");
	policy_use(p);
	new_hook = time_update("p_xdp_other");
	old_hook = time_update("p_xdp_other");
	diag("update of a prog array: %llu ns without a policy, %llu ns with 1,000 rules, "
	     "%llu ns at a hook that was matched before",
	     (unsigned long long)bare, (unsigned long long)new_hook,
	     (unsigned long long)old_hook);
	/* 1 ms; QEMU without KVM and icount is some 20 times slower. */
	CHECK(new_hook < bare + 20 * NSEC_PER_MSEC, "a decision took %llu ns",
	      (unsigned long long)(new_hook - bare));
}

static const struct test tests[] = {
	{ "latency",
	  "the sum of a hook is limited, and what is detached is given back",
	  latency, NEEDS_WATCHDOG },
	{ "programs", "the number of programs of a hook is limited", programs,
	  NEEDS_WATCHDOG },
	{ "unbounded",
	  "programs without a bound are denied, warned of or allowed",
	  unbounded, NEEDS_WATCHDOG },
	{ "first_match", "the first rule that matches a hook applies",
	  first_match, NEEDS_WATCHDOG },
	{ "graph", "the sum of all hooks of a graph is limited", graph,
	  NEEDS_WATCHDOG },
	{ "families", "members of graphs, by name and by family of hooks",
	  families, NEEDS_WATCHDOG },
	{ "family_sum", "the sum of all hooks of families is limited",
	  family_sum, NEEDS_WATCHDOG },
	{ "exempt", "programs are exempt by name, type and task, until a time",
	  exempt, NEEDS_WATCHDOG },
	{ "no_denial", "a rule that warns, and mode off, deny nothing",
	  no_denial, NEEDS_WATCHDOG },
	{ "existing",
	  "what is attached before a policy stays, is told of and marked",
	  existing, NEEDS_WATCHDOG },
	{ "replaced",
	  "a program that replaces another one is charged in its place",
	  replaced, NEEDS_WATCHDOG },
	{ "all_or_nothing", "one hook of many is denied: nothing is attached",
	  all_or_nothing, NEEDS_WATCHDOG },
	{ "other_uses",
	  "running, pinning, binding and detaching are not denied", other_uses,
	  NEEDS_WATCHDOG },
	{ "no_more_probes", "an event with a program gets no more probes",
	  no_more_probes, NEEDS_WATCHDOG },
	{ "revert", "a policy for a time goes, unless it is kept", revert,
	  NEEDS_WATCHDOG },
	{ "thousand", "1,000 rules and 1,000 attachments", thousand,
	  NEEDS_WATCHDOG },
};

const struct suite suite_policy_rules = {
	.name = "policy_rules",
	.tests = tests,
	.nr_tests = ARRAY_SIZE(tests),
};
