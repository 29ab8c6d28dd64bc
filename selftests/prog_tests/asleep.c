// SPDX-License-Identifier: GPL-2.0
/* A run that sleeps in a fault of user memory is shown, and ended when it wakes up. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include "harness/test_util.h"
#include "asleep.skel.h"

static struct asleep *skel;
static volatile pid_t sleeper;

static void *sleeps(void *unused)
{
	sleeper = syscall(SYS_gettid);
	prog_run(bpf_program__fd(skel->progs.asleep), NULL);
	return NULL;
}

static bool is_asleep(void *fd)
{
	return prog_info(*(int *)fd).nr_asleep;
}

static void user_fault(void)
{
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_zeropage zero = {};
	struct bpf_prog_info info;
	pthread_t thread;
	void *page;
	int uffd, fd, err;

	uffd = syscall(SYS_userfaultfd, O_CLOEXEC);
	if (uffd < 0)
		skip("userfaultfd: %m");
	REQUIRE(!ioctl(uffd, UFFDIO_API, &api), "UFFDIO_API: %m");
	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	reg.range.start = zero.range.start = (unsigned long)page;
	reg.range.len = zero.range.len = 4096;
	REQUIRE(!ioctl(uffd, UFFDIO_REGISTER, &reg), "UFFDIO_REGISTER: %m");

	wd_enable(1000000);
	skel = asleep__open_and_load();
	REQUIRE(skel, "asleep: %m");
	fd = bpf_program__fd(skel->progs.asleep);
	skel->data_ctl->ctl.user_ptr = (unsigned long)page;
	skel->data_ctl->ctl.n = 1 << 23;
	skel->data_ctl->ctl.m = 1000;
	CHECK(!prog_info(fd).nr_asleep, "asleep before it runs");
	REQUIRE(!pthread_create(&thread, NULL, sleeps, NULL), "thread");
	CHECK(wait_until(is_asleep, &fd, 2 * NSEC_PER_SEC),
	      "it sleeps, and is not shown");
	info = prog_info(fd);
	CHECK(info.nr_asleep == 1 && (pid_t)info.asleep_pid == sleeper,
	      "%u asleep, pid %u, not %d", info.nr_asleep, info.asleep_pid,
	      sleeper);
	err = wd_command(fd, BPF_WD_END, 0);
	CHECK(!err, "END: %s", strerror(-err));
	usleep(20000);
	CHECK(prog_info(fd).nr_asleep == 1, "it woke up by itself");
	/* Now it is to be ended, far below its budget. */
	shared->stall_since = now_ns();
	REQUIRE(!ioctl(uffd, UFFDIO_ZEROPAGE, &zero), "UFFDIO_ZEROPAGE: %m");
	pthread_join(thread, NULL);
	shared->stall_since = 0;
	info = prog_info(fd);
	CHECK(!skel->data_ctl->ctl.brake && info.terminations == 1 &&
		      !info.overruns,
	      "%llu terminations, %llu overruns, brake %u", info.terminations,
	      info.overruns, skel->data_ctl->ctl.brake);
	CHECK(!info.nr_asleep, "it is through, and shown as asleep");
	close(uffd);
	canary();
}

#define NAPS 1000

static unsigned int page_us = 2000;

/* Each page that somebody waits for comes after some time. */
static void *serve_pages(void *uffd)
{
	struct uffd_msg msg;

	while (read(*(int *)uffd, &msg, sizeof(msg)) == sizeof(msg)) {
		struct uffdio_zeropage zero = {
			.range = { msg.arg.pagefault.address & ~4095ULL, 4096 },
		};

		usleep(page_us);
		ioctl(*(int *)uffd, UFFDIO_ZEROPAGE, &zero);
	}
	return NULL;
}

