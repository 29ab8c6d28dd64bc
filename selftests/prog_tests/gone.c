// SPDX-License-Identifier: GPL-2.0
/* Programs that outlive those who hold them, and tasks that do not outlive their program. */
#include <linux/membarrier.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "harness/test_util.h"
#include "gone.skel.h"

/* One program, with the maps of @maps_of if there is one. */
static struct gone *load(const char *name, struct gone *maps_of)
{
	struct gone *skel = gone__open();
	struct bpf_program *prog;
	int err;

	REQUIRE(skel, "gone: %m");
	bpf_object__for_each_program(prog, skel->obj)
		bpf_program__set_autoload(prog, !strcmp(bpf_program__name(prog),
							name));
	if (maps_of) {
		err = bpf_map__reuse_fd(skel->maps.works,
					bpf_map__fd(maps_of->maps.works)) ?:
		      bpf_map__reuse_fd(skel->maps.data_ctl,
					bpf_map__fd(maps_of->maps.data_ctl));
		REQUIRE(!err, "%s: reuse: %s", name, strerror(-err));
	}
	err = gone__load(skel);
	REQUIRE(!err, "%s: %s", name, strerror(-err));
	return skel;
}

static void run(struct bpf_program *prog)
{
	__s32 ret = -1;
	int err = prog_run(bpf_program__fd(prog), &ret);

	REQUIRE(!err && !ret, "%s: %s, %d", bpf_program__name(prog),
		strerror(-err), ret);
}

/* The work runs where it is started, and leaves nobody else there. */
static void *run_on_last_cpu(void *prog)
{
	pin_to(last_cpu());
	run(prog);
	return NULL;
}

static __u32 btf_id;

static bool types_are_put(void *unused)
{
	int fd = bpf_btf_get_fd_by_id(btf_id);

	if (fd >= 0)
		close(fd);
	return fd < 0;
}

/*
 * A callback runs on when its place has another one: nobody holds its program any more.
 * What is told of its end is read from that program nevertheless.
 */
static void replaced_callback(void)
{
	struct gone *holder, *skel;
	volatile struct ctl *ctl;
	pthread_t thread;
	unsigned int i;

	pin_to(0);
	wd_enable(2000000);
	holder = load("replaces", NULL);
	ctl = (void *)&holder->data_ctl->ctl;
	ctl->n = 1 << 23;
	ctl->m = 1000;
	skel = load("starts", holder);
	btf_id = prog_info(bpf_program__fd(skel->progs.starts)).btf_id;
	REQUIRE(!pthread_create(&thread, NULL, run_on_last_cpu,
				skel->progs.starts),
		"thread");
	REQUIRE(wait_for(&ctl->started, 1, 5 * NSEC_PER_SEC),
		"it does not start");
	run(holder->progs.replaces);
	gone__destroy(skel);
	/* If its types are put too early, they are freed now. */
	wait_until(types_are_put, NULL, 100 * NSEC_PER_MSEC);
	for (i = 0; i < 3; i++)
		syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0);
	CHECK(!ctl->finished, "it was through before anything was freed");
	shared->stall_since = now_ns();
	REQUIRE(wait_for(&ctl->finished, 1, 20 * NSEC_PER_SEC) && !ctl->brake,
		"not ended");
	shared->stall_since = 0;
	pthread_join(thread, NULL);
	CHECK(wait_until(types_are_put, NULL, 2 * NSEC_PER_SEC),
	      "its types stay");
	canary();
}

static bool is_gone(void *pid)
{
	return waitpid(*(pid_t *)pid, NULL, WNOHANG) == *(pid_t *)pid;
}

/* The stack of a task that an oops has ended, with the records on it, is used again. */
static void oops(void)
{
	char panics[16] = "";
	struct bpf_prog_info info;
	struct gone *skel;
	pid_t pid;
	int fd;

	file_read("/proc/sys/kernel/panic_on_oops", panics, sizeof(panics));
	if (atoi(panics))
		skip("an oops is a panic here; boot with sysctl.kernel.panic_on_oops=0");
	wd_enable(BUDGET_US);
	skel = load("oopses", NULL);
	fd = bpf_program__fd(skel->progs.oopses);
	REQUIRE(bpf_program__attach(skel->progs.oopses), "oopses: %m");
	shared->oopses = true;
	pid = fork();
	if (!pid) {
		skel->data_ctl->ctl.tgid = getpid();
		/* Of itself, by number: 0 asks no hook. */
		syscall(SYS_getpgid, getpid());
		_exit(0);
	}
	CHECK(wait_until(is_gone, &pid, 5 * NSEC_PER_SEC),
	      "the task is still there");
	CHECK(skel->data_ctl->ctl.started == 1 && !skel->data_ctl->ctl.finished,
	      "%llu started, %llu finished", skel->data_ctl->ctl.started,
	      skel->data_ctl->ctl.finished);
	info = prog_info(fd);
	CHECK(!info.nr_asleep && !info.overruns, "%u asleep, %llu overruns",
	      info.nr_asleep, info.overruns);
	canary();
}

static const struct test tests[] = {
	{ "oops", "a task that dies within a program leaves no record behind",
	  oops, NEEDS_WATCHDOG },
	{ "replaced_callback",
	  "a callback that runs while its program is let go has its end told",
	  replaced_callback, NEEDS_WATCHDOG | NEEDS_TWO_CPUS },
};

const struct suite suite_gone = {
	.name = "gone",
	.tests = tests,
	.nr_tests = ARRAY_SIZE(tests),
};
