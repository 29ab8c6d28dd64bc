// SPDX-License-Identifier: GPL-2.0
/*
 * Every overrun ends, also in these places, each of which was a hole once; and an end is
 * an end. Loops that no cycle's cut had reached are in endless.c.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "harness/test_util.h"
#include "traffic/repro.h"
#include "ends.skel.h"
#include "ends_ext.skel.h"
#include "ends_scx.skel.h"

/* Far above what an end takes on a busy host, far below the brake. */
#define SOON_NS (2 * NSEC_PER_SEC)

static struct ends *skel;
static volatile struct ctl *ctl;

/* Loads the programs named, and no other; the list ends with NULL. */
static void load(const char *const *names)
{
	struct bpf_program *prog;
	int i, err;

	skel = ends__open();
	REQUIRE(skel, "ends: %m");
	bpf_object__for_each_program(prog, skel->obj) {
		bpf_program__set_autoload(prog, false);
		for (i = 0; names[i]; i++)
			if (!strcmp(bpf_program__name(prog), names[i]))
				bpf_program__set_autoload(prog, true);
	}
	/* It is large, and a kernel with checkers takes seconds to free it. */
	bpf_map__set_autocreate(skel->maps.arena,
				!strcmp(names[0], "arena_free"));
	err = ends__load(skel);
	REQUIRE(!err, "%s: %s", names[0], strerror(-err));
	ctl = (void *)&skel->data_ctl->ctl;
	ctl->pid = ctl->tgid = getpid();
	ctl->n = 1 << 23;
	ctl->m = 1000;
}

#define LOAD(...) load((const char *const[]){ __VA_ARGS__, NULL })

static void set_tail(struct bpf_map *map, struct bpf_program *prog)
{
	__u32 key = 0, fd = bpf_program__fd(prog);
	int err = bpf_map_update_elem(bpf_map__fd(map), &key, &fd, 0);

	REQUIRE(!err, "%s: %s", bpf_map__name(map), strerror(-err));
}

static void send_packet(struct bpf_program *prog)
{
	prog_run_packets(bpf_program__fd(prog), 1);
}

static void run(struct bpf_program *prog)
{
	int err = prog_run(bpf_program__fd(prog), NULL);

	CHECK(!err, "test run: %s", strerror(-err));
}

static void getpgid_of_us(struct bpf_program *unused)
{
	syscall(SYS_getpgid, getpid());
}

/* Runs it; ns until it was through. */
static uint64_t timed(void (*fire)(struct bpf_program *prog),
		      struct bpf_program *prog)
{
	uint64_t start = now_ns(), took;

	shared->stall_since = start;
	fire(prog);
	took = now_ns() - start;
	shared->stall_since = 0;
	return took;
}

static bool is_ended(void *prog)
{
	return prog_info(bpf_program__fd(prog)).terminations;
}

/* It stalls, and is ended by the watchdog, once, and not by the brake. */
static void ends_soon(void (*fire)(struct bpf_program *prog),
		      struct bpf_program *prog)
{
	struct health before = health();
	struct bpf_prog_info info;
	uint64_t took = timed(fire, prog);

	wait_until(is_ended, prog, NSEC_PER_SEC);
	info = prog_info(bpf_program__fd(prog));
	CHECK(!ctl->brake && took < SOON_NS, "not ended: %.1f ms",
	      took / (double)NSEC_PER_MSEC);
	CHECK(info.terminations == 1, "%llu terminations", info.terminations);
	CHECK(!info.stuck_ends, "told as one that could not be stopped");
	check_health(&before, true);
	canary();
}

static void frames(void)
{
	wd_enable(BUDGET_US);
	LOAD("frames");
	set_tail(skel->maps.tails, skel->progs.frames);
	ctl->user_ptr = 30;
	ends_soon(send_packet, skel->progs.frames);
	CHECK(ctl->inner_started == 30 && ctl->started == 1,
	      "%llu tail calls, %llu stalls", ctl->inner_started, ctl->started);
}

static struct ends_ext *load_ext(struct bpf_program *ext, const char *function,
				 struct bpf_program *target, struct ends_ext *e)
{
	int err = bpf_program__set_attach_target(ext, bpf_program__fd(target),
						 function);

