// SPDX-License-Identifier: GPL-2.0
/* Rules by who has loaded a program, and by its tag: what a loader cannot choose. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include "traffic/policy_ways.h"

#define LO 1
#define ROOT "/sys/fs/cgroup"
#define SERVICE ROOT "/who"
#define BELOW SERVICE "/below"
#define OTHER ROOT "/other"
#define BUDGET (7 * NSEC_PER_MSEC)

static __u64 cgroup_id(const char *path)
{
	struct {
		struct file_handle h;
		__u64 id;
	} handle = { .h.handle_bytes = sizeof(__u64) };
	int mount;

	REQUIRE(!name_to_handle_at(AT_FDCWD, path, &handle.h, &mount, 0),
		"%s: %m", path);
	return *(__u64 *)handle.h.f_handle;
}

static void enter(const char *cgroup)
{
	char path[100], pid[20];
	int err;

	snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup);
	snprintf(pid, sizeof(pid), "%d", getpid());
	err = file_write(path, pid);
	REQUIRE(!err, "%s: %s", path, strerror(-err));
}

static void make_cgroups(void)
{
	enter(ROOT);
	rmdir(BELOW);
	rmdir(SERVICE);
	rmdir(OTHER);
	REQUIRE(!mkdir(SERVICE, 0755) && !mkdir(BELOW, 0755) &&
			!mkdir(OTHER, 0755),
		"cgroups: %m");
}

static void remove_cgroups(void)
{
	enter(ROOT);
	rmdir(BELOW);
	rmdir(SERVICE);
	rmdir(OTHER);
}

/* The real one, which counts; all else is that of root. Of this thread only. */
static void be(unsigned int uid)
{
	REQUIRE(!syscall(SYS_setreuid, uid, -1), "setreuid: %m");
}

static int tcx(void)
{
	int err =
		bpf_prog_attach_opts(way_fd("p_tc"), LO, BPF_TCX_INGRESS, NULL);

	if (!err)
		bpf_prog_detach_opts(way_fd("p_tc"), LO, BPF_TCX_INGRESS, NULL);
	return err;
}

/* Nothing may be attached, but for the one that this rule speaks of. */
static struct bpf_policy_rule *all_but(struct policy **policy)
{
	struct policy *p = policy_new(BPF_POLICY_ENFORCE);

	policy_rule(p, BPF_POLICY_HOOK, BPF_POLICY_F_PROGRAMS, "*");
	*policy = p;
	return policy_rule(p, BPF_POLICY_EXEMPT, BPF_POLICY_F_EXEMPT_ATTACH,
			   "");
}

static void use_uid(unsigned int uid)
{
	struct policy *p;
	struct bpf_policy_rule *r = all_but(&p);

	r->flags |= BPF_POLICY_F_UID;
	r->uid = uid;
	policy_use(p);
}

static void use_cgroup(const char *path)
{
	struct policy *p;
	struct bpf_policy_rule *r = all_but(&p);

	r->flags |= BPF_POLICY_F_CGROUP;
	r->cgroup_id = cgroup_id(path);
	policy_use(p);
}

static void attaches(int want, const char *what)
{
	int err = tcx();

	CHECK(err == want, "%s: %s, want %s", what, strerror(-err),
	      strerror(-want));
}

static void uid(void)
{
	be(1234);
	OPEN("p_tc");
	use_uid(1234);
	attaches(0, "loaded and attached by the user");
	be(0);
	attaches(-EACCES, "lent to another one");
	use_uid(0);
	attaches(-EACCES, "of another one, attached by the user");
	use_uid(1235);
	attaches(-EACCES, "of nobody");
	be(1234);
	use_uid(1234);
	attaches(0, "and again");
	be(0);
}

static void cgroup(void)
{
	make_cgroups();
	enter(BELOW);
	OPEN("p_tc");
	use_cgroup(SERVICE);
	attaches(0, "below it");
	use_cgroup(BELOW);
	attaches(0, "in it");
	use_cgroup(ROOT);
	attaches(0, "the root is above all");
	use_cgroup(OTHER);
	attaches(-EACCES, "another one");
	use_cgroup(SERVICE);
	enter(OTHER);
	attaches(-EACCES, "attached from another one");
	use_cgroup(OTHER);
	attaches(-EACCES, "loaded in another one");
	use_cgroup(SERVICE);
	enter(SERVICE);
	attaches(0, "above the one where it was loaded, and in the one meant");
	remove_cgroups();
}

