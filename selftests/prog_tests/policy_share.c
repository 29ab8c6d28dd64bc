// SPDX-License-Identifier: GPL-2.0
/* What takes more than its share of CPU time, and what becomes of it. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include "harness/policy.h"
#include "policy_share.skel.h"
#include "traffic/traffic.h"

#define PERCENT (NSEC_PER_SEC / 100)
#define WINDOW (200 * NSEC_PER_MSEC)

static struct policy_share *skel;
static volatile struct ctl *ctl;

/* Loads @name, and @other if that is not NULL. */
static void load(const char *name, const char *other)
{
	struct bpf_program *prog;
	int err;

	/* Nobody else runs this one, and another CPU is to find out that it takes too much. */
	if (strcmp(name, "sleeps"))
		patch_on_one_cpu();
	wd_enable(BUDGET_US);
	skel = policy_share__open();
	REQUIRE(skel, "policy_share: %m");
	bpf_object__for_each_program(prog, skel->obj) {
		const char *this = bpf_program__name(prog);

		bpf_program__set_autoload(prog, !strcmp(this, name) ||
							(other &&
							 !strcmp(this, other)));
	}
	err = policy_share__load(skel);
	REQUIRE(!err, "%s: %s", name, strerror(-err));
	ctl = (void *)&skel->data_ctl->ctl;
	ctl->n = 300 * NSEC_PER_USEC;
}

static int fd_of(struct bpf_program *prog)
{
	return bpf_program__fd(prog);
}

static void attach(struct bpf_program *prog)
{
	REQUIRE(bpf_program__attach(prog), "%s: %m", bpf_program__name(prog));
}

static struct bpf_policy_rule *
share(struct policy *p, __u32 kind, const char *match, __u64 ns, __u32 on_share)
{
	struct bpf_policy_rule *r =
		policy_rule(p, kind, BPF_POLICY_F_SHARE, match);

	r->share_ns = ns;
	r->share_window_ns = WINDOW;
	r->on_share = on_share;
	return r;
}

/* One rule, for programs. */
static struct policy *use(__u32 mode, const char *match, __u64 ns,
			  __u32 on_share)
{
	struct policy *p = policy_new(mode);

	share(p, BPF_POLICY_PROGRAM, match, ns, on_share);
	policy_use(p);
	return p;
}

/* Calls that programs run in, for so long. Returns ns. */
static uint64_t calls(uint64_t ns)
{
	uint64_t from = now_ns();

	ctl->tgid = getpid();
	while (now_ns() - from < ns)
		syscall(SYS_getppid);
	ctl->tgid = 0;
	return now_ns() - from;
}

static struct bpf_policy_rule rule(__u32 i)
{
	static struct policy p;
	int err = policy_get(&p);

	REQUIRE(!err && i < p.nr, "GET: %s", strerror(-err));
	return p.rules[i];
}

static double percent(uint64_t part, uint64_t all)
{
	return 100.0 * part / all;
}

static void tells(__u64 seq, __u32 rule, __u32 denied, __u32 id)
{
	struct bpf_policy_denial d;

	if (!CHECK(policy_denial(seq, &d), "nothing was told"))
		return;
	CHECK(d.reason == BPF_POLICY_OVER_SHARE && d.rule == rule &&
		      d.denied == denied && d.there_ns > d.limit_ns && !d.pid,
	      "reason %u, rule %u, denied %u, %llu of %llu, pid %u", d.reason,
	      d.rule, d.denied, d.there_ns, d.limit_ns, d.pid);
	CHECK(!id || d.prog_id == id, "of program %u, not %u", d.prog_id, id);
}

/* What the programs were to take: what the host takes of a guest meanwhile is not in it.
 * Where the time of the guest is that of its instructions, it is what they have taken.
 */
static uint64_t wanted(void)
{
	return ctl->finished * ctl->n;
}

static bool exact(void)
{
	return env_number("BPFWD_VM_ICOUNT", 0);
}

/* In the long run it is within its share of 10 %, though it wants all. */
static void stays_within(struct bpf_program *prog)
{
	struct bpf_prog_info info;
	__u64 seq = policy_seq(), windows;
	uint64_t wall = calls(15 * WINDOW);
	double got = percent(wanted(), wall);

	info = prog_info(fd_of(prog));
	windows = info.throttles;
	diag("%.1f %% of a CPU, %.1f %% by its own clock, seen %.1f %%; throttled in %llu windows",
	     got, percent(skel->bss->took[0], wall),
	     percent(info.seen_ns, wall), windows);
	CHECK(got < 12 && (got > 8 || !exact()),
	      "%.1f %% of a CPU, the share is 10 %%", got);
	CHECK(windows >= (exact() ? 14 : 5) && windows <= 17,
	      "throttled in %llu windows", windows);
	CHECK(rule(1).over_share >= (exact() ? 14 : 5) &&
		      rule(1).over_share <= 17,
	      "%llu times over", rule(1).over_share);
	CHECK(!info.terminations, "%llu of its runs were ended",
	      info.terminations);
	tells(seq, 1, 3, info.id);
}