	REQUIRE(!err, "target %s: %s", function, strerror(-err));
	bpf_program__set_autoload(e->progs.long_main,
				  ext == e->progs.long_main);
	bpf_program__set_autoload(e->progs.watch_walk,
				  ext == e->progs.watch_walk);
	err = ends_ext__load(e);
	REQUIRE(!err, "%s: %s", bpf_program__name(ext), strerror(-err));
	e->data_ctl->ctl.n = 1 << 23;
	e->data_ctl->ctl.m = 1000;
	REQUIRE(bpf_program__attach(ext), "%s: %m", bpf_program__name(ext));
	return e;
}

static void extended_main(void)
{
	struct ends_ext *e = ends_ext__open();

	REQUIRE(e, "ends_ext: %m");
	wd_enable(BUDGET_US);
	LOAD("short_main");
	load_ext(e->progs.long_main, "short_main", skel->progs.short_main, e);
	ends_soon(send_packet, skel->progs.short_main);
	CHECK(e->data_ctl->ctl.started == 1 && !e->data_ctl->ctl.brake,
	      "%llu runs, brake %u", e->data_ctl->ctl.started,
	      e->data_ctl->ctl.brake);
}

/* Of what takes long by itself, and can be stopped on its way: at least twice as fast. */
static void ends_sooner(void (*fire)(struct bpf_program *prog),
			struct bpf_program *prog)
{
	struct bpf_prog_info info;
	uint64_t off, on;

	wd_disable();
	off = timed(fire, prog);
	if (off < 200 * NSEC_PER_MSEC)
		skip("takes only %.1f ms", off / (double)NSEC_PER_MSEC);
	ctl->brake = 0;
	wd_enable(BUDGET_US);
	on = timed(fire, prog);
	info = prog_info(bpf_program__fd(prog));
	CHECK(on < off / 2 && !ctl->brake, "%.1f ms, %.1f ms without",
	      on / (double)NSEC_PER_MSEC, off / (double)NSEC_PER_MSEC);
	CHECK(info.terminations == 1, "%llu terminations", info.terminations);
	canary();
}

static void faults(void)
{
	LOAD("faults");
	ctl->user_ptr = 0xffffc8fffffff000; /* a hole of the kernel */
	ends_sooner(run, skel->progs.faults);
}

static void arena_free(void)
{
	LOAD("arena_free");
	wd_disable();
	/* As many pages as take long enough, on any kernel. */
	for (ctl->user_ptr = 1 << 12;
	     timed(run, skel->progs.arena_free) < 300 * NSEC_PER_MSEC &&
	     ctl->user_ptr < 1 << 18;
	     ctl->user_ptr *= 2)
		;
	diag("%llu pages", ctl->user_ptr);
	ends_sooner(run, skel->progs.arena_free);
}

/* What it makes after its end is not made. */
static void iterators(void)
{
	wd_enable(BUDGET_US);
	LOAD("iterators");
	ends_soon(run, skel->progs.iterators);
	CHECK(!ctl->held && ctl->refused == 1000, "%llu made, %llu not",
	      ctl->held, ctl->refused);
}

static bool both_ended(void *unused)
{
	return prog_info(bpf_program__fd(skel->progs.overruns)).terminations &&
	       prog_info(bpf_program__fd(skel->progs.on_overrun)).terminations;
}

static void run_there(struct bpf_program *prog)
{
	int err = prog_run_on(bpf_program__fd(prog), last_cpu());

	CHECK(!err, "test run: %s", strerror(-err));
}

/* What is attached to its tracepoints does not run where it works. */
static void own_tracepoint(void)
{
	uint64_t took;

	pin_to(0);
	trace_start();
	wd_enable(BUDGET_US);
	LOAD("overruns", "on_overrun");
	REQUIRE(bpf_program__attach(skel->progs.on_overrun), "on_overrun: %m");
	ctl->armed = 1;
	took = timed(run_there, skel->progs.overruns);
	wait_until(both_ended, NULL, SOON_NS);
	CHECK(took < SOON_NS && !ctl->brake, "%.1f ms, brake %u",
	      took / (double)NSEC_PER_MSEC, ctl->brake);
	CHECK(both_ended(NULL), "%llu and %llu terminations",
	      prog_info(bpf_program__fd(skel->progs.overruns)).terminations,
	      prog_info(bpf_program__fd(skel->progs.on_overrun)).terminations);
	CHECK(ctl->inner_started == 1 && ctl->inner_finished == 1,
	      "on the tracepoint: %llu started, %llu finished",
	      ctl->inner_started, ctl->inner_finished);
	canary();
}

