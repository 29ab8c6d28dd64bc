// SPDX-License-Identifier: GPL-2.0
/* Quarantine acts at once, reaches every way in, and is no trap for the operator. */
#include <fcntl.h>
#include <pthread.h>
#include <sys/syscall.h>
#include "harness/test_util.h"
#include "quarantine.skel.h"

static struct quarantine *skel;
static volatile struct ctl *ctl;

static int fd_of(struct bpf_program *prog)
{
	return bpf_program__fd(prog);
}

/* Loads programs @name and @other, which may be NULL, and no other. */
static void load_two(const char *name, const char *other, const char *threshold)
{
	struct bpf_program *prog;
	int err;

	wd_enable(BUDGET_US);
	err = wd_sysctl_set("bpf_watchdog_quarantine", threshold);
	REQUIRE(!err, "bpf_watchdog_quarantine: %s", strerror(-err));
	skel = quarantine__open();
	REQUIRE(skel, "quarantine: %m");
	bpf_object__for_each_program(prog, skel->obj) {
		const char *this = bpf_program__name(prog);

		bpf_program__set_autoload(prog, !strcmp(this, name) ||
							(other &&
							 !strcmp(this, other)));
	}
	err = quarantine__load(skel);
	REQUIRE(!err, "%s: %s", name, strerror(-err));
	ctl = (void *)&skel->data_ctl->ctl;
	ctl->n = 1 << 23;
	ctl->m = 1000;
}

static void load(const char *name, const char *threshold)
{
	load_two(name, NULL, threshold);
}

static bool is_quarantined(void *prog)
{
	return prog_info(fd_of(prog)).quarantined;
}

/* A callback that starts itself again is stopped with its program. */
static void again(struct bpf_program *prog)
{
	struct bpf_prog_info info;
	__u64 started;
	int err = prog_run(fd_of(prog), NULL);

	REQUIRE(!err, "test run: %s", strerror(-err));
	CHECK(wait_until(is_quarantined, prog, 3 * NSEC_PER_SEC),
	      "not in quarantine after %llu terminations",
	      prog_info(fd_of(prog)).terminations);
	/* One may be under way. */
	usleep(50000);
	started = ctl->started;
	usleep(300000);
	info = prog_info(fd_of(prog));
	CHECK(ctl->started == started,
	      "in quarantine it has run %llu times, and then %llu", started,
	      ctl->started - started);
	CHECK(info.terminations <= 5, "%llu terminations", info.terminations);
	ctl->brake = 1;
	quarantine__destroy(skel);
	canary();
}

static void timer_again(void)
{
	load("timer_again", "3");
	again(skel->progs.timer_again);
}

static void work_again(void)
{
	load("work_again", "3");
	again(skel->progs.work_again);
}

/* Any call that needs none of our own programs. */
static int bpf_call(void)
{
	__u32 id = 0;

	return bpf_map_get_next_id(0, &id) ? -errno : 0;
}

static void shut_out(void)
{
	int err;

	load("on_bpf", "0");
	REQUIRE(bpf_program__attach(skel->progs.on_bpf), "on_bpf: %m");
	err = wd_command(fd_of(skel->progs.on_bpf), BPF_WD_QUARANTINE, 0);
	REQUIRE(!err, "QUARANTINE: %s", strerror(-err));
	err = bpf_call();
	CHECK(err == -EPERM, "bpf() behind a hook in quarantine: %s",
	      strerror(-err));
}

static void back_again(const char *how)
{
	int err = bpf_call();

	CHECK(!err, "%s: bpf() fails: %s", how, strerror(-err));
	CHECK(!is_quarantined(skel->progs.on_bpf), "%s: still in quarantine",
	      how);
}

static void release_by_sysctl(void)
{
	int err;

	shut_out();
	err = wd_sysctl_set("bpf_watchdog_release", "1");
	CHECK(!err, "bpf_watchdog_release: %s", strerror(-err));
	back_again("released by sysctl");
}

static void release_by_switch(void)
{
	shut_out();
	wd_disable();
	back_again("switched off");
}

/* What comes by itself does not close a hook that denies. */
static void not_by_itself(void)
{
	int i, fd;

	load("on_bpf", "2");
	fd = fd_of(skel->progs.on_bpf);
	REQUIRE(bpf_program__attach(skel->progs.on_bpf), "on_bpf: %m");
	ctl->tgid = getpid();
	ctl->armed = 1;
	for (i = 0; i < 5; i++)
		bpf_call();
	ctl->armed = 0;
	CHECK(!bpf_call(), "bpf() fails: %m");
	CHECK(prog_info(fd).terminations >= 3 && !prog_info(fd).quarantined,
	      "%llu terminations, quarantined %u", prog_info(fd).terminations,
	      prog_info(fd).quarantined);
}

