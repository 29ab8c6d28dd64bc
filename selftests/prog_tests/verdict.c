// SPDX-License-Identifier: GPL-2.0
/* What an invocation that was ended returns, and what a program in quarantine returns. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include "test_util.h"
#include "verdict.skel.h"

#define CGROUP_ROOT "/sys/fs/cgroup"
#define OWN 5 /* of progs/verdict.bpf.c */

static struct verdict *load(void)
{
	struct verdict *skel = verdict__open_and_load();

	REQUIRE(skel, "verdict: %m");
	/* More turns than a budget of 10 ms allows, and no end without the watchdog. */
	skel->data_ctl->ctl.n = skel->data_ctl->ctl.m = 1 << 20;
	return skel;
}

static void set(struct bpf_program *prog, __u32 verdict)
{
	int err = wd_command(bpf_program__fd(prog), BPF_WD_SET_VERDICT, verdict);

	REQUIRE(!err, "%s: SET_VERDICT %u: %s", bpf_program__name(prog), verdict,
		strerror(-err));
	CHECK(prog_info(bpf_program__fd(prog)).watchdog_verdict == verdict,
	      "%s: the verdict did not change", bpf_program__name(prog));
}

static void quarantine(struct bpf_program *prog, bool on)
{
	int err = wd_command(bpf_program__fd(prog),
			     on ? BPF_WD_QUARANTINE : BPF_WD_RELEASE, 0);

	REQUIRE(!err, "%s: quarantine %d: %s", bpf_program__name(prog), on,
		strerror(-err));
}

/* What it does: 0 or a value, or -errno. */
typedef int (*action_fn)(struct bpf_program *prog);

static int packet(struct bpf_program *prog)
{
	static const char data[64] = { [12] = 0x08 };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = data,
		    .data_size_in = sizeof(data));
	int err = bpf_prog_test_run_opts(bpf_program__fd(prog), &opts);

	REQUIRE(!err, "test run: %s", strerror(-err));
	return opts.retval;
}

static int get_pgid(struct bpf_program *prog)
{
	return getpgid(getpid()) < 0 ? -errno : 0;
}

static int get_option(struct bpf_program *prog)
{
	int s = socket(AF_INET, SOCK_DGRAM, 0), val, err;
	socklen_t len = sizeof(val);

	REQUIRE(s >= 0, "socket: %m");
	err = getsockopt(s, SOL_SOCKET, SO_TYPE, &val, &len) ? -errno : 0;
	close(s);
	return err;
}

static int get_scheduler(struct bpf_program *prog)
{
	int policy = sched_getscheduler(0);

	return policy < 0 ? -errno : policy;
}

struct row {
	__u32 verdict;
	bool quarantined;
	int want;
};

/* Each row: set, do it, and see that it was ended or, in quarantine, not run at all. */
static void check(struct verdict *skel, struct bpf_program *prog,
		  action_fn action, const struct row *rows, size_t n)
{
	volatile struct ctl *ctl = (void *)&skel->data_ctl->ctl;
	size_t i;

	for (i = 0; i < n; i++) {
		struct bpf_prog_info before, after;
		__u64 started;
		int got;

		set(prog, rows[i].verdict);
		if (rows[i].quarantined)
			quarantine(prog, true);
		before = prog_info(bpf_program__fd(prog));
		started = ctl->started;
		shared->stall_since = now_ns();
		ctl->tgid = getpid();
		got = action(prog);
		ctl->tgid = 0;
		shared->stall_since = 0;
		after = prog_info(bpf_program__fd(prog));
		CHECK(got == rows[i].want,
		      "%s, verdict %u%s: got %d, want %d", bpf_program__name(prog),
		      rows[i].verdict, rows[i].quarantined ? ", in quarantine" : "",
		      got, rows[i].want);
		CHECK(ctl->started - started == !rows[i].quarantined,
		      "%s: ran %llu times", bpf_program__name(prog),
		      ctl->started - started);
		CHECK(after.terminations - before.terminations ==
			      !rows[i].quarantined,
		      "%s: ended %llu times", bpf_program__name(prog),
		      after.terminations - before.terminations);
		if (rows[i].quarantined)
			quarantine(prog, false);
	}
}

#define CHECK_ROWS(skel, name, action, ...)                             \
	do {                                                            \
		const struct row rows[] = { __VA_ARGS__ };              \
                                                                        \
		check(skel, (skel)->progs.name, action, rows,           \
		      ARRAY_SIZE(rows));                                \
	} while (0)

