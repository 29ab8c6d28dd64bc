// SPDX-License-Identifier: GPL-2.0
/*
 * What a policy detaches: in which order, what stays, when the kernel returns to it, when a
 * device is renamed, after an overrun, and while others attach and detach. That it can
 * be done for each way of attaching is tested with the ways, see way_existing().
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/perf_event.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "traffic/policy_ways.h"

#define LO 1
#define HOOK "tcx/ingress/lo"

static void tcx(const char *prog)
{
	int err = bpf_prog_attach_opts(way_fd(prog), LO, BPF_TCX_INGRESS, NULL);

	REQUIRE(!err, "attach %s: %s", prog, strerror(-err));
}

static void xdp(const char *prog)
{
	int err = bpf_xdp_attach(LO, way_fd(prog), XDP_FLAGS_SKB_MODE, NULL);

	REQUIRE(!err, "attach %s: %s", prog, strerror(-err));
}

static __u32 charged(const char *prog)
{
	return policy_charged(prog_info(way_fd(prog)).id, NULL);
}

static bool is_gone(void *prog)
{
	return !charged(prog);
}

static void command(const char *cmd)
{
	char out[500];
	int status = run_command(out, sizeof(out), "%s 2>&1", cmd);

	REQUIRE(!status, "%s: %s", cmd, out);
}

/* One that detaches, with programs without a bound as @action says. */
static struct policy *detaching(__u32 mode, __u32 action)
{
	struct policy *p = policy_new(mode);

	p->rules[0].flags = BPF_POLICY_F_DETACH_EXISTING;
	p->rules[0].action = action;
	return p;
}

static struct bpf_policy_rule *limit(struct policy *p, const char *hook,
				     __u64 ns)
{
	struct bpf_policy_rule *r =
		policy_rule(p, BPF_POLICY_HOOK, BPF_POLICY_F_LATENCY, hook);

	r->max_latency_ns = ns;
	return r;
}

static void newest_first(void)
{
	struct policy *p = detaching(BPF_POLICY_ENFORCE, BPF_POLICY_ALLOW);
	struct bpf_policy_denial d;
	__u64 seq;

	OPEN("p_tc", "p_tc_long", "p_target");
	tcx("p_tc");
	tcx("p_tc_long");
	tcx("p_target");
	limit(p, HOOK, 3000);
	seq = policy_seq();
	policy_use(p);
	CHECK(charged("p_tc") && charged("p_tc_long") && !charged("p_target"),
	      "p_tc %u, p_tc_long %u, p_target %u", charged("p_tc"),
	      charged("p_tc_long"), charged("p_target"));
	CHECK(policy_seq() == seq + 1, "told %llu times", policy_seq() - seq);
	CHECK(policy_denial(seq, &d) && d.denied == 2 && d.worst_ns == 1000 &&
		      d.there_ns == 3000 && d.limit_ns == 3000,
	      "denied %u: %llu + %llu > %llu", d.denied, d.worst_ns, d.there_ns,
	      d.limit_ns);

	p->rules[1].max_latency_ns = 2999;
	policy_use(p);
	CHECK(charged("p_tc") && !charged("p_tc_long"), "2,999 ns: %u, %u",
	      charged("p_tc"), charged("p_tc_long"));
	p->rules[1].max_latency_ns = 0;
	policy_use(p);
	CHECK(!charged("p_tc"), "0 ns: still there");
}