static bool can_open(void *unused)
{
	int fd = open("/proc/sys/kernel/bpf_watchdog_release", O_WRONLY);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* A hook that closes all files leaves the key. */
static void let_pass_by_key(void)
{
	int key = open("/proc/sysrq-trigger", O_WRONLY), fd, bpf;

	REQUIRE(key >= 0, "/proc/sysrq-trigger: %m");
	load("on_open", "0");
	bpf = fd_of(skel->progs.on_open);
	REQUIRE(bpf_program__attach(skel->progs.on_open), "on_open: %m");
	ctl->tgid = getpid();
	ctl->armed = 1;
	fd = open("/proc/sys/kernel/bpf_watchdog_release", O_WRONLY);
	CHECK(fd < 0 && errno == EPERM, "open() of what is ended: %d, %m", fd);
	CHECK(write(key, "W", 1) == 1, "SysRq-W: %m");
	CHECK(wait_until(can_open, NULL, 5 * NSEC_PER_SEC),
	      "no file can be opened: %m");
	ctl->armed = 0;
	close(key);
	CHECK(prog_info(bpf).watchdog_verdict == BPF_WD_VERDICT_PASS,
	      "verdict %u", prog_info(bpf).watchdog_verdict);
	CHECK(prog_info(bpf).terminations >= 2, "%llu terminations",
	      prog_info(bpf).terminations);
	canary();
}

static void third_is_last(struct bpf_program *prog)
{
	struct bpf_prog_info info;

	CHECK(wait_until(is_quarantined, prog, 10 * NSEC_PER_SEC),
	      "not in quarantine");
	info = prog_info(fd_of(prog));
	CHECK(info.terminations == 3 && ctl->started == 3,
	      "quarantine after 3: %llu terminations, %llu of 30 runs",
	      info.terminations, ctl->started);
	canary();
}

/* No work has to run in between. */
static void at_once(void)
{
	load("burst", "3");
	prog_run_packets(fd_of(skel->progs.burst), 30);
	third_is_last(skel->progs.burst);
}

/* Nor can it. */
static void at_once_irqs_off(void)
{
	int err;

	pin_to(0);
	load_two("calls_often", "burst_inside", "3");
	wd_spare(fd_of(skel->progs.calls_often));
	REQUIRE(bpf_program__attach(skel->progs.burst_inside),
		"burst_inside: %m");
	ctl->armed = 1;
	err = prog_run_on(fd_of(skel->progs.calls_often), last_cpu());
	ctl->armed = 0;
	CHECK(!err && ctl->inner_finished == 1, "test run: %s", strerror(-err));
	third_is_last(skel->progs.burst_inside);
}

/* --- Tail calls, which enter a program behind what is patched --- */

/* As progs/quarantine.bpf.c has it. */
#define TAIL_RETURNS 7
#define TAIL_FALLS 9

static int packet_verdict(struct bpf_program *prog)
{
	char data[64] = {};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = data,
		    .data_size_in = sizeof(data));
	int err = bpf_prog_test_run_opts(fd_of(prog), &opts);

	REQUIRE(!err, "%s: %s", bpf_program__name(prog), strerror(-err));
	return opts.retval;
}

static int put_tail(__u32 index)
{
	int fd = fd_of(skel->progs.tail_target);

	return bpf_map_update_elem(bpf_map__fd(skel->maps.tails), &index, &fd,
				   BPF_ANY);
}

static void load_tails(void)
{
	struct bpf_program *prog;
	int err;

	wd_enable(BUDGET_US);
	skel = quarantine__open();
	REQUIRE(skel, "quarantine: %m");
	bpf_object__for_each_program(prog, skel->obj)
		bpf_program__set_autoload(prog,
					  !strncmp(bpf_program__name(prog),
						   "tail_", strlen("tail_")));
	err = quarantine__load(skel);
	REQUIRE(!err, "quarantine: %s", strerror(-err));
	ctl = (void *)&skel->data_ctl->ctl;
	REQUIRE(!put_tail(1), "prog array: %m");
}

static void quarantine_target(void)
{
	int err = wd_command(fd_of(skel->progs.tail_target), BPF_WD_QUARANTINE,
			     0);

	REQUIRE(!err, "QUARANTINE: %s", strerror(-err));
}

static void release_target(void)
{
	int err = wd_command(fd_of(skel->progs.tail_target), BPF_WD_RELEASE, 0);

	REQUIRE(!err, "RELEASE: %s", strerror(-err));
}

/* Each way to call it gives @ret, and runs it @runs times in all. */
static void tails_give(int ret, __u64 runs, const char *when)
{
	__u64 before = ctl->started;
	int got;

	got = packet_verdict(skel->progs.tail_direct);
	CHECK(got == ret, "%s: direct: %d, want %d", when, got, ret);
	got = packet_verdict(skel->progs.tail_indirect);
	CHECK(got == ret, "%s: indirect: %d, want %d", when, got, ret);
	got = packet_verdict(skel->progs.tail_sub);
	CHECK(got == ret + 1, "%s: subprogram: %d, want %d", when, got,
	      ret + 1);
	CHECK(ctl->started - before == runs, "%s: it ran %llu times, want %llu",
	      when, ctl->started - before, runs);
}