static void packets(void)
{
	struct verdict *skel;

	wd_enable(BUDGET_US);
	skel = load();
	CHECK_ROWS(skel, on_xdp, packet, { BPF_WD_VERDICT_DEFAULT, false, OWN },
		   { BPF_WD_VERDICT_OWN, false, OWN },
		   { BPF_WD_VERDICT_PASS, false, 2 /* XDP_PASS */ },
		   { BPF_WD_VERDICT_DENY, false, 1 /* XDP_DROP */ },
		   { BPF_WD_VERDICT_DEFAULT, true, 2 },
		   { BPF_WD_VERDICT_OWN, true, 2 },
		   { BPF_WD_VERDICT_DENY, true, 1 });
	CHECK_ROWS(skel, on_tc, packet, { BPF_WD_VERDICT_DEFAULT, false, OWN },
		   { BPF_WD_VERDICT_PASS, false, -1 /* TC_ACT_UNSPEC */ },
		   { BPF_WD_VERDICT_DENY, false, 2 /* TC_ACT_SHOT */ },
		   { BPF_WD_VERDICT_DEFAULT, true, -1 },
		   { BPF_WD_VERDICT_DENY, true, 2 });
	CHECK_ROWS(skel, on_socket, packet,
		   { BPF_WD_VERDICT_DEFAULT, false, OWN },
		   { BPF_WD_VERDICT_PASS, false, -1 /* all of the packet */ },
		   { BPF_WD_VERDICT_DENY, false, 0 },
		   { BPF_WD_VERDICT_DEFAULT, true, 0 },
		   { BPF_WD_VERDICT_PASS, true, -1 });
	CHECK_ROWS(skel, on_flow_dissector, packet,
		   { BPF_WD_VERDICT_DEFAULT, false, 0 },
		   { BPF_WD_VERDICT_PASS, false, 129 /* ..._CONTINUE */ },
		   { BPF_WD_VERDICT_DENY, false, 2 /* BPF_DROP */ },
		   { BPF_WD_VERDICT_DEFAULT, true, 129 });
}

static void attach(struct bpf_program *prog)
{
	REQUIRE(bpf_program__attach(prog), "%s: %m", bpf_program__name(prog));
}

static void lsm(void)
{
	struct verdict *skel;

	wd_enable(BUDGET_US);
	skel = load();
	attach(skel->progs.on_lsm);
	CHECK_ROWS(skel, on_lsm, get_pgid,
		   { BPF_WD_VERDICT_DEFAULT, false, -EPERM },
		   { BPF_WD_VERDICT_OWN, false, 0 },
		   { BPF_WD_VERDICT_PASS, false, 0 },
		   { BPF_WD_VERDICT_DENY, false, -EPERM },
		   { BPF_WD_VERDICT_DEFAULT, true, -EPERM },
		   { BPF_WD_VERDICT_PASS, true, 0 });
}

static int open_null(struct bpf_program *prog)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), err = fd < 0 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return err;
}

static void lsm_sleepable(void)
{
	struct verdict *skel;

	wd_enable(BUDGET_US);
	skel = load();
	attach(skel->progs.on_lsm_sleepable);
	skel->data_ctl->ctl.refused = 1;
	CHECK_ROWS(skel, on_lsm_sleepable, open_null,
		   { BPF_WD_VERDICT_DEFAULT, false, -EPERM },
		   { BPF_WD_VERDICT_PASS, false, 0 });
}

static int cgroup(void)
{
	int fd;

	if (access(CGROUP_ROOT "/cgroup.procs", F_OK))
		REQUIRE(!mount("none", CGROUP_ROOT, "cgroup2", 0, NULL),
			"cgroup2: %m");
	fd = open(CGROUP_ROOT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	REQUIRE(fd >= 0, CGROUP_ROOT ": %m");
	return fd;
}

static void cgroups(void)
{
	struct verdict *skel;
	int fd, err;

	wd_enable(BUDGET_US);
	skel = load();
	fd = cgroup();
	REQUIRE(bpf_program__attach_cgroup(skel->progs.on_getsockopt, fd),
		"getsockopt: %m");
	CHECK_ROWS(skel, on_getsockopt, get_option,
		   { BPF_WD_VERDICT_DEFAULT, false, -EPERM },
		   { BPF_WD_VERDICT_OWN, false, 0 },
		   { BPF_WD_VERDICT_PASS, false, 0 },
		   { BPF_WD_VERDICT_DEFAULT, true, -EPERM },
		   { BPF_WD_VERDICT_PASS, true, 0 });
	REQUIRE(bpf_program__attach_cgroup(skel->progs.on_lsm_cgroup, fd),
		"lsm_cgroup: %m");
	CHECK_ROWS(skel, on_lsm_cgroup, get_scheduler,
		   { BPF_WD_VERDICT_DEFAULT, false, -EPERM },
		   { BPF_WD_VERDICT_PASS, false, 0 },
		   { BPF_WD_VERDICT_DEFAULT, true, -EPERM });
	close(fd);

	/* It must return 1, whatever it has found. */
	err = wd_command(bpf_program__fd(skel->progs.on_recvmsg),
			 BPF_WD_SET_VERDICT, BPF_WD_VERDICT_DENY);
	CHECK(err == -EOPNOTSUPP, "recvmsg that denies: %s", strerror(-err));
}

/* A test run of a fmod_ret program calls the function that it is on. */
static int modified(struct bpf_program *prog)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	int err = bpf_prog_test_run_opts(bpf_program__fd(prog), &opts);

	REQUIRE(!err, "test run: %s", strerror(-err));
	return opts.retval & 0xffff;
}

