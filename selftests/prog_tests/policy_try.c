// SPDX-License-Identifier: GPL-2.0
/* What a policy would make of what is attached, without being loaded; and the places where that
 * is.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include "traffic/policy_ways.h"

#define LO 1

/* 0 or -errno; *nr is the room, and set to what there is. */
static int try(const struct policy *p, __u32 flags,
	       struct bpf_policy_charge *charges, __u32 *nr)
{
	union bpf_attr attr = {};
	int err;

	attr.policy.op = BPF_POLICY_LOAD;
	attr.policy.flags = flags;
	attr.policy.rec_size = sizeof(p->rules[0]);
	attr.policy.nr_recs = p->nr;
	attr.policy.recs = (unsigned long)p->rules;
	attr.policy.strings = (unsigned long)p->strings;
	attr.policy.strings_size = p->strings_size;
	attr.policy.charges = (unsigned long)charges;
	attr.policy.nr_charges = *nr;
	err = policy_command(&attr, sizeof(attr));
	*nr = attr.policy.nr_charges;
	return err;
}

/* The only charge of a program, as the policy would have it. */
static struct bpf_policy_charge tried(const struct policy *p, const char *prog)
{
	static struct bpf_policy_charge charges[MAX_CHARGES];
	__u32 nr = MAX_CHARGES, id = prog_info(way_fd(prog)).id, found = nr;
	int err = try(p, BPF_POLICY_CHECK_ONLY, charges, &nr);

	REQUIRE(!err, "try: %s", strerror(-err));
	for (__u32 i = 0; i < nr; i++)
		if (charges[i].prog_id == id)
			found = i;
	REQUIRE(found < nr, "%s is not there", prog);
	return charges[found];
}

/* The real one, which counts. Of this thread only. */
static void be(unsigned int uid)
{
	REQUIRE(!syscall(SYS_setreuid, uid, -1), "setreuid: %m");
}

static void tcx(const char *prog)
{
	int err = bpf_prog_attach_opts(way_fd(prog), LO, BPF_TCX_INGRESS, NULL);

	REQUIRE(!err, "tcx: %s", strerror(-err));
}

/* A rule for hooks besides the one that applies, and an exemption by user. */
static struct policy *by_uid(unsigned int uid)
{
	struct policy *p = policy_new(BPF_POLICY_ENFORCE);
	struct bpf_policy_rule *r;

	p->rules[0].flags |= BPF_POLICY_F_DETACH_EXISTING;
	policy_rule(p, BPF_POLICY_HOOK, BPF_POLICY_F_PROGRAMS, "xdp/*");
	policy_rule(p, BPF_POLICY_HOOK, BPF_POLICY_F_PROGRAMS, "tcx/*");
	r = policy_rule(p, BPF_POLICY_EXEMPT,
			BPF_POLICY_F_EXEMPT_ATTACH | BPF_POLICY_F_UID, "");
	r->uid = uid;
	return p;
}

static void exempt(void)
{
	struct bpf_policy_charge c;
	static struct policy seen;
	int err;

	be(1234);
	OPEN("p_tc");
	tcx("p_tc");
	be(0);
	c = tried(by_uid(1234), "p_tc");
	CHECK(c.flags == BPF_POLICY_CHARGE_EXEMPT && c.rule == 2,
	      "flags %u, rule %u", c.flags, c.rule);
	c = tried(by_uid(1235), "p_tc");
	CHECK(!c.flags && c.rule == 2, "flags %u, rule %u", c.flags, c.rule);
	/* Nothing has happened. */
	err = policy_get(&seen);
	CHECK(err == -ENOENT, "GET: %s", strerror(-err));
	CHECK(policy_charged(c.prog_id, NULL) == 1, "it is detached");

	/* Loaded by one, attached by another one. */
	bpf_prog_detach_opts(way_fd("p_tc"), LO, BPF_TCX_INGRESS, NULL);
	tcx("p_tc");
	c = tried(by_uid(1234), "p_tc");
	CHECK(!c.flags, "lent: flags %u", c.flags);
	c = tried(by_uid(0), "p_tc");
	CHECK(!c.flags, "of another one: flags %u", c.flags);
}

/* Beside a policy in force, which is another one. */
static void in_force(void)
{
	struct bpf_policy_charge c;
	struct policy *p;

	OPEN("p_tc");
	tcx("p_tc");
	p = policy_new(BPF_POLICY_ENFORCE);
	policy_rule(p, BPF_POLICY_HOOK, BPF_POLICY_F_PROGRAMS, "*");
	policy_use(p);
	c = tried(by_uid(0), "p_tc");
	CHECK(c.flags == BPF_POLICY_CHARGE_EXEMPT && c.rule == 2,
	      "flags %u, rule %u", c.flags, c.rule);
	CHECK(policy_charges(&(__u32){ 0 })[0].flags == BPF_POLICY_CHARGE_OVER,
	      "the one in force has changed");
}