/*
 * It does not run where the watchdog works, which has just found an overrun, and leaves it at
 * that: there it would be skipped. So it runs later, and misses nothing.
 */
static void told_later(void)
{
	struct bpf_program *overruns, *on_overrun;
	int fd, err;

	pin_to(0);
	trace_start();
	wd_enable(BUDGET_US);
	LOAD("overruns", "on_overrun");
	overruns = skel->progs.overruns;
	on_overrun = skel->progs.on_overrun;
	REQUIRE(bpf_program__attach(on_overrun), "on_overrun: %m");
	fd = bpf_program__fd(overruns);
	err = wd_command(fd, BPF_WD_SET_ACTION, BPF_WD_ACTION_WARN);
	REQUIRE(!err, "SET_ACTION: %s", strerror(-err));
	ctl->armed = 1;
	/* Longer, until it is too long. */
	for (ctl->n = 256; ctl->n < 1 << 16 && !prog_info(fd).overruns;
	     ctl->n *= 2)
		timed(run_there, overruns);
	wait_for(&ctl->inner_finished, 1, SOON_NS);
	CHECK(ctl->inner_started == 1 && ctl->inner_finished == 1 &&
		      !ctl->brake,
	      "of %llu overruns: %llu started, %llu finished, brake %u",
	      prog_info(fd).overruns, ctl->inner_started, ctl->inner_finished,
	      ctl->brake);
	CHECK(!prog_info(bpf_program__fd(on_overrun)).recursion_misses,
	      "skipped %llu times",
	      prog_info(bpf_program__fd(on_overrun)).recursion_misses);
	canary();
}

#define INSTANCE TRACING "/instances/bpfwd"

static int marker_fd;

static void mark(struct bpf_program *unused)
{
	usleep(50000); /* no timer of the watchdog runs any more */
	ctl->armed = 1;
	CHECK(write(marker_fd, "x", 1) == 1, "trace_marker: %m");
}

/* To what has the interrupt raised, by the kind of APIC. */
static void attach_to_raise(struct bpf_program *prog)
{
	static const char *const functions[] = {
		"default_send_IPI_self",
		"x2apic_send_IPI_self",
	};
	unsigned int i, attached = 0;

	for (i = 0; i < ARRAY_SIZE(functions); i++)
		attached +=
			!!bpf_program__attach_kprobe(prog, false, functions[i]);
	REQUIRE(attached, "what raises it?");
}

/*
 * The interrupt that starts the timer does not come with one that others have yet to
 * raise: here to wake up a reader of the trace. Between the work that waits for it and the
 * interrupt, one program has the timer started, and one stalls. No other CPU looks after it.
 */
static void raises(void)
{
	char page[4096];
	pid_t reader;
	int pipe_fd;

	other_cpus_off();
	wd_enable(BUDGET_US);
	LOAD("raises", "sparse_off");
	attach_to_raise(skel->progs.raises);
	REQUIRE(attach_int3(skel->progs.sparse_off, "arch_irq_work_raise"),
		"int3 kprobe: %m");
	ctl->user_ptr = 2 * SOON_NS;
	REQUIRE(!mkdir(INSTANCE, 0700), INSTANCE ": %m");
	marker_fd = open(INSTANCE "/trace_marker", O_WRONLY | O_CLOEXEC);
	pipe_fd = open(INSTANCE "/trace_pipe", O_RDONLY | O_CLOEXEC);
	REQUIRE(marker_fd >= 0 && pipe_fd >= 0, INSTANCE ": %m");
	reader = fork();
	if (!reader)
		for (;;)
			read(pipe_fd, page, sizeof(page));
	usleep(50000); /* it waits */
	ends_soon(mark, skel->progs.raises);
	CHECK(ctl->started >= 2, "%llu runs", ctl->started);
	kill(reader, SIGKILL);
	waitpid(reader, NULL, 0);
	close(pipe_fd);
	close(marker_fd);
	CHECK(!rmdir(INSTANCE), INSTANCE ": %m");
}

/*
 * Has the timer started on this CPU, by a program that getpgid() runs with interrupts off, with
 * program @name on what that takes. Return: that one, armed until then.
 */
static struct bpf_program *start_timer_with(const char *name)
{
	struct bpf_program *prog;