/* One without a bound is as much as any limit for those that have one. */
static void unbounded_first(void)
{
	struct policy *p = detaching(BPF_POLICY_ENFORCE, BPF_POLICY_DENY);
	struct bpf_policy_denial d;
	struct bpf_policy_rule *r;
	__u64 seq;

	OPEN("p_unbounded", "p_tc", "p_tc_long");
	xdp("p_unbounded");
	tcx("p_tc");
	tcx("p_tc_long");
	r = policy_rule(p, BPF_POLICY_GRAPH, BPF_POLICY_F_LATENCY, HOOK);
	policy_string(p, "xdp/lo");
	r->nr_match = 2;
	r->max_latency_ns = 3000;
	seq = policy_seq();
	policy_use(p);
	CHECK(!charged("p_unbounded") && charged("p_tc") &&
		      charged("p_tc_long"),
	      "p_unbounded %u, p_tc %u, p_tc_long %u", charged("p_unbounded"),
	      charged("p_tc"), charged("p_tc_long"));
	CHECK(policy_denial(seq, &d) && d.reason == BPF_POLICY_UNBOUNDED &&
		      d.denied == 2 && d.rule == 0,
	      "reason %u, denied %u, rule %u", d.reason, d.denied, d.rule);
	r->max_latency_ns = 2999;
	policy_use(p);
	CHECK(charged("p_tc") && !charged("p_tc_long"), "graph: %u, %u",
	      charged("p_tc"), charged("p_tc_long"));
}

static void stays(void)
{
	struct policy *p = detaching(BPF_POLICY_MONITOR, BPF_POLICY_ALLOW);
	struct bpf_policy_denial d;
	struct bpf_policy_rule *r;
	__u64 seq;

	OPEN("p_tc", "p_tc_long");
	tcx("p_tc");
	r = limit(p, HOOK, 0);
	policy_use(p);
	CHECK(charged("p_tc"), "mode monitor detaches");

	p->rules[0].mode = BPF_POLICY_ENFORCE;
	r->action = BPF_POLICY_WARN;
	p->rules[0].flags |= BPF_POLICY_F_WARN_EXISTING;
	seq = policy_seq();
	policy_use(p);
	CHECK(charged("p_tc"), "a rule that warns detaches");
	CHECK(policy_denial(seq, &d) && !d.denied, "not told: %u", d.denied);

	r->action = BPF_POLICY_DENY;
	policy_rule(p, BPF_POLICY_EXEMPT, BPF_POLICY_F_EXEMPT_ATTACH, "p_tc");
	policy_use(p);
	CHECK(charged("p_tc"), "detached though it is exempt");

	/* It counts all the same. */
	p->rules[0].flags = 0;
	policy_unload();
	tcx("p_tc_long");
	r->max_latency_ns = 2000;
	p->rules[0].flags = BPF_POLICY_F_DETACH_EXISTING;
	policy_use(p);
	CHECK(charged("p_tc") && !charged("p_tc_long"), "p_tc %u, p_tc_long %u",
	      charged("p_tc"), charged("p_tc_long"));

	/* Without the flag. */
	p->nr--;
	p->rules[0].flags = 0;
	policy_use(p);
	CHECK(charged("p_tc"), "detached though it was not asked for");
}

static bool is_told(void *seq)
{
	return policy_seq() != *(__u64 *)seq;
}

/* The kernel itself returns to a policy. */
static void reverted(void)
{
	struct policy *p = detaching(BPF_POLICY_ENFORCE, BPF_POLICY_ALLOW);
	struct bpf_policy_denial d;
	__u64 seq;

	OPEN("p_tc");
	limit(p, HOOK, 0);
	policy_use(p);
	p = policy_new(BPF_POLICY_ENFORCE);
	p->rules[0].action = BPF_POLICY_ALLOW;
	p->revert_s = 1;
	policy_use(p);
	tcx("p_tc");
	seq = policy_seq();
	CHECK(wait_until(is_told, &seq, 10 * NSEC_PER_SEC), "nothing was told");
	CHECK(policy_denial(seq, &d) && d.denied == 2, "denied %u", d.denied);
	CHECK(!charged("p_tc"), "still there");
}

