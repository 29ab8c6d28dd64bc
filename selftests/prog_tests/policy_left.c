// SPDX-License-Identifier: GPL-2.0
/* Shares of places: what was taken there counts when it is detached, and while nothing is there. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include "harness/policy.h"
#include "policy_share.skel.h"

#define WINDOW (200 * NSEC_PER_MSEC)
#define WINDOWS 8
#define HOOK "tcx/ingress/lo"
#define LO 1
#define MEMORY "/sys/fs/cgroup/left"
/* Places in a file, in a few links. */
#define PLACES 2048
#define LINKS 4

static struct policy_share *skel;
static volatile struct ctl *ctl;

static void load(const char *name)
{
	struct bpf_program *prog;
	int err;

	skel = policy_share__open();
	REQUIRE(skel, "policy_share: %m");
	bpf_object__for_each_program(prog, skel->obj)
		bpf_program__set_autoload(prog, !strcmp(bpf_program__name(prog),
							name));
	err = policy_share__load(skel);
	REQUIRE(!err, "%s: %s", name, strerror(-err));
	ctl = (void *)&skel->data_ctl->ctl;
	ctl->n = 300 * NSEC_PER_USEC;
}

static void begin(const char *name)
{
	patch_on_one_cpu();
	loopback_up();
	wd_enable(BUDGET_US);
	load(name);
}

/* One rule, for places, for what they take: where setting a callback has no bound, too. */
static void use(const char *match, __u64 ns, __u64 window, __u32 on_share)
{
	struct policy *p = policy_new(BPF_POLICY_ENFORCE);
	struct bpf_policy_rule *r =
		policy_rule(p, BPF_POLICY_HOOK, BPF_POLICY_F_SHARE, match);

	r->share_ns = ns;
	r->share_window_ns = window;
	r->on_share = on_share;
	r->flags |= BPF_POLICY_F_UNBOUNDED;
	r->unbounded = BPF_POLICY_ALLOW;
	policy_use(p);
}

static int udp(void)
{
	static int fd = -1;

	if (fd < 0)
		fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	REQUIRE(fd >= 0, "socket: %m");
	return fd;
}

static void send_packet(void)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(TRIGGER_PORT),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};

	ctl->tgid = getpid();
	sendto(udp(), "", 1, 0, (void *)&to, sizeof(to));
	ctl->tgid = 0;
}

/* Packets that programs run for, for so long. */
static void packets(uint64_t ns)
{
	uint64_t from = now_ns();

	while (now_ns() - from < ns)
		send_packet();
}

/* The charge ends with the link. */
static struct bpf_link *attach(struct bpf_program *prog)
{
	struct bpf_link *link = bpf_program__attach_tcx(prog, LO, NULL);

	REQUIRE(link, "tcx: %m");
	return link;
}

static double percent(uint64_t part, uint64_t all)
{
	return 100.0 * part / all;
}

static bool exact(void)
{
	return env_number("BPFWD_VM_ICOUNT", 0);
}

static void check_share(double got, double share, const char *what)
{
	diag("%s: %.1f %% of a CPU", what, got);
	CHECK(got < share * 1.4 && (got > share / 2 || !exact()),
	      "%s: %.1f %% of a CPU, the share is %.0f %%", what, got, share);
}

/* Attached for so long, again and again. */
static void cycle(uint64_t ns, const char *what)
{
	uint64_t from = now_ns();
	struct bpf_link *link;

	ctl->finished = 0;
	while (now_ns() - from < WINDOWS * WINDOW) {
		link = attach(skel->progs.packet);
		packets(ns);
		bpf_link__destroy(link);
	}
	check_share(percent(ctl->finished * ctl->n, now_ns() - from), 5, what);
}

static void in_cycles(void)
{
	use(HOOK, WINDOW / 20, WINDOW, BPF_POLICY_SHARE_THROTTLE);
	cycle(8 * NSEC_PER_MSEC, "8 ms");
	cycle(20 * NSEC_PER_MSEC, "20 ms");
	cycle(200 * NSEC_PER_MSEC, "200 ms");
}

static void cycles(void)
{
	begin("packet");
	in_cycles();
}

static void cycles_by_stats(void)
{
	int stats = bpf_enable_stats(BPF_STATS_RUN_TIME);

	REQUIRE(stats >= 0, "bpf_stats: %m");
	begin("packet");
	wd_disable();
	in_cycles();
	close(stats);
}