static void room(void)
{
	struct bpf_policy_charge charges[4];
	struct policy *p;
	__u32 nr = 1;
	int err;

	OPEN("p_tc", "p_tc_long");
	tcx("p_tc");
	tcx("p_tc_long");
	p = by_uid(0);
	err = try(p, BPF_POLICY_CHECK_ONLY, charges, &nr);
	CHECK(err == -ENOSPC && nr == 2, "too few: %s, %u", strerror(-err), nr);
	memset(charges, 0xff, sizeof(charges));
	nr = 4;
	err = try(p, BPF_POLICY_CHECK_ONLY, charges, &nr);
	CHECK(!err && nr == 2 && charges[2].prog_id == ~0U, "%s, %u",
	      strerror(-err), nr);
	nr = 4;
	err = try(p, BPF_POLICY_CHECK_ONLY, (void *)8, &nr);
	CHECK(err == -EFAULT, "no memory: %s", strerror(-err));
	nr = 4;
	err = try(p, 0, charges, &nr);
	CHECK(err == -EINVAL, "not only checked: %s", strerror(-err));
	nr = 4;
	err = try(p, BPF_POLICY_CHECK_ONLY, NULL, &nr);
	CHECK(err == -EINVAL, "room for nothing: %s", strerror(-err));
	p->rules[1].kind = 99;
	nr = 4;
	err = try(p, BPF_POLICY_CHECK_ONLY, charges, &nr);
	CHECK(err == -EINVAL, "a bad rule: %s", strerror(-err));
}

static __u64 place_of(const char *prog, __u32 n)
{
	__u32 nr, id = prog_info(way_fd(prog)).id;
	const struct bpf_policy_charge *c = policy_charges(&nr);

	for (__u32 i = 0; i < nr; i++)
		if (c[i].prog_id == id && !n--)
			return c[i].place;
	return 0;
}

static struct bpf_link *netfilter(const char *prog, int priority)
{
	LIBBPF_OPTS(bpf_netfilter_opts, opts, .pf = AF_INET, .hooknum = 1,
		    .priority = priority);
	struct bpf_link *link = bpf_program__attach_netfilter(
		bpf_object__find_program_by_name(ways->obj, prog), &opts);

	REQUIRE(link, "%s: %m", prog);
	return link;
}

/* Of two network namespaces: one name, two places; each with its own programs. */
static void places(void)
{
	int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	struct bpf_link *links[3];
	__u64 a, b;

	REQUIRE(fd >= 0, "/proc/self/ns/net: %m");
	OPEN("p_netfilter", "p_netfilter_long");
	links[0] = netfilter("p_netfilter", -100);
	REQUIRE(!unshare(CLONE_NEWNET), "unshare: %m");
	links[1] = netfilter("p_netfilter", -100);
	links[2] = netfilter("p_netfilter_long", -99);
	REQUIRE(!setns(fd, CLONE_NEWNET), "setns: %m");
	close(fd);
	a = place_of("p_netfilter", 0);
	b = place_of("p_netfilter", 1);
	CHECK(a && b && a != b, "places %llu and %llu", a, b);
	CHECK(place_of("p_netfilter_long", 0) == a ||
		      place_of("p_netfilter_long", 0) == b,
	      "neither");
	for (int i = 0; i < 3; i++)
		bpf_link__destroy(links[i]);
}

/* Who is exempt is not told of, when a policy comes that he breaks, as one that would be denied. */
static void not_told(void)
{
	struct policy *p = policy_new(BPF_POLICY_ENFORCE);
	struct bpf_policy_denial d;
	__u64 seq;

	OPEN("p_tc_long");
	tcx("p_tc_long");
	p->rules[0].flags |= BPF_POLICY_F_WARN_EXISTING;
	policy_rule(p, BPF_POLICY_HOOK, BPF_POLICY_F_LATENCY, "tcx/*")
		->max_latency_ns = 1;
	seq = policy_seq();
	policy_use(p);
	CHECK(policy_denial(seq, &d), "not exempt: nothing was told");
	policy_rule(p, BPF_POLICY_EXEMPT,
		    BPF_POLICY_F_EXEMPT_ATTACH | BPF_POLICY_F_UID, "");
	seq = policy_seq();
	policy_use(p);
	CHECK(!policy_denial(seq, &d), "exempt: reason %u, rule %u", d.reason,
	      d.rule);
}

#define TEST(fn, desc) { #fn, desc, fn, NEEDS_WATCHDOG }

static const struct test tests[] = {
	TEST(exempt, "who would be exempt by a policy that is only checked"),
	TEST(in_force, "the same beside a policy in force"),
	TEST(not_told, "who is exempt is not told of"),
	TEST(places, "hooks of two network namespaces are two places"),
	TEST(room, "room for what is attached"),
};

const struct suite suite_policy_try = {
	.name = "policy_try",
	.tests = tests,
	.nr_tests = ARRAY_SIZE(tests),
};