/* In quarantine by policy, a program costs nothing; released, it does again. */
static void quarantined(void)
{
	struct policy *p = detaching(BPF_POLICY_ENFORCE, BPF_POLICY_ALLOW);
	struct bpf_link *a, *b;

	OPEN("p_raw_tp", "p_iter");
	a = bpf_program__attach(ways->progs.p_raw_tp);
	REQUIRE(a, "attach: %m");
	policy_rule(p, BPF_POLICY_HOOK, BPF_POLICY_F_PROGRAMS, "raw_tp/*")
		->max_programs = 0;
	policy_use(p);
	CHECK(prog_info(way_fd("p_raw_tp")).quarantined, "not quarantined");
	CHECK(charged("p_raw_tp") == 1, "charged %u times",
	      charged("p_raw_tp"));
	p->rules[1].max_programs = 1;
	policy_use(p);
	b = bpf_program__attach(ways->progs.p_raw_tp);
	CHECK(b, "no place beside one that is skipped: %m");
	wd_command(way_fd("p_raw_tp"), BPF_WD_RELEASE, 0);
	CHECK(!bpf_program__attach(ways->progs.p_raw_tp) && errno == EACCES,
	      "a third one: %m");
	policy_use(p);
	CHECK(prog_info(way_fd("p_raw_tp")).quarantined,
	      "two, and not quarantined");
	bpf_link__destroy(a);
	bpf_link__destroy(b);
	wd_command(way_fd("p_raw_tp"), BPF_WD_RELEASE, 0);
	way_wait_free();
	policy_get(p);
	CHECK(!p->rules[1].programs && !p->rules[1].latency_ns,
	      "%u programs, %llu ns are left", p->rules[1].programs,
	      p->rules[1].latency_ns);
}

/* Events that have inherited a program would go on to run it. */
static void inherited(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.size = sizeof(attr),
		.sample_period = NSEC_PER_SEC,
		.inherit = 1,
	};
	int fd = syscall(SYS_perf_event_open, &attr, 0, -1, -1,
			 PERF_FLAG_FD_CLOEXEC);

	REQUIRE(fd >= 0, "perf_event_open: %m");
	OPEN("p_perf_event");
	REQUIRE(!ioctl(fd, PERF_EVENT_IOC_SET_BPF, way_fd("p_perf_event")),
		"attach: %m");
	way_existing("perf_event", "perf_event", way_fd("p_perf_event"), 1,
		     WAY_QUARANTINED);
	close(fd);
}

/* A device that is renamed gets the rules of its name. */
static void renamed(void)
{
	struct policy *p = detaching(BPF_POLICY_ENFORCE, BPF_POLICY_ALLOW);
	__u32 id;
	int ifindex, err;

	OPEN("p_xdp", "p_tc", "p_tc_long");
	command("ip link add good0 type veth peer good1");
	ifindex = if_nametoindex("good0");
	limit(p, "*/bad0", 0);
	policy_use(p);
	err = bpf_xdp_attach(ifindex, way_fd("p_xdp"), XDP_FLAGS_SKB_MODE,
			     NULL);
	REQUIRE(!err, "xdp: %s", strerror(-err));
	err = bpf_prog_attach_opts(way_fd("p_tc"), ifindex, BPF_TCX_EGRESS,
				   NULL);
	REQUIRE(!err, "tcx: %s", strerror(-err));
	command("ip link set good0 name fair0");
	id = prog_info(way_fd("p_xdp")).id;
	CHECK(policy_charged(id, "xdp/fair0") == 1 && charged("p_xdp") == 1,
	      "not charged to its new name");
	CHECK(policy_charged(prog_info(way_fd("p_tc")).id, "tcx/egress/fair0"),
	      "tcx is not charged to its new name");
	err = bpf_prog_attach_opts(way_fd("p_tc_long"), ifindex, BPF_TCX_EGRESS,
				   NULL);
	REQUIRE(!err, "tcx, renamed: %s", strerror(-err));

	command("ip link set fair0 name bad0");
	CHECK(wait_until(is_gone, "p_xdp", 10 * NSEC_PER_SEC) &&
		      wait_until(is_gone, "p_tc", 10 * NSEC_PER_SEC) &&
		      wait_until(is_gone, "p_tc_long", 10 * NSEC_PER_SEC),
	      "p_xdp %u, p_tc %u, p_tc_long %u", charged("p_xdp"),
	      charged("p_tc"), charged("p_tc_long"));
	err = bpf_xdp_attach(ifindex, way_fd("p_xdp"), XDP_FLAGS_SKB_MODE,
			     NULL);
	CHECK(err == -EACCES, "attached again: %s", strerror(-err));
	command("ip link set bad0 name good0");
	err = bpf_xdp_attach(ifindex, way_fd("p_xdp"), XDP_FLAGS_SKB_MODE,
			     NULL);
	CHECK(!err, "good again: %s", strerror(-err));
	command("ip link del good0");
	way_wait_free();
	CHECK(!charged("p_xdp"), "charged though the device is gone");
}

