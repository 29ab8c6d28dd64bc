// SPDX-License-Identifier: GPL-2.0
/*
 * Control groups as places: what a task does runs the programs of its group and of those above
 * it, and none of those beside it. So the sum is that of the longest way down through a group.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/stat.h>
#include "traffic/policy_ways.h"

#define HOOK "cgroup_skb/egress"

/*
 * top -+- a --- a1 --- a2
 *      +- b --- b1
 *      +- c
 */
static const char *const paths[] = { "",   "/a",    "/a/a1", "/a/a1/a2",
				     "/b", "/b/b1", "/c" };
enum { TOP, A, A1, A2, B, B1, C, NR };
static int groups[NR];

static const char *path_of(int group)
{
	static char path[100];

	snprintf(path, sizeof(path), "/sys/fs/cgroup/policy_groups%s",
		 paths[group]);
	return path;
}

static void groups_end(void)
{
	for (int i = NR; i-- > 0;) {
		if (groups[i] > 0)
			close(groups[i]);
		groups[i] = -1;
		rmdir(path_of(i));
	}
}

static void groups_begin(void)
{
	groups_end();
	for (int i = 0; i < NR; i++) {
		REQUIRE(!mkdir(path_of(i), 0755), "%s: %m", path_of(i));
		groups[i] =
			open(path_of(i), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		REQUIRE(groups[i] >= 0, "%s: %m", path_of(i));
	}
	OPEN("p_cgroup_skb", "p_cgroup_skb_long", "p_cgroup_sock");
}

/* One tick, or two. */
static const char *prog_of(int ticks)
{
	return ticks == 1 ? "p_cgroup_skb" : "p_cgroup_skb_long";
}

static int attach(int group, int ticks)
{
	return bpf_prog_attach(way_fd(prog_of(ticks)), groups[group],
			       BPF_CGROUP_INET_EGRESS, BPF_F_ALLOW_MULTI) ?
		       -errno :
		       0;
}

static void detach(int group, int ticks)
{
	REQUIRE(!bpf_prog_detach2(way_fd(prog_of(ticks)), groups[group],
				  BPF_CGROUP_INET_EGRESS),
		"%s: %m", path_of(group));
}

/* There is room for it, and perhaps it stays. */
static void fits(int group, int ticks, bool stay)
{
	int err = attach(group, ticks);

	CHECK(!err, "%d ticks at %s: %s", ticks, path_of(group),
	      strerror(-err));
	if (!err && !stay)
		detach(group, ticks);
}

/* There is not, as so many ticks, or programs, are there. */
static void no_room(int group, int ticks, __u64 there)
{
	__u64 seq = policy_seq();
	struct bpf_policy_denial d = {};
	int err = attach(group, ticks);

	CHECK(err == -EACCES, "%d ticks at %s: %s", ticks, path_of(group),
	      strerror(-err));
	if (!err)
		detach(group, ticks);
	CHECK(policy_denial(seq, &d) && d.denied == 1 &&
		      d.there_ns == (d.reason == BPF_POLICY_OVER_PROGRAMS ?
					     there :
					     there * TICK_NS),
	      "%s: %llu there, not %llu", path_of(group), d.there_ns, there);
}

static struct policy *limit(__u32 ticks)
{
	struct policy *p = policy_new(BPF_POLICY_ENFORCE);

	p->rules[0].action = BPF_POLICY_ALLOW;
	policy_rule(p, BPF_POLICY_HOOK, BPF_POLICY_F_LATENCY, HOOK)
		->max_latency_ns = ticks * TICK_NS;
	policy_use(p);
	return p;
}

static void latency_of(struct policy *p, __u32 rule, __u64 ticks,
		       __u32 programs)
{
	policy_get(p);
	CHECK(p->rules[rule].latency_ns == ticks * TICK_NS &&
		      p->rules[rule].programs == programs,
	      "rule %u: %llu ns, %u programs", rule, p->rules[rule].latency_ns,
	      p->rules[rule].programs);
}

static void siblings(void)
{
	struct policy *p;

	groups_begin();
	p = limit(2);
	fits(A, 2, true);
	fits(B, 2, true);
	fits(C, 2, true);
	latency_of(p, 1, 2, 1);
	no_room(A, 1, 2);
	no_room(A1, 1, 2);
	no_room(TOP, 1, 2);
	/* Another hook of the same groups. */
	CHECK(!bpf_prog_attach(way_fd("p_cgroup_sock"), groups[TOP],
			       BPF_CGROUP_INET_SOCK_CREATE, 0),
	      "another hook: %m");
	groups_end();
}

static void parent_and_child(void)
{
	groups_begin();
	limit(3);
	fits(TOP, 1, true);
	fits(A, 1, true);
	fits(A2, 1, true);
	no_room(A1, 1, 3);
	no_room(A2, 2, 3);
	fits(B, 2, false);
	detach(TOP, 1);
	fits(A1, 1, true);
	no_room(TOP, 1, 3);
	no_room(A, 2, 3);
	groups_end();
}

/* For what comes above, the longest way down counts; when that is gone, the next one. */
static void longest_below(void)
{
	struct policy *p;

	groups_begin();
	p = limit(5);
	fits(A1, 2, true);
	fits(A2, 1, true);
	fits(B1, 2, true);
	fits(C, 1, true);
	fits(TOP, 2, true);
	latency_of(p, 1, 5, 3);
	no_room(TOP, 1, 5);
	no_room(A, 1, 5);
	no_room(B, 2, 4);
	fits(B, 1, false);
	detach(A2, 1);
	fits(TOP, 1, false);
	detach(A1, 2);
	latency_of(p, 1, 4, 2);
	fits(TOP, 1, true);
	no_room(B, 1, 5);
	fits(A, 2, false);
	groups_end();
}

static void number_of_programs(void)
{
	struct policy *p;

	groups_begin();
	p = policy_new(BPF_POLICY_ENFORCE);
	p->rules[0].action = BPF_POLICY_ALLOW;
	policy_rule(p, BPF_POLICY_HOOK, BPF_POLICY_F_PROGRAMS, HOOK)
		->max_programs = 2;
	policy_use(p);
	fits(A1, 1, true);
	fits(B, 1, true);
	fits(C, 1, true);
	fits(TOP, 1, true);
	no_room(TOP, 2, 2);
	no_room(A2, 1, 2);
	no_room(A, 1, 2);
	latency_of(p, 1, 2, 2);
	detach(TOP, 1);
	fits(A, 1, false);
	groups_end();
}

/* A group that is removed gives back what is in it, and the place of a new one is another one. */
static void removed(void)
{
	__u32 nr;

	groups_begin();
	limit(2);
	fits(TOP, 1, true);
	fits(C, 1, true);
	no_room(TOP, 2, 2);
	close(groups[C]);
	REQUIRE(!rmdir(path_of(C)), "%s: %m", path_of(C));
	for (int i = 0; i < 100; i++) {
		policy_charges(&nr);
		if (nr == 1)
			break;
		usleep(20000);
	}
	CHECK(nr == 1, "%u charges", nr);
	fits(B, 1, true);
	REQUIRE(!mkdir(path_of(C), 0755), "%s: %m", path_of(C));
	groups[C] = open(path_of(C), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fits(C, 1, true);
	no_room(C, 2, 2);
	groups_end();
}

/* What is replaced does not count, wherever it is; what is hidden does. */
static void replaced(void)
{
	LIBBPF_OPTS(bpf_prog_attach_opts, opts,
		    .flags = BPF_F_ALLOW_MULTI | BPF_F_REPLACE);
	int err, link;

	groups_begin();
	limit(3);
	fits(TOP, 1, true);
	fits(A1, 1, true);
	fits(B, 2, true);
	opts.replace_prog_fd = way_fd(prog_of(1));
	err = bpf_prog_attach_opts(way_fd(prog_of(2)), groups[A1],
				   BPF_CGROUP_INET_EGRESS, &opts);
	CHECK(!err, "below: %s", strerror(-err));
	opts.replace_prog_fd = way_fd(prog_of(1));
	err = bpf_prog_attach_opts(way_fd(prog_of(2)), groups[TOP],
				   BPF_CGROUP_INET_EGRESS, &opts);
	CHECK(err == -EACCES, "above: %s", strerror(-err));
	detach(A1, 2);
	detach(B, 2);
	detach(TOP, 1);

	link = bpf_link_create(way_fd(prog_of(1)), groups[A],
			       BPF_CGROUP_INET_EGRESS, NULL);
	REQUIRE(link >= 0, "link: %m");
	fits(TOP, 1, true);
	err = bpf_link_update(link, way_fd(prog_of(2)), NULL);
	CHECK(!err, "update: %s", strerror(-err));
	no_room(A2, 1, 3);
	close(link);
	detach(TOP, 1);

	limit(2);
	REQUIRE(!bpf_prog_attach(way_fd(prog_of(1)), groups[TOP],
				 BPF_CGROUP_INET_EGRESS, BPF_F_ALLOW_OVERRIDE),
		"override: %m");
	err = bpf_prog_attach(way_fd(prog_of(2)), groups[A],
			      BPF_CGROUP_INET_EGRESS, BPF_F_ALLOW_OVERRIDE);
	CHECK(err == -EACCES, "it hides the other one: %s", strerror(-err));
	groups_end();
}

static struct policy *limit_graph(__u32 ticks)
{
	struct policy *p = policy_new(BPF_POLICY_ENFORCE);
	struct bpf_policy_rule *r;

	p->rules[0].action = BPF_POLICY_ALLOW;
	r = policy_rule(p, BPF_POLICY_GRAPH, BPF_POLICY_F_LATENCY, HOOK);
	r->nr_match = 1;
	r->max_latency_ns = ticks * TICK_NS;
	policy_use(p);
	return p;
}

/* A call graph has what one packet runs, of each hook. */
static void graph(void)
{
	struct policy *p;

	groups_begin();
	p = limit_graph(3);
	fits(A, 2, true);
	fits(B, 2, true);
	fits(TOP, 1, true);
	latency_of(p, 1, 3, 3);
	no_room(B1, 1, 3);
	no_room(TOP, 2, 3);
	fits(C, 2, true);
	detach(A, 2);
	latency_of(p, 1, 3, 3);
	detach(B, 2);
	fits(B, 2, true);
	detach(B, 2);
	detach(C, 2);
	latency_of(p, 1, 1, 1);
	detach(TOP, 1);
	latency_of(p, 1, 0, 0);
	/* What is there when it is loaded. */
	policy_unload();
	fits(A, 1, true);
	fits(A1, 1, true);
	fits(B, 1, true);
	p = limit_graph(3);
	latency_of(p, 1, 2, 3);
	no_room(A2, 2, 2);
	fits(B1, 2, true);
	groups_end();
}

static bool is_at(int group, int ticks)
{
	__u32 ids[64], n = ARRAY_SIZE(ids);
	LIBBPF_OPTS(bpf_prog_query_opts, opts, .prog_ids = ids, .count = n);

	REQUIRE(!bpf_prog_query_opts(groups[group], BPF_CGROUP_INET_EGRESS,
				     &opts),
		"query: %m");
	for (__u32 i = 0; i < opts.count; i++)
		if (ids[i] == prog_info(way_fd(prog_of(ticks))).id)
			return true;
	return false;
}

/* What is there when a policy comes: of each way down that is too long, the newest goes. */
static void existing(void)
{
	struct policy *p;

	groups_begin();
	fits(A, 2, true);
	fits(B, 1, true);
	fits(TOP, 1, true);
	fits(A1, 2, true);
	fits(B1, 1, true);
	p = policy_new(BPF_POLICY_ENFORCE);
	p->rules[0].action = BPF_POLICY_ALLOW;
	p->rules[0].flags |= BPF_POLICY_F_DETACH_EXISTING;
	policy_rule(p, BPF_POLICY_HOOK, BPF_POLICY_F_LATENCY, HOOK)
		->max_latency_ns = 3 * TICK_NS;
	policy_use(p);
	CHECK(is_at(A, 2) && is_at(B, 1) && is_at(TOP, 1) && is_at(B1, 1),
	      "what fits is gone: %d %d %d %d", is_at(A, 2), is_at(B, 1),
	      is_at(TOP, 1), is_at(B1, 1));
	CHECK(!is_at(A1, 2), "what does not is there");
	latency_of(p, 1, 3, 3);
	groups_end();
}

/* Each group has a place, with that above it where something is; told in the order of attaching. */
static void places(void)
{
	static const int order[] = { A2, TOP, B, A, C };
	const struct bpf_policy_charge *c;
	__u64 place[NR] = {};
	__u32 nr;

	groups_begin();
	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		fits(order[i], 1, true);
	c = policy_charges(&nr);
	REQUIRE(nr == ARRAY_SIZE(order), "%u charges", nr);
	for (__u32 i = 0; i < nr; i++) {
		for (__u32 k = 0; k < i; k++)
			CHECK(c[i].place != c[k].place, "%u and %u: one place",
			      i, k);
		place[order[i]] = c[i].place;
		CHECK(!(c[i].flags & BPF_POLICY_CHARGE_FIXED), "%u: fixed", i);
	}
	for (__u32 i = 0; i < nr; i++) {
		__u64 above = order[i] == TOP ? 0 :
			      order[i] == A2  ? place[A] :
						place[TOP];

		CHECK(c[i].whole == above, "%s: above it: %llu, not %llu",
		      path_of(order[i]), c[i].whole, above);
	}
	groups_end();
}

static const struct test tests[] = {
	{ "siblings", "control groups beside each other do not add up",
	  siblings, NEEDS_WATCHDOG },
	{ "parent_and_child", "one below another one does", parent_and_child,
	  NEEDS_WATCHDOG },
	{ "longest_below", "the longest way down counts", longest_below,
	  NEEDS_WATCHDOG },
	{ "number_of_programs", "likewise for max_programs", number_of_programs,
	  NEEDS_WATCHDOG },
	{ "removed", "a group that is removed gives back", removed,
	  NEEDS_WATCHDOG },
	{ "replaced", "what is replaced and what is hidden", replaced,
	  NEEDS_WATCHDOG },
	{ "graph", "groups in a call graph", graph, NEEDS_WATCHDOG },
	{ "existing", "what is there when a policy comes", existing,
	  NEEDS_WATCHDOG },
	{ "places", "places of groups, and those above them", places,
	  NEEDS_WATCHDOG },
};

const struct suite suite_policy_groups = {
	.name = "policy_groups",
	.tests = tests,
	.nr_tests = ARRAY_SIZE(tests),
};