static void by_looks(void)
{
	load("at_enter", NULL);
	attach(skel->progs.at_enter);
	use(BPF_POLICY_ENFORCE, "at_enter", WINDOW / 10,
	    BPF_POLICY_SHARE_THROTTLE);
	stays_within(skel->progs.at_enter);
}

static void by_stats(void)
{
	int stats = bpf_enable_stats(BPF_STATS_RUN_TIME);

	REQUIRE(stats >= 0, "bpf_stats: %m");
	load("at_enter", NULL);
	attach(skel->progs.at_enter);
	use(BPF_POLICY_ENFORCE, "at_enter", WINDOW / 10,
	    BPF_POLICY_SHARE_THROTTLE);
	stays_within(skel->progs.at_enter);
	close(stats);
}

/* Without the watchdog there are bpf_stats. */
static void by_stats_alone(void)
{
	int stats = bpf_enable_stats(BPF_STATS_RUN_TIME);

	REQUIRE(stats >= 0, "bpf_stats: %m");
	load("at_enter", NULL);
	wd_disable();
	attach(skel->progs.at_enter);
	use(BPF_POLICY_ENFORCE, "at_enter", WINDOW / 10,
	    BPF_POLICY_SHARE_THROTTLE);
	stays_within(skel->progs.at_enter);
	close(stats);
}

/* Runs of less than a period, with pauses: no fixed time of looking finds them. */
static void short_runs(void)
{
	uint64_t from, took, wall;
	struct bpf_prog_info info;
	double seen;

	load("at_enter", NULL);
	attach(skel->progs.at_enter);
	use(BPF_POLICY_MONITOR, "at_enter", WINDOW, BPF_POLICY_SHARE_WARN);
	ctl->tgid = getpid();
	from = now_ns();
	while (now_ns() - from < 4 * NSEC_PER_SEC) {
		ctl->tgid = getpid();
		syscall(SYS_getppid);
		ctl->tgid = 0;
		usleep(1500);
	}
	wall = now_ns() - from;
	took = skel->bss->took[0];
	info = prog_info(fd_of(skel->progs.at_enter));
	seen = percent(info.seen_ns, took);
	diag("%llu runs, %.1f %% of a CPU, seen %.0f %% of it", ctl->started,
	     percent(took, wall), seen);
	CHECK(exact() ? seen > 85 && seen < 115 : seen > 25,
	      "%.0f %% of its time was seen", seen);
}

static void throttle_now(struct bpf_program *prog)
{
	uint64_t from = now_ns();

	while (!prog_info(fd_of(prog)).throttled &&
	       now_ns() - from < 5 * NSEC_PER_SEC)
		calls(WINDOW / 10);
	REQUIRE(prog_info(fd_of(prog)).throttled, "not throttled");
}

/* What is skipped runs again, and no sooner than the window is over. */
static void released(void)
{
	struct bpf_program *prog;
	struct bpf_prog_info info;
	__u64 started;
	uint64_t from;

	load("at_enter", NULL);
	prog = skel->progs.at_enter;
	attach(prog);
	use(BPF_POLICY_ENFORCE, "at_enter", 30 * NSEC_PER_MSEC,
	    BPF_POLICY_SHARE_THROTTLE);
	throttle_now(prog);
	info = prog_info(fd_of(prog));
	REQUIRE(info.throttled && info.throttles == 1,
		"throttled %u, %llu times", info.throttled, info.throttles);
	CHECK(!info.quarantined, "in quarantine");
	started = ctl->started;
	calls(WINDOW / 10);
	/* It may be over meanwhile. */
	CHECK(ctl->started == started || !prog_info(fd_of(prog)).throttled,
	      "%llu runs while throttled", ctl->started - started);
	from = now_ns();
	while (prog_info(fd_of(prog)).throttled &&
	       now_ns() - from < 10 * WINDOW)
		usleep(5000);
	CHECK(!prog_info(fd_of(prog)).throttled, "still throttled");
	ctl->tgid = getpid();
	syscall(SYS_getppid);
	ctl->tgid = 0;
	CHECK(ctl->started > started, "it does not run");
}

/* A window of a minute: nothing else releases it. */
static void throttle_for_long(struct bpf_program *prog)
{
	struct policy *p = policy_new(BPF_POLICY_ENFORCE);

	attach(prog);
	share(p, BPF_POLICY_PROGRAM, "at_enter", NSEC_PER_MSEC,
	      BPF_POLICY_SHARE_THROTTLE)
		->share_window_ns = BPF_POLICY_SHARE_WINDOW_MAX;
	policy_use(p);
	throttle_now(prog);
}