/* --- Overruns -------------------------------------------------------------------------------- */

static void stall_from_now_on(const char *prog)
{
	int err = wd_command(way_fd(prog), BPF_WD_SET_BUDGET, 2000000);

	CHECK(!err, "budget: %s", strerror(-err));
	ways->data_ctl->ctl.tgid = getpid();
	ways->data_ctl->ctl.n = ways->data_ctl->ctl.m = 1 << 20;
}

/* From all hooks, also from those where it did not overrun. */
static void overrun(bool by_rule)
{
	struct policy *p = policy_new(BPF_POLICY_ENFORCE);
	struct bpf_link *link, *again;
	struct bpf_prog_info info;
	__u64 started;
	int err;

	p->rules[0].action = BPF_POLICY_ALLOW;
	if (by_rule) {
		policy_rule(p, BPF_POLICY_PROGRAM, BPF_POLICY_F_OVERRUN,
			    "p_stall*")
			->on_overrun = BPF_WD_ACTION_DETACH;
		policy_use(p);
	}
	wd_enable(1000000);
	LOAD("p_stall_tp");
	if (!by_rule) {
		err = wd_command(way_fd("p_stall_tp"), BPF_WD_SET_ACTION,
				 BPF_WD_ACTION_DETACH);
		CHECK(!err, "action: %s", strerror(-err));
	}
	link = bpf_program__attach(ways->progs.p_stall_tp);
	again = bpf_program__attach_tracepoint(ways->progs.p_stall_tp,
					       "syscalls", "sys_enter_getsid");
	REQUIRE(link && again, "attach: %m");
	CHECK(charged("p_stall_tp") == 2, "charged %u times",
	      charged("p_stall_tp"));
	stall_from_now_on("p_stall_tp");
	getpgid(0);
	CHECK(wait_until(is_gone, "p_stall_tp", 10 * NSEC_PER_SEC),
	      "charged %u times", charged("p_stall_tp"));
	info = prog_info(way_fd("p_stall_tp"));
	started = ways->data_ctl->ctl.started;
	CHECK(info.terminations == 1 && started == 1 && !info.quarantined,
	      "%llu terminations, started %llu, quarantined %u",
	      info.terminations, started, info.quarantined);
	getpgid(0);
	getsid(0);
	CHECK(ways->data_ctl->ctl.started == started, "runs still");
	bpf_link__destroy(link);
	bpf_link__destroy(again);
}

static void overrun_by_rule(void)
{
	overrun(true);
}

static void overrun_by_command(void)
{
	overrun(false);
}

static bool in_quarantine(void *prog)
{
	return prog_info(way_fd(prog)).quarantined;
}

static void overrun_quarantined(void)
{
	struct bpf_link *link;
	char buf[64];
	int err, fd;

	wd_enable(1000000);
	LOAD("p_stall_iter");
	err = wd_command(way_fd("p_stall_iter"), BPF_WD_SET_ACTION,
			 BPF_WD_ACTION_DETACH);
	CHECK(!err, "action: %s", strerror(-err));
	link = bpf_program__attach_iter(ways->progs.p_stall_iter, NULL);
	REQUIRE(link, "attach: %m");
	stall_from_now_on("p_stall_iter");
	fd = bpf_iter_create(bpf_link__fd(link));
	REQUIRE(fd >= 0, "iterator: %m");
	while (read(fd, buf, sizeof(buf)) > 0)
		;
	close(fd);
	CHECK(wait_until(in_quarantine, "p_stall_iter", 10 * NSEC_PER_SEC),
	      "not quarantined");
	CHECK(charged("p_stall_iter") == 1, "charged %u times",
	      charged("p_stall_iter"));
	wd_command(way_fd("p_stall_iter"), BPF_WD_RELEASE, 0);
	bpf_link__destroy(link);
}