	pin_to(0);
	wd_enable(BUDGET_US);
	LOAD(name, "sparse_off");
	prog = bpf_object__find_program_by_name(skel->obj, name);
	REQUIRE(bpf_program__attach(prog), "%s: %m", name);
	REQUIRE(attach_int3(skel->progs.sparse_off, SYS_GETPGID),
		"int3 kprobe: %m");
	ctl->m = 10;
	usleep(50000); /* no timer runs any more */
	ctl->armed = 1;
	timed(getpgid_of_us, skel->progs.sparse_off);
	ctl->armed = 0;
	return prog;
}

/* What the watchdog itself calls runs no programs: it is about to raise the interrupt. */
static void at_work(void)
{
	struct bpf_program *prog = start_timer_with("at_work");

	CHECK(!ctl->inner_started, "it ran");
	CHECK(prog_info(bpf_program__fd(prog)).recursion_misses,
	      "it was not skipped");
	canary();
}

/* The interrupt that starts the timer has come, and runs a program with interrupts off. */
static void arrives(void)
{
	struct bpf_program *prog = start_timer_with("arrives");

	CHECK(wait_until(is_ended, prog, NSEC_PER_SEC), "it was not ended");
	CHECK(!ctl->brake && ctl->started == 2, "brake %u, %llu runs",
	      ctl->brake, ctl->started);
	canary();
}

/*
 * A short program has had the timer started, and nobody look after it. The next one has
 * interrupts off. If none of the runs is to be timed, which is by chance, nothing but that tells.
 */
static void unasked(void)
{
	const unsigned int runs = 20;
	struct bpf_program *prog;
	unsigned int i;

	pin_to(0);
	wd_enable(BUDGET_US);
	LOAD("passes", "stalls_off");
	prog = skel->progs.stalls_off;
	REQUIRE(bpf_program__attach(skel->progs.passes), "passes: %m");
	REQUIRE(attach_int3(prog, SYS_GETPGID), "int3 kprobe: %m");
	for (i = 0; i < runs && !ctl->brake; i++) {
		usleep(50000); /* no timer runs any more */
		ctl->armed = 1;
		timed(getpgid_of_us, prog);
	}
	wait_until(is_ended, prog, NSEC_PER_SEC);
	CHECK(!ctl->brake && ctl->started == runs &&
		      prog_info(bpf_program__fd(prog)).terminations == runs,
	      "brake %u, %llu runs, %llu terminations", ctl->brake,
	      ctl->started, prog_info(bpf_program__fd(prog)).terminations);
	CHECK(ctl->inner_started >= runs, "%llu before it", ctl->inner_started);
	canary();
}

static bool is_quarantined(void *prog)
{
	return prog_info(bpf_program__fd(prog)).quarantined;
}

/* An interrupt that comes again each time that it was ended: it does not keep the CPU. */
static void captures(void)
{
	struct bpf_prog_info info;
	int i;

	pin_to(0);
	wd_enable(BUDGET_US);
	LOAD("captures", "wakes");
	REQUIRE(bpf_program__attach(skel->progs.captures), "captures: %m");
	/* One that returns by itself has no further interrupt raised. */
	for (i = 0; i < 10 && !is_quarantined(skel->progs.captures); i++) {
		/* Of this CPU only: another one is left to send an NMI. */
		ctl->armed = 1;
		timed(run, skel->progs.wakes);
		ctl->armed = 0;
		/* It is decided at once, and done by a work item. */
		wait_until(is_quarantined, skel->progs.captures,
			   100 * NSEC_PER_MSEC);
	}
	info = prog_info(bpf_program__fd(skel->progs.captures));
	CHECK(info.quarantined && !ctl->brake, "brake %u, quarantined %u",
	      ctl->brake, info.quarantined);
	CHECK(info.terminations > 10, "%llu terminations", info.terminations);
	diag("ended %llu times", info.terminations);
	canary();
}

/*
 * Of a chain, the verdict goes to the first one's caller, not to where it was ended: in a
 * function of program @name that is watched, by a loop that stops.
 */