static void check_runs(struct bpf_program *prog, const char *how)
{
	__u64 started = ctl->started;

	CHECK(!prog_info(fd_of(prog)).throttled, "%s: still throttled", how);
	ctl->tgid = getpid();
	syscall(SYS_getppid);
	ctl->tgid = 0;
	CHECK(ctl->started > started, "%s: it does not run", how);
}

static void let_go(void)
{
	struct bpf_program *prog;
	int err;

	load("at_enter", NULL);
	prog = skel->progs.at_enter;
	throttle_for_long(prog);
	err = wd_command(fd_of(prog), BPF_WD_RELEASE, 0);
	CHECK(!err, "RELEASE: %s", strerror(-err));
	check_runs(prog, "released");
	/* And stays so, in this window. */
	calls(WINDOW / 2);
	check_runs(prog, "released before");
	err = wd_command(fd_of(prog), BPF_WD_RELEASE, 0);
	CHECK(err == -ENOENT, "RELEASE again: %s", strerror(-err));

	throttle_for_long(prog);
	policy_use(policy_new(BPF_POLICY_ENFORCE));
	check_runs(prog, "another policy");
	throttle_for_long(prog);
	policy_unload();
	check_runs(prog, "no policy");
	throttle_for_long(prog);
	wd_disable();
	check_runs(prog, "switched off");
}

/* Neither undoes the other. */
static void with_quarantine(void)
{
	struct bpf_program *prog;
	int err;

	load("at_enter", NULL);
	prog = skel->progs.at_enter;
	throttle_for_long(prog);
	err = wd_command(fd_of(prog), BPF_WD_QUARANTINE, 0);
	CHECK(!err, "QUARANTINE: %s", strerror(-err));
	policy_unload();
	CHECK(prog_info(fd_of(prog)).quarantined &&
		      !prog_info(fd_of(prog)).throttled,
	      "the policy that throttled it is unloaded: quarantined %u, throttled %u",
	      prog_info(fd_of(prog)).quarantined,
	      prog_info(fd_of(prog)).throttled);
	ctl->started = 0;
	calls(WINDOW / 4);
	CHECK(!ctl->started, "runs in quarantine");
	err = wd_command(fd_of(prog), BPF_WD_RELEASE, 0);
	CHECK(!err, "RELEASE: %s", strerror(-err));
	check_runs(prog, "released");
}

/* A run that is under way is not ended for it. */
static void goes_on(void)
{
	struct bpf_program *prog;
	struct bpf_prog_info info;
	__s32 ret;
	int err;

	load("sleeps", NULL);
	prog = skel->progs.sleeps;
	wd_spare(fd_of(prog));
	use(BPF_POLICY_ENFORCE, "sleeps", NSEC_PER_MSEC,
	    BPF_POLICY_SHARE_THROTTLE);
	ctl->user_ptr = (unsigned long)&ret;
	ctl->n = 3 * WINDOW;
	err = prog_run(fd_of(prog), &ret);
	info = prog_info(fd_of(prog));
	CHECK(!err, "test run: %s", strerror(-err));
	CHECK(info.throttles, "not throttled");
	CHECK(ctl->finished == 1 && ctl->started == 1 && !info.terminations,
	      "%llu of %llu runs have finished, %llu were ended", ctl->finished,
	      ctl->started, info.terminations);
}

static void only_told(__u32 mode, __u32 on_share)
{
	struct bpf_prog_info info;
	__u64 seq = policy_seq();

	use(mode, "at_enter", WINDOW / 10, on_share);
	calls(5 * WINDOW);
	info = prog_info(fd_of(skel->progs.at_enter));
	CHECK(!info.throttles && !info.throttled && !info.quarantined,
	      "%llu throttles, quarantined %u", info.throttles,
	      info.quarantined);
	CHECK(rule(1).over_share >= (exact() ? 4 : 1) &&
		      rule(1).over_share <= 6,
	      "told %llu times in 5 windows", rule(1).over_share);
	CHECK(policy_seq() - seq == rule(1).over_share, "%llu records",
	      policy_seq() - seq);
	tells(seq, 1, 0, info.id);
}

static void warn(void)
{
	load("at_enter", NULL);
	attach(skel->progs.at_enter);
	only_told(BPF_POLICY_ENFORCE, BPF_POLICY_SHARE_WARN);
	only_told(BPF_POLICY_MONITOR, BPF_POLICY_SHARE_THROTTLE);
	only_told(BPF_POLICY_MONITOR, BPF_POLICY_SHARE_DETACH);
}

static bool is_quarantined(void *prog)
{
	return prog_info(fd_of(prog)).quarantined;
}