/* --- All at once ----------------------------------------------------------------------------- */

static uint64_t deadline, latest;
#define ENOUGH 100
static volatile unsigned long *attached;

static void storm_xdp(void)
{
	if (!bpf_xdp_attach(LO, way_fd("p_xdp"), XDP_FLAGS_SKB_MODE, NULL))
		(*attached)++;
	bpf_xdp_detach(LO, XDP_FLAGS_SKB_MODE, NULL);
}

static void storm_tcx(void)
{
	int fd = bpf_link_create(way_fd("p_tc"), LO, BPF_TCX_INGRESS, NULL);

	if (!bpf_prog_attach_opts(way_fd("p_tc_long"), LO, BPF_TCX_INGRESS,
				  NULL))
		(*attached)++;
	bpf_prog_detach_opts(way_fd("p_tc_long"), LO, BPF_TCX_INGRESS, NULL);
	if (fd >= 0)
		close(fd);
}

static void storm_perf(void)
{
	struct bpf_link *link = bpf_program__attach(ways->progs.p_tp);

	if (link)
		(*attached)++;
	bpf_link__destroy(link);
}

static void storm_cgroup(void)
{
	int fd, link;

	mkdir("/sys/fs/cgroup/policy_storm", 0755);
	fd = open("/sys/fs/cgroup/policy_storm", O_RDONLY | O_DIRECTORY);
	if (!bpf_prog_attach(way_fd("p_cgroup_skb"), fd, BPF_CGROUP_INET_EGRESS,
			     BPF_F_ALLOW_MULTI))
		(*attached)++;
	link = bpf_link_create(way_fd("p_cgroup_skb_long"), fd,
			       BPF_CGROUP_INET_EGRESS, NULL);
	if (*attached % 2)
		bpf_prog_detach2(way_fd("p_cgroup_skb"), fd,
				 BPF_CGROUP_INET_EGRESS);
	if (link >= 0)
		close(link);
	close(fd);
	/* With what is attached to it. */
	rmdir("/sys/fs/cgroup/policy_storm");
}

static void storm_fentry(void)
{
	int fd = bpf_raw_tracepoint_open(NULL, way_fd("p_fentry"));

	if (fd < 0)
		return;
	(*attached)++;
	close(fd);
}

static void storm_array(void)
{
	__u32 key = 1, fd = way_fd("p_xdp_other");

	if (!bpf_map__update_elem(ways->maps.prog_array, &key, sizeof(key), &fd,
				  sizeof(fd), 0))
		(*attached)++;
	bpf_map__delete_elem(ways->maps.prog_array, &key, sizeof(key), 0);
}

static void storm_policy(void)
{
	struct policy *p = detaching(BPF_POLICY_ENFORCE, BPF_POLICY_ALLOW);
	int err;

	policy_rule(p, BPF_POLICY_HOOK, BPF_POLICY_F_PROGRAMS, "*");
	err = policy_load(p);
	CHECK(!err, "load: %s", strerror(-err));
	err = policy_unload();
	CHECK(!err, "unload: %s", strerror(-err));
	usleep(2000);
}

static pid_t spawn(void (*fn)(void))
{
	pid_t pid = fork();

	REQUIRE(pid >= 0, "fork: %m");
	if (pid)
		return pid;
	/* On a slow machine for longer, until something was attached. */
	while (!nr_failures && (now_ns() < deadline ||
				(*attached <= ENOUGH && now_ns() < latest)))
		fn();
	_exit(nr_failures ? 1 : 0);
}