/* Where it was loaded is known all the same; and another one of that name has another id. */
static void cgroup_gone(void)
{
	struct policy *p;
	struct bpf_policy_rule *r;
	__u64 old;

	make_cgroups();
	enter(BELOW);
	OPEN("p_tc");
	old = cgroup_id(BELOW);
	r = all_but(&p);
	r->flags |= BPF_POLICY_F_CGROUP;
	r->cgroup_id = old;
	policy_use(p);
	enter(SERVICE);
	attaches(-EACCES, "attached from above");
	REQUIRE(!rmdir(BELOW), "rmdir: %m");
	use_cgroup(SERVICE);
	attaches(0, "loaded below it, in one that is gone");
	use_cgroup(OTHER);
	attaches(-EACCES, "it was not there");
	REQUIRE(!mkdir(BELOW, 0755), "mkdir: %m");
	CHECK(cgroup_id(BELOW) != old, "the id %llu is used again", old);
	use_cgroup(BELOW);
	enter(BELOW);
	attaches(-EACCES, "loaded in one of that name");
	remove_cgroups();
}

static __u64 budget(void)
{
	return prog_info(way_fd("p_tc")).watchdog_effective_budget_ns;
}

static void use_budget(const char *path)
{
	struct policy *p = policy_new(BPF_POLICY_ENFORCE);
	struct bpf_policy_rule *r =
		policy_rule(p, BPF_POLICY_PROGRAM,
			    BPF_POLICY_F_BUDGET | BPF_POLICY_F_CGROUP, "");

	r->budget_ns = BUDGET;
	r->cgroup_id = cgroup_id(path);
	policy_use(p);
}

/* Nobody sheds a rule by removing his group. */
static void cgroup_removed(void)
{
	make_cgroups();
	enter(BELOW);
	OPEN("p_tc");
	enter(ROOT);
	use_budget(SERVICE);
	CHECK(budget() == BUDGET, "below it: budget %llu", budget());
	REQUIRE(!rmdir(BELOW), "rmdir: %m");
	use_budget(SERVICE);
	CHECK(budget() == BUDGET, "its group is gone: budget %llu", budget());
	use_budget(OTHER);
	CHECK(budget() != BUDGET, "another group: budget %llu", budget());
	use_budget(ROOT);
	CHECK(budget() == BUDGET, "the root: budget %llu", budget());
	remove_cgroups();
}

/* What was attached from a group that is gone, by a policy that is loaded later. */
static void attached_before(void)
{
	__u32 id;
	int i, err;

	make_cgroups();
	enter(BELOW);
	OPEN("p_tc");
	err = bpf_prog_attach_opts(way_fd("p_tc"), LO, BPF_TCX_INGRESS, NULL);
	REQUIRE(!err, "tcx: %s", strerror(-err));
	enter(ROOT);
	REQUIRE(!rmdir(BELOW), "rmdir: %m");
	id = prog_info(way_fd("p_tc")).id;
	for (i = 0; i < 2; i++) {
		struct policy *p;
		struct bpf_policy_rule *r = all_but(&p);

		p->rules[0].flags |= BPF_POLICY_F_DETACH_EXISTING;
		r->flags |= BPF_POLICY_F_CGROUP;
		r->cgroup_id = cgroup_id(i ? OTHER : SERVICE);
		policy_use(p);
		CHECK(policy_charged(id, NULL) == !i, "%s: %u charges",
		      i ? "not exempt" : "exempt", policy_charged(id, NULL));
	}
	remove_cgroups();
}

static void tag(void)
{
	struct policy *p;
	struct bpf_policy_rule *r;
	struct bpf_prog_info info;

	OPEN("p_tc");
	info = prog_info(way_fd("p_tc"));
	r = all_but(&p);
	r->flags |= BPF_POLICY_F_TAG;
	memcpy(r->tag, info.tag, sizeof(r->tag));
	policy_use(p);
	attaches(0, "its tag");
	r->tag[7] ^= 1;
	policy_use(p);
	attaches(-EACCES, "another tag");
}

/* Rules for programs go by who has loaded them. */
static void of_programs(void)
{
	struct bpf_prog_info info;
	struct policy *p;
	size_t i;

	make_cgroups();
	enter(BELOW);
	be(1234);
	OPEN("p_tc");
	be(0);
	enter(ROOT);
	info = prog_info(way_fd("p_tc"));
	for (i = 0; i < 6; i++) {
		struct bpf_policy_rule *r;
		bool fits = i % 2;

		p = policy_new(BPF_POLICY_ENFORCE);
		r = policy_rule(p, BPF_POLICY_PROGRAM, BPF_POLICY_F_BUDGET, "");
		r->budget_ns = BUDGET;
		if (i / 2 == 0) {
			r->flags |= BPF_POLICY_F_UID;
			r->uid = fits ? 1234 : 0;
		} else if (i / 2 == 1) {
			r->flags |= BPF_POLICY_F_CGROUP;
			r->cgroup_id = cgroup_id(fits ? SERVICE : OTHER);
		} else {
			r->flags |= BPF_POLICY_F_TAG;
			memcpy(r->tag, info.tag, sizeof(r->tag));
			r->tag[0] ^= !fits;
		}
		policy_use(p);
		CHECK((budget() == BUDGET) == fits, "row %zu: budget %llu", i,
		      budget());
	}
	/* And the first that fits, with the name, counts. */
	p = policy_new(BPF_POLICY_ENFORCE);
	policy_rule(p, BPF_POLICY_PROGRAM,
		    BPF_POLICY_F_BUDGET | BPF_POLICY_F_UID, "p_tc")
		->budget_ns = BUDGET - 1; /* of root */
	p->rules[1].uid = 0;
	policy_rule(p, BPF_POLICY_PROGRAM,
		    BPF_POLICY_F_BUDGET | BPF_POLICY_F_UID, "p_t?")
		->budget_ns = BUDGET - 2;
	p->rules[2].uid = 1234;
	policy_use(p);
	CHECK(budget() == BUDGET - 2, "budget %llu", budget());
	remove_cgroups();
}