static void quarantine(void)
{
	struct bpf_program *prog;
	__u64 seq = policy_seq();

	load("at_enter", NULL);
	prog = skel->progs.at_enter;
	attach(prog);
	use(BPF_POLICY_ENFORCE, "at_enter", WINDOW / 10,
	    BPF_POLICY_SHARE_QUARANTINE);
	calls(WINDOW);
	REQUIRE(is_quarantined(prog), "not in quarantine");
	tells(seq, 1, 4, prog_info(fd_of(prog)).id);
	/* For good. */
	usleep(2 * WINDOW / 1000);
	CHECK(is_quarantined(prog), "released when the window was over");
	CHECK(!prog_info(fd_of(prog)).throttled, "throttled as well");
}

static bool is_detached(void *prog)
{
	return !policy_charged(prog_info(fd_of(prog)).id, NULL);
}

static void detach(void)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(TRIGGER_PORT),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct bpf_program *prog;
	__u64 seq = policy_seq();
	uint64_t from;

	loopback_up();
	load("packet", NULL);
	prog = skel->progs.packet;
	REQUIRE(bpf_program__attach_tcx(prog, 1, NULL), "tcx: %m");
	use(BPF_POLICY_ENFORCE, "packet", WINDOW / 10, BPF_POLICY_SHARE_DETACH);
	ctl->tgid = getpid();
	from = now_ns();
	while (now_ns() - from < 10 * WINDOW && !is_detached(prog))
		sendto(fd, "", 1, 0, (void *)&to, sizeof(to));
	CHECK(is_detached(prog), "still attached");
	CHECK(!is_quarantined(prog), "in quarantine");
	tells(seq, 1, 5, prog_info(fd_of(prog)).id);
	close(fd);
}

/* What cannot be detached is put into quarantine. */
static void cannot_detach(void)
{
	struct bpf_program *prog;

	load("at_enter", NULL);
	prog = skel->progs.at_enter;
	attach(prog);
	use(BPF_POLICY_ENFORCE, "at_enter", WINDOW / 10,
	    BPF_POLICY_SHARE_DETACH);
	calls(WINDOW);
	CHECK(wait_until(is_quarantined, prog, 3 * NSEC_PER_SEC),
	      "not in quarantine");
}

/* Each takes about 50 % of what there is, which is within; both together are not. */
static void both(__u32 kind, const char *match, struct bpf_program *a,
		 struct bpf_program *b, __u64 ns)
{
	struct policy *p = policy_new(BPF_POLICY_ENFORCE);
	struct bpf_policy_rule *r;
	uint64_t wall;
	double got;

	attach(a);
	attach(b);
	r = share(p, kind, match, ns, BPF_POLICY_SHARE_THROTTLE);
	if (kind == BPF_POLICY_GRAPH) {
		policy_string(p, "tp/raw_syscalls/sys_exit");
		r->nr_match = 2;
	}
	policy_use(p);
	wall = calls(15 * WINDOW);
	got = percent(wanted(), wall);
	diag("%.1f %% of a CPU together", got);
	CHECK(got < percent(ns, WINDOW) + 3 &&
		      (got > percent(ns, WINDOW) - 3 || !exact()),
	      "%.1f %% of a CPU", got);
	CHECK(prog_info(fd_of(a)).throttles >= 3 &&
		      prog_info(fd_of(b)).throttles >= 3,
	      "%llu and %llu throttles", prog_info(fd_of(a)).throttles,
	      prog_info(fd_of(b)).throttles);
}

static void place(void)
{
	load("at_enter", "also_at_enter");
	both(BPF_POLICY_HOOK, "tp/raw_syscalls/sys_enter", skel->progs.at_enter,
	     skel->progs.also_at_enter, WINDOW * 3 / 10);
}

#define TOP_GROUP "/sys/fs/cgroup/policy_share"

