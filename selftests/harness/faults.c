// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include "harness/faults.h"

#define FAULTS "/sys/kernel/debug/"
#define KMEMLEAK "/sys/kernel/debug/kmemleak"
#define UNPRIVILEGED "/proc/sys/kernel/unprivileged_bpf_disabled"

/* More than any operation here allocates, each time with a fault of its own. */
#define MAX_FAULTS 3000
/* Objects younger than that are no leaks yet. */
#define LEAK_AGE_S 6
#define NOBODY 65534

/* --- Faults ---------------------------------------------------------------------------------- */

static int nth_file = -1;

static void fault_option(const char *name, const char *option,
			 const char *value)
{
	char path[200];
	int err;

	snprintf(path, sizeof(path), FAULTS "%s/%s", name, option);
	err = file_write(path, value);
	REQUIRE(!err, "%s: %s", path, strerror(-err));
}

static void need_faults(void)
{
	static const char *const kinds[] = { "failslab", "fail_page_alloc" };
	size_t i;

	nth_file = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	if (nth_file < 0 || access(FAULTS "failslab", F_OK) ||
	    access(FAULTS "fail_page_alloc", F_OK))
		skip("this kernel is built without CONFIG_FAULT_INJECTION, FAILSLAB, FAIL_PAGE_ALLOC");
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		/* Those that may sleep, which is almost all. A stack for each is too much. */
		fault_option(kinds[i], "ignore-gfp-wait", "N");
		fault_option(kinds[i], "verbose", "0");
	}
	fault_option("fail_page_alloc", "ignore-gfp-highmem", "N");
	fault_option("fail_page_alloc", "min-order", "0");
	/* The faults are to be those of the operation. */
	REQUIRE(!mlockall(MCL_CURRENT | MCL_FUTURE), "mlockall: %m");
}

void fail_nth(unsigned int n)
{
	char text[20];
	int len = snprintf(text, sizeof(text), "%u", n);

	REQUIRE(pwrite(nth_file, text, len, 0) == len, "fail-nth: %m");
}

bool has_failed(void)
{
	char text[20] = "";

	REQUIRE(pread(nth_file, text, sizeof(text) - 1, 0) > 0, "fail-nth: %m");
	fail_nth(0);
	return !strtoul(text, NULL, 10);
}

void fail_each(const struct operation *op)
{
	unsigned int n, failed = 0, survived = 0;
	bool fault;
	int ret;

	for (n = 1; n <= MAX_FAULTS && !nr_failures;
	     n += op->factor && n > 32 ? op->factor : 1) {
		if (op->prepare)
			op->prepare();
		fail_nth(n);
		ret = op->run();
		fault = has_failed();
		op->check(ret);
		if (nr_failures)
			diag("%s: allocation %u failed, result %d", op->name, n,
			     ret);
		if (!fault) {
			CHECK(ret >= 0, "%s without a fault: %s", op->name,
			      strerror(-ret));
			break;
		}
		if (ret < 0)
			failed++;
		else
			survived++;
	}
	CHECK(n > 1 || op->may_be_none, "%s: no allocation was made to fail",
	      op->name);
	CHECK(n <= MAX_FAULTS, "%s: no end after %u faults", op->name, n);
	diag("%s: %u faults, it failed in %u and went on in %u", op->name,
	     failed + survived, failed, survived);
}

/* --- Leaks ----------------------------------------------------------------------------------- */

void first_netns(void)
{
	int fd = open("/proc/1/ns/net", O_RDONLY | O_CLOEXEC);

	REQUIRE(fd >= 0 && !setns(fd, CLONE_NEWNET), "/proc/1/ns/net: %m");
	close(fd);
}

long get_number(const char *path)
{
	char text[40];
	int err = file_read(path, text, sizeof(text));

	REQUIRE(!err, "%s: %s", path, strerror(-err));
	return strtol(text, NULL, 10);
}

void set_number(const char *path, long value)
{
	char text[40];
	int err;

	snprintf(text, sizeof(text), "%ld", value);
	err = file_write(path, text);
	REQUIRE(!err, "%s: %s", path, strerror(-err));
}

int as_nobody(int (*fn)(void))
{
	int status = -1;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		if (setresuid(NOBODY, NOBODY, NOBODY))
			_exit(99);
		_exit(fn());
	}
	REQUIRE(pid > 0 && waitpid(pid, &status, 0) == pid, "fork: %m");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 98;
}

static int load_filter(void)
{
	static const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, "small", "GPL",
			       insns, ARRAY_SIZE(insns), NULL);

	close(fd);
	return fd < 0;
}

/* Code of a program that was closed is freed by a work item, two grace periods later. */
static void settle(void)
{
	int i;

	for (i = 0; i < 3; i++)
		grace_period();
	usleep(20000);
}

/* What code is charged in. */
#define CHUNK 64

static bool fits(int (*fn)(void), long chunks)
{
	set_number(JIT_LIMIT, chunks * CHUNK);
	if (as_nobody(fn))
		return false;
	settle();
	return true;
}

static long lowest_limit(int (*fn)(void))
{
	long was = get_number(JIT_LIMIT), low = 0, high = 1, middle;

	for (; high < was / CHUNK && !fits(fn, high); high *= 2)
		low = high;
	while (high - low > 1) {
		middle = low + (high - low) / 2;
		if (fits(fn, middle))
			high = middle;
		else
			low = middle;
	}
	set_number(JIT_LIMIT, was);
	return high * CHUNK;
}

long steady_limit(int (*fn)(void))
{
	long limit, last;

	/* What libbpf tries out first, once in a process, is charged as well. */
	fn();
	settle();
	limit = lowest_limit(fn);
	do {
		last = limit;
		limit = lowest_limit(fn);
	} while (limit != last);
	return limit;
}

static __u32 nr_programs(void)
{
	__u32 id = 0, nr = 0;

	while (!bpf_prog_get_next_id(id, &id))
		nr++;
	return nr;
}

static struct {
	__u32 programs;
	long jit_bytes;
} at_start;

/* What was closed is freed after a grace period. */
static bool all_is_back(void *unused)
{
	return nr_programs() == at_start.programs &&
	       lowest_limit(load_filter) == at_start.jit_bytes;
}

void faults_begin(void)
{
	need_faults();
	first_netns();
	set_number(UNPRIVILEGED, 0);
	CHECK(!as_nobody(load_filter), "nobody may load a socket filter");
	file_write(KMEMLEAK, "clear");
	at_start.programs = nr_programs();
	at_start.jit_bytes = steady_limit(load_filter);
}

static void check_kmemleak(void)
{
	static char text[4096];

	if (access(KMEMLEAK, F_OK))
		return;
	sleep(LEAK_AGE_S);
	/* What a register or a stack pointed to at the first scan, the second sees. */
	file_write(KMEMLEAK, "scan");
	file_write(KMEMLEAK, "scan");
	file_read(KMEMLEAK, text, sizeof(text));
	CHECK(!text[0], "kmemleak:\n%s", text);
}

void faults_end(void)
{
	wd_reset();
	CHECK(wait_until(all_is_back, NULL, 10 * NSEC_PER_SEC),
	      "%u programs and %ld bytes of code, there were %u and %ld",
	      nr_programs(), lowest_limit(load_filter), at_start.programs,
	      at_start.jit_bytes);
	check_kmemleak();
	canary();
}