static void fmod_ret(void)
{
	struct verdict *skel;
	int err;

	wd_enable(BUDGET_US);
	skel = load();
	attach(skel->progs.on_fmod_ret);
	/* The function itself would return 4; that of another one, 29, is added. */
	CHECK_ROWS(skel, on_fmod_ret, modified,
		   { BPF_WD_VERDICT_DEFAULT, false, OWN + 29 },
		   { BPF_WD_VERDICT_PASS, false, 4 + 29 });
	err = wd_command(bpf_program__fd(skel->progs.on_fmod_ret),
			 BPF_WD_SET_VERDICT, BPF_WD_VERDICT_DENY);
	CHECK(err == -EOPNOTSUPP, "fmod_ret that denies: %s", strerror(-err));
}

static void change_in_quarantine(void)
{
	struct verdict *skel;
	struct bpf_program *prog;

	wd_enable(BUDGET_US);
	skel = load();
	prog = skel->progs.on_xdp;
	quarantine(prog, true);
	CHECK(packet(prog) == 2, "not XDP_PASS");
	set(prog, BPF_WD_VERDICT_DENY);
	CHECK(packet(prog) == 1, "not XDP_DROP");
	set(prog, BPF_WD_VERDICT_DEFAULT);
	CHECK(packet(prog) == 2, "not XDP_PASS again");
	quarantine(prog, false);
	CHECK(packet(prog) == OWN, "it does not run again");
}

static void bad_verdicts(void)
{
	static const __u64 bad[] = { BPF_WD_VERDICT_DENY + 1, 1ULL << 32, ~0ULL };
	struct verdict *skel = load();
	int fd = bpf_program__fd(skel->progs.on_xdp), err;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		err = wd_command(fd, BPF_WD_SET_VERDICT, bad[i]);
		CHECK(err == -EINVAL, "verdict %#llx: %s", bad[i], strerror(-err));
		CHECK(!prog_info(fd).watchdog_verdict, "%#llx changed something",
		      bad[i]);
	}
	err = wd_command(bpf_program__fd(skel->progs.on_raw_tp),
			 BPF_WD_SET_VERDICT, BPF_WD_VERDICT_DENY);
	CHECK(err == -EOPNOTSUPP, "raw tracepoint that denies: %s", strerror(-err));
}

static const struct test tests[] = {
	{ "bad_verdicts", "unknown verdicts, and those that a type cannot have",
	  bad_verdicts, NEEDS_WATCHDOG },
	{ "cgroups", "cgroup hooks deny when their program is ended, unless set",
	  cgroups, NEEDS_WATCHDOG },
	{ "change_in_quarantine", "a program in quarantine gets another verdict",
	  change_in_quarantine, NEEDS_WATCHDOG },
	{ "fmod_ret", "the verdict gets to what a trampoline returns", fmod_ret,
	  NEEDS_WATCHDOG },
	{ "lsm", "LSM hooks deny when their program is ended, unless set", lsm,
	  NEEDS_WATCHDOG },
	{ "lsm_sleepable", "the same for one that may sleep", lsm_sleepable,
	  NEEDS_WATCHDOG },
	{ "packets", "XDP, TC, socket filter, flow dissector", packets,
	  NEEDS_WATCHDOG },
};

const struct suite suite_verdict = {
	.name = "verdict",
	.elf = verdict__elf_bytes,
	.tests = tests,
	.nr_tests = ARRAY_SIZE(tests),
};