/* What is loaded while the policy is in force. */
static void loaded_later(void)
{
	struct policy *p = policy_new(BPF_POLICY_ENFORCE);
	struct bpf_policy_rule *r;

	make_cgroups();
	r = policy_rule(p, BPF_POLICY_PROGRAM,
			BPF_POLICY_F_BUDGET | BPF_POLICY_F_CGROUP |
				BPF_POLICY_F_UID,
			"");
	r->budget_ns = BUDGET;
	r->cgroup_id = cgroup_id(SERVICE);
	r->uid = 1234;
	policy_use(p);
	enter(BELOW);
	be(1234);
	OPEN("p_tc");
	be(0);
	CHECK(budget() == BUDGET, "budget %llu", budget());
	remove_cgroups();
}

static void no_such_cgroup(struct bpf_policy_rule *r)
{
	r->flags |= BPF_POLICY_F_CGROUP;
	r->cgroup_id = 1ULL << 40;
}
static void no_user(struct bpf_policy_rule *r)
{
	r->flags |= BPF_POLICY_F_UID;
	r->uid = -1;
}
static void uid_without_flag(struct bpf_policy_rule *r)
{
	r->uid = 1;
}
static void cgroup_without_flag(struct bpf_policy_rule *r)
{
	r->cgroup_id = 1;
}
static void tag_without_flag(struct bpf_policy_rule *r)
{
	r->tag[3] = 1;
}
static void says_nothing(struct bpf_policy_rule *r)
{
	r->flags = BPF_POLICY_F_TAG;
}
static void of_hook(struct bpf_policy_rule *r)
{
	r->kind = BPF_POLICY_HOOK;
	r->flags = BPF_POLICY_F_UID;
}

static void input(void)
{
	static const struct {
		const char *what;
		void (*spoil)(struct bpf_policy_rule *r);
		__u32 reason;
	} rows[] = {
		{ "no such cgroup", no_such_cgroup, BPF_POLICY_BAD_CGROUP },
		{ "no user", no_user, BPF_POLICY_BAD_MATCH },
		{ "uid without its flag", uid_without_flag,
		  BPF_POLICY_UNUSED_MEMBER },
		{ "cgroup without its flag", cgroup_without_flag,
		  BPF_POLICY_UNUSED_MEMBER },
		{ "tag without its flag", tag_without_flag,
		  BPF_POLICY_UNUSED_MEMBER },
		{ "exempt from nothing", says_nothing, BPF_POLICY_NO_LIMIT },
		{ "of a hook", of_hook, BPF_POLICY_BAD_FLAGS },
	};
	struct policy *p;
	size_t i;
	int err;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		p = policy_new(BPF_POLICY_ENFORCE);
		rows[i].spoil(policy_rule(p, BPF_POLICY_EXEMPT,
					  BPF_POLICY_F_EXEMPT_ATTACH, "x"));
		err = policy_load(p);
		CHECK(err == -EINVAL && p->bad_reason == rows[i].reason,
		      "%s: %s, reason %u", rows[i].what, strerror(-err),
		      p->bad_reason);
	}
}

#define TEST(fn, desc) { #fn, desc, fn, NEEDS_WATCHDOG }

static const struct test tests[] = {
	TEST(attached_before, "attached from a control group that is gone"),
	TEST(cgroup, "exempt by the control group, of loader and attacher"),
	TEST(cgroup_gone, "exempt by a control group above one that is gone"),
	TEST(cgroup_removed, "a rule by control group, and rmdir of it"),
	TEST(input, "whom no rule can mean"),
	TEST(loaded_later, "programs that come while the policy is in force"),
	TEST(of_programs, "rules of programs by user, control group and tag"),
	TEST(tag, "exempt by the tag of the program"),
	TEST(uid, "exempt by the user, of loader and attacher"),
};

const struct suite suite_policy_who = {
	.name = "policy_who",
	.tests = tests,
	.nr_tests = ARRAY_SIZE(tests),
};