static void lsm_ends_in(const char *name, __u32 terminable)
{
	struct ends_ext *e = ends_ext__open();
	struct bpf_program *target;
	struct bpf_prog_info info;
	__u64 zero = 0, key;
	int i, fd;

	REQUIRE(e, "ends_ext: %m");
	wd_disable();
	LOAD("lsm_main", name);
	target = bpf_object__find_program_by_name(skel->obj, name);
	REQUIRE(target, "%s: no such program", name);
	set_tail(skel->maps.lsm_tails, target);
	load_ext(e->progs.watch_walk, "walk", target, e);
	REQUIRE(bpf_program__attach(skel->progs.lsm_main), "lsm_main: %m");
	/* Two keys of one bucket: they go on until they are stopped. */
	fd = bpf_map__fd(skel->maps.walked);
	ctl->flags = 1000;
	for (key = 1; ctl->steps < ctl->flags; key++) {
		REQUIRE(key < 100, "no two keys in one bucket");
		ctl->steps = 0;
		bpf_map_update_elem(fd, &zero, &key, 0);
		bpf_map_update_elem(fd, &key, &zero, 0);
		getpgid_of_us(NULL);
		if (ctl->steps < ctl->flags)
			bpf_map_delete_elem(fd, &key);
	}
	ctl->flags = 0;
	wd_enable(BUDGET_US);
	info = prog_info(bpf_program__fd(target));
	CHECK(info.terminable == terminable, "%s: terminable is %u", name,
	      info.terminable);
	for (i = 0; i < 3; i++) {
		uint64_t took;

		errno = 0;
		took = timed(getpgid_of_us, NULL);
		CHECK(errno == EPERM, "an ended hook gives %s",
		      strerror(errno));
		CHECK(took < SOON_NS && !ctl->brake, "not ended: %.1f ms",
		      took / (double)NSEC_PER_MSEC);
	}
	info = prog_info(bpf_program__fd(skel->progs.lsm_main));
	CHECK(info.terminations == 3, "%llu terminations", info.terminations);
	canary();
}

static void lsm_chain(void)
{
	lsm_ends_in("lsm_target", BPF_TERMINABLE_YES);
}

static void lsm_no_image(void)
{
	lsm_ends_in("lsm_unfit", BPF_TERMINABLE_NO_ENDLESS);
}

/* --- An end is an end ------------------------------------------------------------------------ */

/* A run that could not be redirected, and was through by itself, was not ended. */
static void through(void)
{
	char packet[64] = {};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet,
		    .data_size_in = sizeof(packet));
	struct bpf_prog_info info;
	int fd, err;

	wd_enable(BUDGET_US);
	LOAD("leads_to_unfit", "unfit");
	fd = bpf_program__fd(skel->progs.leads_to_unfit);
	set_tail(skel->maps.tails, skel->progs.unfit);
	wd_sysctl_set("bpf_watchdog_quarantine", "1");
	info = prog_info(bpf_program__fd(skel->progs.unfit));
	CHECK(info.terminable == BPF_TERMINABLE_NO_ENDLESS, "terminable is %u",
	      info.terminable);
	err = wd_command(fd, BPF_WD_SET_VERDICT, BPF_WD_VERDICT_DENY);
	REQUIRE(!err, "SET_VERDICT: %s", strerror(-err));
	/* Longer, until it is too long. */
	ctl->m = 100;
	for (ctl->n = 16; ctl->n < 1 << 20; ctl->n *= 2) {
		err = bpf_prog_test_run_opts(fd, &opts);
		CHECK(!err && opts.retval == 7, "test run: %s, it returns %d",
		      strerror(-err), opts.retval);
		info = prog_info(fd);
		if (info.overruns || nr_failures)
			break;
	}
	CHECK(info.overruns == 1 && info.late_ends == 1 && !info.terminations,
	      "%llu overruns, %llu late, %llu terminations", info.overruns,
	      info.late_ends, info.terminations);
	usleep(50000); /* nothing is to happen */
	CHECK(!prog_info(fd).quarantined, "it is in quarantine");
	canary();
}

#define NEARLY_RUNS 300

/*
 * Runs that end about when they are to be ended: what was through by itself is counted as
 * late, and is no termination.
 */