/* Each time that it is awake, it is shorter than a period, and no timer runs yet. */
static void naps(void)
{
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct uffdio_api api = { .api = UFFD_API };
	struct bpf_prog_info info;
	pthread_t thread;
	void *pages;
	int uffd, fd;

	uffd = syscall(SYS_userfaultfd, O_CLOEXEC);
	if (uffd < 0)
		skip("userfaultfd: %m");
	REQUIRE(!ioctl(uffd, UFFDIO_API, &api), "UFFDIO_API: %m");
	pages = mmap(NULL, NAPS * 4096, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	reg.range.start = (unsigned long)pages;
	reg.range.len = NAPS * 4096;
	REQUIRE(!ioctl(uffd, UFFDIO_REGISTER, &reg), "UFFDIO_REGISTER: %m");
	REQUIRE(!pthread_create(&thread, NULL, serve_pages, &uffd), "thread");

	wd_enable(10000);
	skel = asleep__open_and_load();
	REQUIRE(skel, "asleep: %m");
	fd = bpf_program__fd(skel->progs.naps);
	skel->data_ctl->ctl.user_ptr = (unsigned long)pages;
	skel->data_ctl->ctl.n = NAPS;
	skel->data_ctl->ctl.m = 200 * NSEC_PER_USEC;
	REQUIRE(!wd_command(fd, BPF_WD_SET_BUDGET, 10 * NSEC_PER_MSEC),
		"budget: %m");
	prog_run(fd, NULL);
	info = prog_info(fd);
	/* 50 of them are the budget. */
	CHECK(info.terminations == 1 && skel->data_ctl->ctl.steps < 200,
	      "%llu terminations, after %llu of %u naps", info.terminations,
	      skel->data_ctl->ctl.steps, NAPS);
	diag("ended after %llu naps", skel->data_ctl->ctl.steps);
	pthread_cancel(thread);
	pthread_join(thread, NULL);
	close(uffd);
	canary();
}

#define MANY 100
#define MANY_NAPS 200

static void *naps_of(void *fd)
{
	prog_run(*(int *)fd, NULL);
	return NULL;
}

/*
 * More at once than a CPU has room for to remember what they ran. One of which that is
 * forgotten runs to its end: it takes four times its budget, and sleeps before each look.
 */
static void naps_many(void)
{
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct uffdio_api api = { .api = UFFD_API };
	pthread_t server, thread[MANY];
	struct bpf_prog_info info;
	int uffd, fd, i;
	void *pages;

	uffd = syscall(SYS_userfaultfd, O_CLOEXEC);
	if (uffd < 0)
		skip("userfaultfd: %m");
	REQUIRE(!ioctl(uffd, UFFDIO_API, &api), "UFFDIO_API: %m");
	pages = mmap(NULL, MANY * MANY_NAPS * 4096, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	reg.range.start = (unsigned long)pages;
	reg.range.len = MANY * MANY_NAPS * 4096;
	REQUIRE(!ioctl(uffd, UFFDIO_REGISTER, &reg), "UFFDIO_REGISTER: %m");
	page_us = 100;
	REQUIRE(!pthread_create(&server, NULL, serve_pages, &uffd), "thread");

	wd_enable(10000);
	skel = asleep__open_and_load();
	REQUIRE(skel, "asleep: %m");
	fd = bpf_program__fd(skel->progs.naps_many);
	skel->data_ctl->ctl.user_ptr = (unsigned long)pages;
	skel->data_ctl->ctl.n = MANY_NAPS;
	skel->data_ctl->ctl.m = 200 * NSEC_PER_USEC;
	REQUIRE(!wd_command(fd, BPF_WD_SET_BUDGET, 10 * NSEC_PER_MSEC),
		"budget: %m");
	for (i = 0; i < MANY; i++)
		REQUIRE(!pthread_create(&thread[i], NULL, naps_of, &fd),
			"thread %d", i);
	for (i = 0; i < MANY; i++)
		pthread_join(thread[i], NULL);
	info = prog_info(fd);
	CHECK(info.terminations == MANY,
	      "%llu of %u were ended, after %llu naps", info.terminations, MANY,
	      skel->data_ctl->ctl.steps);
	diag("ended after %llu naps each", skel->data_ctl->ctl.steps / MANY);
	pthread_cancel(server);
	pthread_join(server, NULL);
	close(uffd);
	canary();
}

static const struct test tests[] = {
	{ "naps", "a run that sleeps before each look is ended all the same",
	  naps, NEEDS_WATCHDOG },
	{ "naps_many", "what any number of runs that sleep have run is known",
	  naps_many, NEEDS_WATCHDOG },
	{ "user_fault", "a run that sleeps in userfaultfd is shown and ended",
	  user_fault, NEEDS_WATCHDOG },
};

const struct suite suite_asleep = {
	.name = "asleep",
	.tests = tests,
	.nr_tests = ARRAY_SIZE(tests),
};