/* Each time another program, which is freed. */
static void loaded_anew(void)
{
	uint64_t from, took = 0;
	struct bpf_link *link;

	begin("packet");
	use(HOOK, WINDOW / 20, WINDOW, BPF_POLICY_SHARE_THROTTLE);
	from = now_ns();
	for (;;) {
		link = attach(skel->progs.packet);
		packets(8 * NSEC_PER_MSEC);
		bpf_link__destroy(link);
		took += ctl->finished * ctl->n;
		policy_share__destroy(skel);
		if (now_ns() - from > WINDOWS * WINDOW)
			break;
		load("packet");
	}
	check_share(percent(took, now_ns() - from), 5, "loaded anew");
}

/* What had the share is away, and another program comes: it does not run until there is one. */
static void debt(void)
{
	struct bpf_link *link;
	__u64 runs;

	begin("packet");
	use(HOOK, NSEC_PER_MSEC, BPF_POLICY_SHARE_WINDOW_MAX,
	    BPF_POLICY_SHARE_THROTTLE);
	link = attach(skel->progs.packet);
	packets(WINDOW);
	bpf_link__destroy(link);
	usleep(2 * WINDOW / 1000);
	policy_share__destroy(skel);
	load("packet");
	link = attach(skel->progs.packet);
	packets(WINDOW / 10);
	runs = ctl->started;
	CHECK(!runs, "%llu runs where the share was taken", runs);
	CHECK(prog_info(bpf_program__fd(skel->progs.packet)).throttled,
	      "not throttled");
	bpf_link__destroy(link);
}

/* --- Callbacks ------------------------------------------------------------------------------- */

/* Attached until it has started its timer. */
static void start_storm(void)
{
	struct bpf_link *link = attach(skel->progs.starts);

	send_packet();
	bpf_link__destroy(link);
}

static void begin_storm(void)
{
	uint64_t from, before;

	begin("starts");
	wd_spare(bpf_program__fd(skel->progs.starts));
	ctl->n = 9 * NSEC_PER_MSEC;
	ctl->m = NSEC_PER_MSEC;
	start_storm();
	from = now_ns();
	before = ctl->finished;
	usleep(500000);
	CHECK(percent((ctl->finished - before) * ctl->n, now_ns() - from) > 20,
	      "no storm: %llu runs", ctl->finished - before);
}

static struct bpf_prog_info info(void)
{
	return prog_info(bpf_program__fd(skel->progs.starts));
}

static bool throttled_again(void *before)
{
	return info().throttles > *(__u64 *)before;
}

static bool runs_again(void *unused)
{
	return !info().throttled;
}

/* The timer goes on where its program is attached no longer. */
static void storm(void)
{
	uint64_t from, wall;
	__u64 runs, before;
	double got;
	int i;

	begin_storm();
	use("tcx/ingress/*", WINDOW / 10, WINDOW, BPF_POLICY_SHARE_THROTTLE);
	from = now_ns();
	runs = ctl->finished;
	for (i = 0; i < 4; i++) {
		before = info().throttles;
		/* What was skipped has not started itself again. */
		start_storm();
		if (!CHECK(wait_until(throttled_again, &before, 10 * WINDOW),
			   "round %d: not throttled", i))
			break;
		wait_until(runs_again, NULL, 10 * WINDOW);
	}
	wall = now_ns() - from;
	got = percent((ctl->finished - runs) * ctl->n, wall);
	diag("%.1f %% of a CPU, %llu throttles", got, info().throttles);
	CHECK(got < (exact() ? 20 : 50), "%.1f %% of a CPU, the share is 10 %%",
	      got);
	ctl->brake = 1;
}

static bool is_quarantined(void *unused)
{
	return info().quarantined;
}

/* It is detached where it is attached, and then its timer goes on. */
static void storm_detached(void)
{
	struct bpf_policy_denial d;
	__u64 seq;

	begin_storm();
	use("tcx/ingress/*", WINDOW / 10, WINDOW, BPF_POLICY_SHARE_DETACH);
	seq = policy_seq();
	start_storm();
	CHECK(wait_until(is_quarantined, NULL, 10 * WINDOW),
	      "not in quarantine");
	CHECK(policy_denial(seq, &d) && d.reason == BPF_POLICY_OVER_SHARE &&
		      d.denied == 4,
	      "reason %u, denied %u", d.reason, d.denied);
	ctl->brake = 1;
}