static void late(void)
{
	struct bpf_prog_info info = {};
	unsigned int runs, cut;
	uint64_t took, until;
	int fd;

	pin_to(0);
	wd_disable();
	LOAD("nearly");
	fd = bpf_program__fd(skel->progs.nearly);
	/* 2 ms and a little. */
	for (ctl->n = 1 << 12;; ctl->n += ctl->n / 4) {
		took = timed(run_there, skel->progs.nearly);
		if (took > 2 * NSEC_PER_MSEC || ctl->n > 1 << 22)
			break;
	}
	wd_enable(2000);
	ctl->full = 0;
	/*
	 * The first runs were slower than those to come, the more so the slower the machine: it
	 * may take many to find the length.
	 */
	until = now_ns() + 30 * NSEC_PER_SEC;
	for (runs = 0; runs < NEARLY_RUNS ||
		       (info.overruns <= runs / 20 && now_ns() < until);
	     runs++) {
		__u64 before = info.overruns;

		run_there(skel->progs.nearly);
		/* In interrupts programs may not have most of a CPU. */
		usleep(3000);
		info = prog_info(fd);
		/* Longer, until it is too long. */
		if (info.overruns > before)
			ctl->n -= ctl->n / 32;
		else
			ctl->n += ctl->n / 64;
	}
	/* Each run did all its turns, or was ended. */
	cut = runs - ctl->full;
	diag("%llu overruns, %llu ended, %llu late; %u of %u runs did not do all",
	     info.overruns, info.terminations, info.late_ends, cut, runs);
	/* Some are ended behind their loop. */
	CHECK(info.terminations >= cut && info.terminations <= cut + runs / 20,
	      "%llu terminations, %u runs cut", info.terminations, cut);
	CHECK(info.overruns > runs / 20, "only %llu overruns", info.overruns);
	CHECK(info.overruns == info.terminations + info.late_ends,
	      "%llu overruns, %llu terminations, %llu late", info.overruns,
	      info.terminations, info.late_ends);
}

/*
 * Short runs, now and then: each has the timer started, and that is not their time. 1 ms is
 * far above what they take. A busy host may take more at times: if it was the watchdog, it is
 * so each time.
 */
static void own_time(void)
{
	const unsigned int runs = 1000,
			   rounds = env_number("BPFWD_VM_ICOUNT", 0) ? 1 : 3;
	unsigned int round, i;
	__u64 before, overruns;
	int fd;

	LOAD("sparse");
	fd = bpf_program__fd(skel->progs.sparse);
	ctl->m = 10;
	wd_enable(1000);
	for (round = 0; round < rounds; round++) {
		ctl->steps = 0;
		before = prog_info(fd).overruns;
		for (i = 0; i < runs; i++) {
			prog_run(fd, NULL);
			usleep(2000);
		}
		overruns = prog_info(fd).overruns - before;
		diag("%llu overruns of %u runs of 10 turns", overruns, runs);
		if (!overruns)
			break;
	}
	CHECK(round < rounds, "overruns in each of %u rounds", rounds);
	CHECK(overruns || ctl->steps == runs * 10, "%llu turns of %u",
	      ctl->steps, runs * 10);
}

/* --- What an end leaves behind --------------------------------------------------------------- */

static void periodic_timer(void)
{
	struct bpf_prog_info info;
	__u64 started;

	wd_enable(BUDGET_US);
	LOAD("periodic");
	run(skel->progs.periodic);
	REQUIRE(wait_for(&ctl->started, 3, NSEC_PER_SEC), "%llu ticks",
		ctl->started);
	shared->stall_since = now_ns();
	ctl->armed = 1;
	wait_until(is_ended, skel->progs.periodic, SOON_NS);
	shared->stall_since = 0;
	info = prog_info(bpf_program__fd(skel->progs.periodic));
	CHECK(info.terminations == 1 && !ctl->brake,
	      "%llu terminations, brake %u", info.terminations, ctl->brake);
	started = ctl->started;
	CHECK(wait_for(&ctl->started, started + 3, NSEC_PER_SEC),
	      "the timer does not go on: %llu ticks, %llu later", started,
	      ctl->started);
}

/* --- No CPU is left -------------------------------------------------------------------------- */

/* Keeps the scheduler of a CPU busy. */
static pid_t schedule_on(int cpu)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	pin_to(cpu);
	for (;;)
		usleep(1000);
}