static int group_of(const char *path)
{
	int fd;

	rmdir(path);
	REQUIRE(!mkdir(path, 0755), "%s: %m", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	REQUIRE(fd >= 0, "%s: %m", path);
	return fd;
}

static void attach_to(struct bpf_program *prog, int group)
{
	REQUIRE(!bpf_prog_attach(fd_of(prog), group, BPF_CGROUP_INET_EGRESS,
				 BPF_F_ALLOW_MULTI),
		"%s: %m", bpf_program__name(prog));
}

static void send_from(const char *path, int packets)
{
	char procs[100];

	snprintf(procs, sizeof(procs), "%s/cgroup.procs", path);
	REQUIRE(!file_write(procs, "0"), "%s: %m", procs);
	ctl->tgid = getpid();
	while (packets--)
		udp_send("127.0.0.1");
	ctl->tgid = 0;
	REQUIRE(!file_write("/sys/fs/cgroup/cgroup.procs", "0"),
		"the root: %m");
}

/* What is taken in control groups beside each other is not one sum, but where something is
 * attached above, it is of that place as well.
 */
static void groups(void)
{
	static const char *const paths[] = { TOP_GROUP, TOP_GROUP "/a",
					     TOP_GROUP "/b" };
	struct policy *p = policy_new(BPF_POLICY_ENFORCE);
	struct bpf_policy_rule *r;
	int fds[3], stats = bpf_enable_stats(BPF_STATS_RUN_TIME);
	__u64 one, both;

	REQUIRE(stats >= 0, "bpf_stats: %m");
	load("in_group", "in_other_group");
	for (int i = 0; i < 3; i++)
		fds[i] = group_of(paths[i]);
	attach_to(skel->progs.in_group, fds[1]);
	attach_to(skel->progs.in_other_group, fds[2]);
	r = share(p, BPF_POLICY_HOOK, "cgroup_skb/egress", 50 * NSEC_PER_SEC,
		  BPF_POLICY_SHARE_WARN);
	r->share_window_ns = 60 * NSEC_PER_SEC;
	policy_use(p);
	send_from(paths[1], 200);
	send_from(paths[2], 200);
	usleep(2500000);
	one = rule(1).share_taken_ns;
	both = skel->bss->took[8] + skel->bss->took[9];
	diag("%llu ns of %llu", one, both);
	CHECK(one > both * 4 / 10 && one < both * 6 / 10, "%llu ns of %llu",
	      one, both);
	attach_to(skel->progs.in_group, fds[0]);
	bpf_prog_detach2(fd_of(skel->progs.in_group), fds[1],
			 BPF_CGROUP_INET_EGRESS);
	skel->bss->took[8] = skel->bss->took[9] = 0;
	send_from(paths[1], 200);
	send_from(paths[2], 600);
	usleep(2500000);
	both = skel->bss->took[8] + skel->bss->took[9];
	one = rule(1).share_taken_ns;
	diag("%llu ns of %llu", one, both);
	CHECK(one > both * 9 / 10 && one < both * 11 / 10, "%llu ns of %llu",
	      one, both);
	for (int i = 3; i-- > 0;) {
		close(fds[i]);
		rmdir(paths[i]);
	}
	close(stats);
}

static void graph(void)
{
	load("at_enter", "at_exit");
	both(BPF_POLICY_GRAPH, "tp/raw_syscalls/sys_enter",
	     skel->progs.at_enter, skel->progs.at_exit, WINDOW * 3 / 10);
}

/* At no hook in common: it is whose they are that counts. */
static void together(void)
{
	load("at_enter", "at_exit");
	both(BPF_POLICY_TOGETHER, "at_*", skel->progs.at_enter,
	     skel->progs.at_exit, WINDOW * 3 / 10);
}

/* All rules of this kind that match apply, and no other. */
static void together_all(void)
{
	struct policy *p = policy_new(BPF_POLICY_ENFORCE);
	struct bpf_prog_info a, b;
	struct bpf_policy_rule *r;

	load("at_enter", "at_exit");
	attach(skel->progs.at_enter);
	attach(skel->progs.at_exit);
	share(p, BPF_POLICY_TOGETHER, "at_*", WINDOW * 100,
	      BPF_POLICY_SHARE_THROTTLE);
	r = share(p, BPF_POLICY_TOGETHER, "*", WINDOW / 100,
		  BPF_POLICY_SHARE_THROTTLE);
	r->flags |= BPF_POLICY_F_UID;
	r->uid = 4321;
	share(p, BPF_POLICY_TOGETHER, "at_exit", WINDOW / 10,
	      BPF_POLICY_SHARE_THROTTLE);
	/* That of the program alone is besides. */
	share(p, BPF_POLICY_PROGRAM, "at_exit", WINDOW * 100,
	      BPF_POLICY_SHARE_THROTTLE);
	policy_use(p);
	calls(5 * WINDOW);
	a = prog_info(fd_of(skel->progs.at_enter));
	b = prog_info(fd_of(skel->progs.at_exit));
	CHECK(!a.throttles && b.throttles, "%llu and %llu throttles",
	      a.throttles, b.throttles);
	CHECK(!rule(1).over_share && !rule(2).over_share &&
		      rule(3).over_share && !rule(4).over_share,
	      "over: %llu %llu %llu %llu", rule(1).over_share,
	      rule(2).over_share, rule(3).over_share, rule(4).over_share);
}

static struct bpf_link *link_of(struct bpf_program *prog)
{
	struct bpf_link *link = bpf_program__attach(prog);

	REQUIRE(link, "%s: %m", bpf_program__name(prog));
	return link;
}

/* Nothing is left of it. */
static void unload(struct bpf_link *link)
{
	bpf_link__destroy(link);
	policy_share__destroy(skel);
}

/* A share together is taken by a program that is gone then. Returns what it took, ns. */
static __u64 spend_together(const char *match)
{
	struct policy *p = policy_new(BPF_POLICY_ENFORCE);
	struct bpf_link *link;
	__u64 taken;

	load("at_enter", NULL);
	share(p, BPF_POLICY_TOGETHER, match, NSEC_PER_MSEC,
	      BPF_POLICY_SHARE_THROTTLE)
		->share_window_ns = BPF_POLICY_SHARE_WINDOW_MAX;
	link = link_of(skel->progs.at_enter);
	policy_use(p);
	throttle_now(skel->progs.at_enter);
	taken = rule(1).share_taken_ns;
	unload(link);
	grace_period();
	return taken;
}

/* Who loads his programs anew has no new share, be they attached elsewhere. */
static void together_anew(void)
{
	__u64 taken = spend_together("at_*");

	CHECK(taken > NSEC_PER_MSEC, "%llu ns were taken", taken);
	load("at_exit", NULL);
	attach(skel->progs.at_exit);
	CHECK(prog_info(fd_of(skel->progs.at_exit)).throttled,
	      "the new one runs");
	CHECK(rule(1).share_taken_ns >= taken, "%llu of %llu ns are left",
	      rule(1).share_taken_ns, taken);
}

/* Nor if they are attached nowhere, and have timers. */
static void together_loaded(void)
{
	spend_together("*");
	load("storm", NULL);
	CHECK(prog_info(fd_of(skel->progs.storm)).throttled,
	      "the new one may start its timer");
}

/* What a program took last counts when it is gone. */
static void together_gone(void)
{
	struct policy *p = policy_new(BPF_POLICY_MONITOR);
	struct bpf_link *link;
	__u64 before;
	int i;

	share(p, BPF_POLICY_TOGETHER, "at_*", 100 * NSEC_PER_SEC,
	      BPF_POLICY_SHARE_WARN)
		->share_window_ns = BPF_POLICY_SHARE_WINDOW_MAX;
	policy_use(p);
	for (i = 0; i < 20; i++) {
		load("at_enter", NULL);
		link = link_of(skel->progs.at_enter);
		calls(20 * NSEC_PER_MSEC);
		unload(link);
	}
	before = rule(1).share_taken_ns;
	usleep(1500000);
	diag("%llu ms were taken, %llu of them seen before",
	     rule(1).share_taken_ns / NSEC_PER_MSEC, before / NSEC_PER_MSEC);
	CHECK(rule(1).share_taken_ns > 200 * NSEC_PER_MSEC,
	      "%llu ns of 400 ms were seen", rule(1).share_taken_ns);
}

/* Twice at one place, a program counts once. */
static void twice(void)
{
	struct policy *p = policy_new(BPF_POLICY_ENFORCE);

	load("at_enter", NULL);
	attach(skel->progs.at_enter);
	attach(skel->progs.at_enter);
	share(p, BPF_POLICY_HOOK, "tp/raw_syscalls/sys_enter", WINDOW,
	      BPF_POLICY_SHARE_WARN);
	policy_use(p);
	calls(5 * WINDOW);
	CHECK(!rule(1).over_share, "more than all of a CPU %llu times",
	      rule(1).over_share);
	CHECK(rule(1).share_taken_ns || rule(1).programs == 2,
	      "%llu ns, %u programs", rule(1).share_taken_ns, rule(1).programs);
}

/* A program that denies what it does not see is told of. */
static void closes(void)
{
	struct bpf_program *prog;
	__u64 seq = policy_seq();
	uint64_t from;
	__u32 id = 0;

	load("closes", NULL);
	prog = skel->progs.closes;
	attach(prog);
	use(BPF_POLICY_ENFORCE, "closes", WINDOW / 10,
	    BPF_POLICY_SHARE_THROTTLE);
	ctl->tgid = getpid();
	ctl->armed = 1;
	from = now_ns();
	while (now_ns() - from < 3 * WINDOW)
		bpf_map_get_next_id(0, &id);
	ctl->armed = 0;
	CHECK(!prog_info(fd_of(prog)).throttles &&
		      !prog_info(fd_of(prog)).throttled,
	      "throttled");
	tells(seq, 1, 0, prog_info(fd_of(prog)).id);
	use(BPF_POLICY_ENFORCE, "closes", WINDOW / 10,
	    BPF_POLICY_SHARE_QUARANTINE);
	ctl->armed = 1;
	from = now_ns();
	while (now_ns() - from < 3 * WINDOW)
		bpf_map_get_next_id(0, &id);
	ctl->armed = 0;
	CHECK(!is_quarantined(prog), "in quarantine");
}

/* 9 ms of 10 in a softirq, each within its budget. */
static void timer_storm(int stats)
{
	struct bpf_program *prog;
	uint64_t from, wall, before;
	__u64 runs;
	double got;
	int err;

	load("storm", NULL);
	prog = skel->progs.storm;
	wd_spare(fd_of(prog));
	ctl->n = 9 * NSEC_PER_MSEC;
	ctl->m = NSEC_PER_MSEC;
	err = prog_run(fd_of(prog), NULL);
	REQUIRE(!err, "test run: %s", strerror(-err));
	from = now_ns();
	before = skel->bss->took[4];
	usleep(500000);
	CHECK(percent(skel->bss->took[4] - before, now_ns() - from) > 70,
	      "no storm: %.1f %% of a CPU",
	      percent(skel->bss->took[4] - before, now_ns() - from));
	use(BPF_POLICY_ENFORCE, "storm", WINDOW / 10,
	    BPF_POLICY_SHARE_THROTTLE);
	from = now_ns();
	runs = ctl->finished;
	while (now_ns() - from < 15 * WINDOW) {
		usleep(10000);
		/* What was skipped has not started itself again. */
		if (!prog_info(fd_of(prog)).throttled)
			prog_run(fd_of(prog), NULL);
	}
	wall = now_ns() - from;
	got = percent((ctl->finished - runs) * ctl->n, wall);
	diag("%.1f %% of a CPU, %llu throttles", got,
	     prog_info(fd_of(prog)).throttles);
	CHECK(exact() ? got < 12 && got > 8 : got < 50,
	      "%.1f %% of a CPU, the share is 10 %%", got);
	CHECK(prog_info(fd_of(prog)).throttles >= 5, "%llu throttles",
	      prog_info(fd_of(prog)).throttles);
	ctl->brake = 1;
	if (stats >= 0)
		close(stats);
}

static void storm(void)
{
	timer_storm(-1);
}

static void storm_and_stats(void)
{
	int stats = bpf_enable_stats(BPF_STATS_RUN_TIME);

	REQUIRE(stats >= 0, "bpf_stats: %m");
	timer_storm(stats);
}

/* Exempt from budgets is exempt from shares. */
static void exempt(void)
{
	struct policy *p = policy_new(BPF_POLICY_ENFORCE);

	load("at_enter", NULL);
	attach(skel->progs.at_enter);
	share(p, BPF_POLICY_HOOK, "*", WINDOW / 10, BPF_POLICY_SHARE_THROTTLE);
	share(p, BPF_POLICY_PROGRAM, "*", WINDOW / 10,
	      BPF_POLICY_SHARE_THROTTLE);
	policy_rule(p, BPF_POLICY_EXEMPT, BPF_POLICY_F_EXEMPT_BUDGET,
		    "at_enter");
	policy_use(p);
	calls(3 * WINDOW);
	CHECK(!prog_info(fd_of(skel->progs.at_enter)).throttles &&
		      !rule(1).over_share && !rule(2).over_share,
	      "throttled");
}

/* Attached while others have taken all of it. */
static void comes_later(void)
{
	struct policy *p = policy_new(BPF_POLICY_ENFORCE);

	load("at_enter", "also_at_enter");
	attach(skel->progs.at_enter);
	share(p, BPF_POLICY_HOOK, "tp/raw_syscalls/sys_enter", NSEC_PER_MSEC,
	      BPF_POLICY_SHARE_THROTTLE)
		->share_window_ns = BPF_POLICY_SHARE_WINDOW_MAX;
	policy_use(p);
	throttle_now(skel->progs.at_enter);
	attach(skel->progs.also_at_enter);
	calls(WINDOW);
	CHECK(prog_info(fd_of(skel->progs.also_at_enter)).throttled,
	      "the other one runs");
}

static void many_windows(struct bpf_policy_rule *r)
{
	r->share_window_ns = BPF_POLICY_SHARE_WINDOW_MAX + 1;
}
static void few_windows(struct bpf_policy_rule *r)
{
	r->share_window_ns = BPF_POLICY_SHARE_WINDOW_MIN - 1;
}
static void no_share(struct bpf_policy_rule *r)
{
	r->share_ns = 0;
}
static void all_cpus(struct bpf_policy_rule *r)
{
	r->share_ns = r->share_window_ns * 100000;
}
static void bad_action(struct bpf_policy_rule *r)
{
	r->on_share = BPF_POLICY_SHARE_DETACH + 1;
}
static void without_flag(struct bpf_policy_rule *r)
{
	r->flags = BPF_POLICY_F_BUDGET;
	r->budget_ns = NSEC_PER_MSEC;
}
static void counter(struct bpf_policy_rule *r)
{
	r->over_share = 1;
}
static void taken(struct bpf_policy_rule *r)
{
	r->share_taken_ns = 1;
}
static void of_exempt(struct bpf_policy_rule *r)
{
	r->kind = BPF_POLICY_EXEMPT;
}
static void together_without(struct bpf_policy_rule *r)
{
	r->kind = BPF_POLICY_TOGETHER;
	r->flags = BPF_POLICY_F_UID;
	r->share_ns = r->share_window_ns = 0;
}
static void together_budget(struct bpf_policy_rule *r)
{
	r->kind = BPF_POLICY_TOGETHER;
	r->flags |= BPF_POLICY_F_BUDGET;
	r->budget_ns = NSEC_PER_MSEC;
}
static void together_comm(struct bpf_policy_rule *r)
{
	r->kind = BPF_POLICY_TOGETHER;
	r->comm_off = r->match_off;
}

static void input(void)
{
	static const struct {
		const char *what;
		void (*spoil)(struct bpf_policy_rule *r);
		__u32 reason;
	} rows[] = {
		{ "a window that is too long", many_windows,
		  BPF_POLICY_BAD_SHARE },
		{ "one that is too short", few_windows, BPF_POLICY_BAD_SHARE },
		{ "none", no_share, BPF_POLICY_BAD_SHARE },
		{ "more CPUs than there are", all_cpus, BPF_POLICY_BAD_SHARE },
		{ "an unknown action", bad_action, BPF_POLICY_BAD_SHARE },
		{ "without the flag", without_flag, BPF_POLICY_UNUSED_MEMBER },
		{ "a counter", counter, BPF_POLICY_UNUSED_MEMBER },
		{ "what is taken", taken, BPF_POLICY_UNUSED_MEMBER },
		{ "of an exemption", of_exempt, BPF_POLICY_BAD_FLAGS },
		{ "together without one", together_without,
		  BPF_POLICY_NO_LIMIT },
		{ "a budget together", together_budget, BPF_POLICY_BAD_FLAGS },
		{ "by who attaches", together_comm, BPF_POLICY_UNUSED_MEMBER },
	};
	struct policy *p;
	size_t i;
	int err;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		p = policy_new(BPF_POLICY_ENFORCE);
		rows[i].spoil(share(p, BPF_POLICY_PROGRAM, "x", WINDOW / 10,
				    BPF_POLICY_SHARE_THROTTLE));
		err = policy_load(p);
		CHECK(err == -EINVAL && p->bad_reason == rows[i].reason &&
			      p->bad_rule == 1,
		      "%s: %s, reason %u of rule %u", rows[i].what,
		      strerror(-err), p->bad_reason, p->bad_rule);
	}
	p = policy_new(BPF_POLICY_ENFORCE);
	for (i = 0; i <= BPF_POLICY_MAX_TOGETHER; i++)
		share(p, BPF_POLICY_TOGETHER, "x", WINDOW / 10,
		      BPF_POLICY_SHARE_THROTTLE);
	err = policy_load(p);
	CHECK(err == -EINVAL && p->bad_reason == BPF_POLICY_TOO_MANY_TOGETHER &&
		      p->bad_rule == 1 + BPF_POLICY_MAX_TOGETHER,
	      "%s, reason %u of rule %u", strerror(-err), p->bad_reason,
	      p->bad_rule);
}