/* --- Memory ---------------------------------------------------------------------------------- */

static long slab(void)
{
	static char text[16384];
	const char *line;
	int n = file_read(MEMORY "/memory.stat", text, sizeof(text));

	REQUIRE(n >= 0, "memory.stat: %s", strerror(-n));
	line = strstr(text, "slab_unreclaimable ");
	REQUIRE(line, "no slab in memory.stat");
	return strtol(strchr(line, ' '), NULL, 10);
}

static bool slab_below(void *limit)
{
	return slab() < *(long *)limit;
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

__attribute__((noinline)) int policy_left_target(int a)
{
	asm volatile("");
	return a + 1;
}

static struct bpf_link *at_offsets(const char *path, unsigned long first,
				   size_t nr)
{
	static unsigned long offsets[PLACES];
	LIBBPF_OPTS(bpf_uprobe_multi_opts, opts, .offsets = offsets, .cnt = nr);
	struct bpf_link *link;
	size_t i;

	for (i = 0; i < nr; i++)
		offsets[i] = first + i;
	link = bpf_program__attach_uprobe_multi(skel->progs.at_offset, -1, path,
						NULL, &opts);
	REQUIRE(link, "%s: %m", path);
	return link;
}

/* Nobody maps this file, so nothing runs there. */
static void make_file(char *path, size_t size)
{
	int fd;

	snprintf(path, size, "%s/left", scratch());
	fd = open(path, O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0700);
	REQUIRE(fd >= 0 && !ftruncate(fd, PLACES * (LINKS + 1)), "%s: %m",
		path);
	close(fd);
}

/* From many places, one after the other: each is remembered, and forgotten. */
static void forgotten(void)
{
	uint64_t window = 4 * NSEC_PER_SEC, from;
	struct bpf_link *link;
	char path[256];
	long before, there = 0, now, limit;
	int i;

	begin("at_offset");
	make_file(path, sizeof(path));
	file_write("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
	rmdir(MEMORY);
	REQUIRE(!mkdir(MEMORY, 0755), "%s: %m", MEMORY);
	if (access(MEMORY "/memory.stat", F_OK))
		skip("no memory controller");
	use("uprobe/*", window, window, BPF_POLICY_SHARE_THROTTLE);
	enter(MEMORY);
	/* It takes its time here. */
	REQUIRE(bpf_program__attach(skel->progs.at_offset), "attach: %m");
	before = slab();
	for (i = 0; i < LINKS; i++) {
		link = at_offsets(path, i * PLACES, PLACES);
		from = now_ns();
		ctl->tgid = getpid();
		while (now_ns() - from < 50 * NSEC_PER_MSEC)
			policy_left_target(i);
		ctl->tgid = 0;
		bpf_link__destroy(link);
		now = slab();
		there = now > there ? now : there;
	}
	diag("%ld KiB before, %ld KiB with the places that are remembered",
	     before / 1024, there / 1024);
	/* Some windows may have ended meanwhile. */
	CHECK(there > before + PLACES * 256L, "%ld bytes for %d places",
	      there - before, LINKS * PLACES);
	limit = before + LINKS * PLACES * 16L;
	CHECK(wait_until(slab_below, &limit, 4 * window), "%ld bytes are left",
	      slab() - before);
	enter("/sys/fs/cgroup");
	rmdir(MEMORY);
	unlink(path);
}

#define TEST(fn, desc, ...) { #fn, desc, fn, NEEDS_WATCHDOG __VA_ARGS__ }

static const struct test tests[] = {
	TEST(cycles, "attached and detached all the time: the share holds"),
	TEST(cycles_by_stats, "the same by bpf_stats, without the watchdog"),
	TEST(debt, "what comes when all is taken, and nothing is there"),
	TEST(forgotten, "of many places, memory is given back"),
	TEST(loaded_anew, "a program that is loaded anew each time"),
	TEST(storm, "a timer goes on when its program is detached"),
	TEST(storm_detached, "and is put into quarantine where that is wanted"),
};

const struct suite suite_policy_left = {
	.name = "policy_left",
	.tests = tests,
	.nr_tests = ARRAY_SIZE(tests),
};