/* One dispatch on each CPU stalls. Are all there before the first one is ended? */
static bool stall_all(struct ends_scx *scx)
{
	volatile struct ctl *c = (void *)&scx->data_ctl->ctl;
	int fd = bpf_program__fd(scx->progs.stalls_dispatch);
	__u64 cpus = last_cpu() + 1, before = prog_info(fd).terminations;
	uint64_t start = now_ns(), took;
	__u64 ended;

	c->started = c->finished = c->refused = 0;
	c->m = 0;
	c->enter_ns = start;
	c->n = 1;
	while (c->finished < cpus && now_ns() - start < 12 * NSEC_PER_SEC)
		usleep(5000);
	c->n = 0;
	took = now_ns() - start;
	ended = prog_info(fd).terminations - before;
	diag("%llu dispatches stalled, %llu at once, %llu by the clock, %llu terminations, %.1f ms",
	     c->started, c->inner_started, c->refused, ended,
	     took / (double)NSEC_PER_MSEC);
	CHECK(c->started == cpus, "%llu CPUs stalled", c->started);
	CHECK(!c->refused, "%llu were not ended", c->refused);
	CHECK(ended >= c->started, "%llu terminations", ended);
	return c->inner_started == cpus;
}

static void scheduler(void)
{
	struct ends_scx *scx = ends_scx__open();
	pid_t others[64];
	int i, err, last = last_cpu();
	bool at_once = false;

	REQUIRE(scx, "ends_scx: %m");
	/*
	 * Time for all to come there. A busy host makes gaps between the looks, of which little
	 * is charged.
	 */
	wd_enable(50000);
	err = ends_scx__load(scx);
	REQUIRE(!err, "ends_scx: %s", strerror(-err));
	/* The time after which it gives up, if nobody ends it. */
	scx->data_ctl->ctl.user_ptr = 6 * NSEC_PER_SEC;
	scx->data_ctl->ctl.n = 0;
	REQUIRE(last < (int)ARRAY_SIZE(others), "%d CPUs", last + 1);
	for (i = 0; i < last; i++)
		others[i] = schedule_on(i);
	REQUIRE(bpf_map__attach_struct_ops(scx->maps.stalls), "scheduler: %m");
	usleep(50000);
	/* One may wait for a lock that the other's hook holds, and comes later. */
	for (i = 0; i < 10 && !at_once && !nr_failures; i++)
		at_once = stall_all(scx);
	CHECK(at_once, "never all at once");
	ends_scx__destroy(scx);
	for (i = 0; i < last; i++) {
		kill(others[i], SIGKILL);
		waitpid(others[i], NULL, 0);
	}
	canary();
}

#define TEST(fn, needs, desc) { #fn, desc, fn, NEEDS_WATCHDOG | (needs) }

static const struct test tests[] = {
	TEST(arena_free, 0,
	     "a bounded loop of bpf_arena_free_pages(), which returns nothing"),
	TEST(arrives, NEEDS_TWO_CPUS,
	     "a program in the interrupt that is to start the timer"),
	TEST(at_work, 0,
	     "a program on what the watchdog raises an interrupt with is skipped"),
	TEST(captures, NEEDS_TWO_CPUS,
	     "a program in interrupts that its own ends raise is quarantined"),
	TEST(extended_main, 0, "a short main program that a long one replaces"),
	TEST(faults, 0, "a bounded loop of loads that fault"),
	TEST(frames, 0, "30 tail calls out of subprograms, then a stall"),
	TEST(iterators, 0, "iterators that are made after the end"),
	TEST(late, NEEDS_TWO_CPUS,
	     "runs that are through when they are to be ended are no terminations"),
	TEST(lsm_chain, 0,
	     "a security hook's chain, ended in a function that is watched: the verdict"),
	TEST(lsm_no_image, 0,
	     "the same where the chain is in a program that cannot be redirected"),
	TEST(own_time, 0, "starting the timer is not charged to the program"),
	TEST(own_tracepoint, NEEDS_TWO_CPUS,
	     "a program that stalls on the watchdog's own tracepoint"),
	TEST(periodic_timer, 0,
	     "a timer's callback that was ended before it started the timer again"),
	TEST(raises, 0,
	     "a program where an interrupt is about to be raised for work that waits"),
	TEST(scheduler, 0,
	     "a scheduler of sched_ext that stalls all CPUs at once, interrupts off"),
	TEST(through, 0,
	     "a chain to a program that cannot be redirected, and is through: no end"),
	TEST(told_later, 0,
	     "a program on the watchdog's own tracepoint, where nothing is ended"),
	TEST(unasked, NEEDS_TWO_CPUS,
	     "a stall with interrupts off behind a short program that needs no other CPU"),
};

const struct suite suite_ends = {
	.name = "ends",
	.tests = tests,
	.nr_tests = ARRAY_SIZE(tests),
};