static void tail_calls(void)
{
	__u32 index = 1, id = 0;
	int skipped, fd, tails, err;

	load_tails();
	fd = fd_of(skel->progs.tail_target);
	tails = bpf_map__fd(skel->maps.tails);
	tails_give(TAIL_RETURNS, 3, "before");

	quarantine_target();
	skipped = packet_verdict(skel->progs.tail_target);
	tails_give(skipped, 0, "in quarantine");
	err = bpf_map_lookup_elem(tails, &index, &id);
	CHECK(!err && id == prog_info(fd).id, "the array has %u, want %u: %s",
	      id, prog_info(fd).id, strerror(-err));

	err = bpf_map_delete_elem(tails, &index);
	CHECK(!err, "delete: %s", strerror(-err));
	CHECK(bpf_map_lookup_elem(tails, &index, &id) == -ENOENT,
	      "it is there, deleted");
	tails_give(TAIL_FALLS, 0, "deleted");
	CHECK(!put_tail(1), "put there in quarantine: %m");
	tails_give(skipped, 0, "put there in quarantine");

	err = wd_command(fd, BPF_WD_SET_VERDICT, BPF_WD_VERDICT_DENY);
	CHECK(!err, "SET_VERDICT: %s", strerror(-err));
	CHECK(packet_verdict(skel->progs.tail_target) != skipped,
	      "the verdict is the same");
	tails_give(packet_verdict(skel->progs.tail_target), 0, "denying");
	err = wd_command(fd, BPF_WD_SET_VERDICT, BPF_WD_VERDICT_PASS);
	CHECK(!err, "SET_VERDICT: %s", strerror(-err));
	tails_give(skipped, 0, "passing again");

	release_target();
	tails_give(TAIL_RETURNS, 3, "released");
	quarantine_target();
	tails_give(skipped, 0, "again");
	err = wd_sysctl_set("bpf_watchdog_release", "1");
	CHECK(!err, "bpf_watchdog_release: %s", strerror(-err));
	tails_give(TAIL_RETURNS, 3, "released by sysctl");
	/* What is freed while something stands for it. */
	quarantine_target();
	quarantine__destroy(skel);
	canary();
}

static volatile bool race_over;

static void *puts_and_takes(void *unused)
{
	__u32 index = 1;

	while (!race_over) {
		bpf_map_delete_elem(bpf_map__fd(skel->maps.tails), &index);
		put_tail(1);
		usleep(2000);
	}
	return NULL;
}

/* While others change the array. */
static void tail_race(void)
{
	__u64 before, rounds = 0, ran_once = 0;
	__u64 until = now_ns() + 2 * NSEC_PER_SEC;
	pthread_t thread;
	int i, ret;

	load_tails();
	REQUIRE(!pthread_create(&thread, NULL, puts_and_takes, NULL),
		"no thread");
	for (; now_ns() < until; rounds++) {
		quarantine_target();
		before = ctl->started;
		for (i = 0; i < 20; i++) {
			ret = packet_verdict(i % 2 ? skel->progs.tail_direct :
						     skel->progs.tail_indirect);
			CHECK(ret != TAIL_RETURNS,
			      "it runs in quarantine, round %llu", rounds);
		}
		CHECK(ctl->started == before, "it ran %llu times, round %llu",
		      ctl->started - before, rounds);
		release_target();
		for (i = 0; i < 20; i++)
			ran_once += packet_verdict(skel->progs.tail_indirect) ==
				    TAIL_RETURNS;
	}
	race_over = true;
	pthread_join(thread, NULL);
	CHECK(ran_once, "released, it never ran in %llu rounds", rounds);
	diag("%llu rounds", rounds);
	tails_give(TAIL_RETURNS, 3, "after all");
	quarantine__destroy(skel);
	canary();
}

#define TEST(fn, desc, ...) { #fn, desc, fn, NEEDS_WATCHDOG __VA_ARGS__ }

static const struct test tests[] = {
	TEST(at_once, "after the third end there is no fourth run"),
	TEST(at_once_irqs_off, "the same where nothing else can run meanwhile",
	     | NEEDS_TWO_CPUS),
	TEST(let_pass_by_key,
	     "an lsm/file_open program that is ended each time: SysRq-W"),
	TEST(not_by_itself, "ends of an lsm/bpf program do not shut out bpf()"),
	TEST(release_by_switch,
	     "an lsm/bpf program in quarantine: the watchdog is switched off"),
	TEST(release_by_sysctl,
	     "an lsm/bpf program in quarantine: kernel.bpf_watchdog_release"),
	TEST(tail_calls, "others tail-call a program in quarantine"),
	TEST(tail_race,
	     "the same while it is put into the array and taken out"),
	TEST(timer_again, "a timer's callback that starts its timer again"),
	TEST(work_again, "a work queue's callback that queues itself again"),
};

const struct suite suite_quarantine = {
	.name = "quarantine",
	.tests = tests,
	.nr_tests = ARRAY_SIZE(tests),
};