static void storm(void)
{
	static void (*const fns[])(void) = {
		storm_policy, storm_xdp,   storm_tcx,	 storm_perf,
		storm_cgroup, storm_array, storm_fentry,
	};
	unsigned int s = env_number("BPFWD_STORM_S", 10);
	pid_t pids[ARRAY_SIZE(fns)];
	struct policy *p;
	int status;
	size_t i;

	OPEN("p_xdp", "p_xdp_other", "p_tc", "p_tc_long", "p_tp",
	     "p_cgroup_skb", "p_cgroup_skb_long", "p_fentry");
	attached = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	REQUIRE(attached != MAP_FAILED, "mmap: %m");
	/* They patch what others run; here that is not what is tested. */
	if (patching_is_fatal())
		pin_to(last_cpu());
	libbpf_set_print(NULL); /* of what is denied */
	deadline = now_ns() + s * NSEC_PER_SEC;
	latest = deadline + 30 * NSEC_PER_SEC;
	for (i = 0; i < ARRAY_SIZE(fns); i++)
		pids[i] = spawn(fns[i]);
	for (i = 0; i < ARRAY_SIZE(fns); i++) {
		waitpid(pids[i], &status, 0);
		CHECK(!status, "process %zu: status %x", i, status);
	}
	CHECK(*attached > ENOUGH, "attached %lu times", *attached);
	diag("attached %lu times", *attached);
	p = detaching(BPF_POLICY_ENFORCE, BPF_POLICY_ALLOW);
	policy_rule(p, BPF_POLICY_HOOK, BPF_POLICY_F_PROGRAMS, "*");
	policy_use(p);
	way_wait_free();
	policy_charges(&p->nr);
	CHECK(!p->nr, "%u charges are left", p->nr);
	canary();
}

/* Where another program stands for it in the array. */
static void array_quarantined(void)
{
	struct policy *p = detaching(BPF_POLICY_ENFORCE, BPF_POLICY_ALLOW);
	__u32 key = 1, id, fd;
	int err;

	wd_enable(BUDGET_US);
	OPEN("p_xdp_other");
	fd = way_fd("p_xdp_other");
	err = bpf_map__update_elem(ways->maps.prog_array, &key, sizeof(key),
				   &fd, sizeof(fd), 0);
	REQUIRE(!err, "prog_array: %s", strerror(-err));
	err = wd_command(fd, BPF_WD_QUARANTINE, 0);
	REQUIRE(!err, "QUARANTINE: %s", strerror(-err));
	REQUIRE(charged("p_xdp_other"), "it is not charged");
	limit(p, "prog_array", 0);
	policy_use(p);
	CHECK(!charged("p_xdp_other"), "it is still there");
	err = bpf_map__lookup_elem(ways->maps.prog_array, &key, sizeof(key),
				   &id, sizeof(id), 0);
	CHECK(err == -ENOENT, "the array has program %u: %s", id,
	      strerror(-err));
}

static const struct test tests[] = {
	{ "newest_first",
	  "what was attached last goes first, until the sum fits", newest_first,
	  NEEDS_WATCHDOG },
	{ "unbounded_first", "a program without a bound goes before all others",
	  unbounded_first, NEEDS_WATCHDOG },
	{ "stays", "what is exempt, only warned of or monitored stays", stays,
	  NEEDS_WATCHDOG },
	{ "reverted", "the kernel detaches when it returns to a policy",
	  reverted, NEEDS_WATCHDOG },
	{ "quarantined", "in quarantine by policy, a program costs nothing",
	  quarantined, NEEDS_WATCHDOG },
	{ "inherited", "a perf event that is inherited is not detached from",
	  inherited, NEEDS_WATCHDOG },
	{ "renamed", "a device that is renamed gets the rules of its name",
	  renamed, NEEDS_WATCHDOG },
	{ "overrun_by_rule", "a program that overruns is detached by a rule",
	  overrun_by_rule, NEEDS_WATCHDOG },
	{ "overrun_by_command",
	  "a program that overruns is detached by its action",
	  overrun_by_command, NEEDS_WATCHDOG },
	{ "overrun_quarantined",
	  "a program that overruns and cannot be detached is quarantined",
	  overrun_quarantined, NEEDS_WATCHDOG },
	{ "array_quarantined", "from a prog array, while it is in quarantine",
	  array_quarantined, NEEDS_WATCHDOG },
	{ "storm", "policies are loaded while others attach and detach", storm,
	  NEEDS_WATCHDOG, 120 },
};

const struct suite suite_policy_detach = {
	.name = "policy_detach",
	.tests = tests,
	.nr_tests = ARRAY_SIZE(tests),
};