#define TEST(fn, desc, ...) { #fn, desc, fn, NEEDS_WATCHDOG __VA_ARGS__ }

static const struct test tests[] = {
	TEST(by_looks, "a program within 10 % of a CPU, by what looks see"),
	TEST(by_stats, "the same by bpf_stats"),
	TEST(by_stats_alone, "the same without the watchdog"),
	TEST(closes, "what denies if it is skipped is only told of"),
	TEST(comes_later, "what is attached where the share is taken"),
	TEST(cannot_detach, "or quarantined, where it cannot be detached"),
	TEST(detach, "what takes more is detached"),
	TEST(exempt, "exempt from budgets is exempt from shares"),
	TEST(goes_on, "a run that is under way is not ended", | NEEDS_TWO_CPUS),
	TEST(graph, "two programs at two hooks of a graph, together"),
	TEST(input, "shares that make no sense are refused"),
	TEST(let_go, "released, other policy, unloaded, switched off"),
	TEST(place, "two programs at one place, together"),
	TEST(groups, "control groups beside each other, and below one"),
	TEST(quarantine, "what takes more is put into quarantine"),
	TEST(released, "throttled, and released when the window is over"),
	TEST(short_runs, "runs of less than a period are seen, in the mean"),
	TEST(storm, "a timer that starts itself again, 9 ms of 10"),
	TEST(storm_and_stats, "the same with bpf_stats, which do not count it"),
	TEST(together, "two programs at two hooks that are somebody's"),
	TEST(together_all, "shares of several programs, all that apply"),
	TEST(together_anew,
	     "a program that is loaded anew, and the share taken"),
	TEST(together_loaded, "who loads his programs anew, and attaches none"),
	TEST(together_gone, "programs that are gone count in a share together"),
	TEST(twice, "twice at one place, a program counts once"),
	TEST(warn, "warn and mode monitor only tell"),
	TEST(with_quarantine, "throttled and in quarantine"),
};

const struct suite suite_policy_share = {
	.name = "policy_share",
	.tests = tests,
	.nr_tests = ARRAY_SIZE(tests),
};
