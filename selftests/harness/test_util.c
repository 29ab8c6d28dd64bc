// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <linux/perf_event.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <bpf/btf.h>
#include "harness/test_util.h"
#include "canary.skel.h"

#define INSTANCE TRACING "/instances/bpfwd_selftests"
#define TRIGGER "/sys/kernel/debug/bpf_watchdog/"

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

uint64_t now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

uint64_t cpu_ns(void)
{
	return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

int last_cpu(void)
{
	return sysconf(_SC_NPROCESSORS_ONLN) - 1;
}

void cpus_on(void)
{
	long i, n = sysconf(_SC_NPROCESSORS_CONF);
	char path[64];
	int fd;

	for (i = 1; i < n; i++) {
		snprintf(path, sizeof(path),
			 "/sys/devices/system/cpu/cpu%ld/online", i);
		fd = open(path, O_WRONLY | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (write(fd, "1", 1) != 1)
			diag("%s: %m", path);
		close(fd);
	}
}

void other_cpus_off(void)
{
	int cpu, err, last = last_cpu();
	char path[64];

	if (last && access("/sys/devices/system/cpu/cpu1/online", W_OK))
		skip("no CPU can be taken offline (CONFIG_HOTPLUG_CPU)");
	for (cpu = 1; cpu <= last; cpu++) {
		snprintf(path, sizeof(path),
			 "/sys/devices/system/cpu/cpu%d/online", cpu);
		err = file_write(path, "0");
		REQUIRE(!err, "%s = 0: %s", path, strerror(-err));
	}
}

/* What is put into a map of maps waits for one; membarrier() does not, where there is one CPU. */
void grace_period(void)
{
	static int outer = -1, inner;
	LIBBPF_OPTS(bpf_map_create_opts, opts);
	__u32 key = 0;

	if (outer < 0) {
		inner = bpf_map_create(BPF_MAP_TYPE_ARRAY, "inner", 4, 4, 1,
				       NULL);
		opts.inner_map_fd = inner;
		outer = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "outer", 4,
				       4, 1, &opts);
	}
	REQUIRE(!bpf_map_update_elem(outer, &key, &inner, 0),
		"a map of maps: %m");
}

void loopback_up(void)
{
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	REQUIRE(fd >= 0 && !ioctl(fd, SIOCSIFFLAGS, &ifr), "lo up: %m");
	close(fd);
}

void pin_to(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	CHECK(!sched_setaffinity(0, sizeof(set), &set), "CPU %d: %m", cpu);
}

bool wait_until(bool (*cond)(void *arg), void *arg, uint64_t timeout_ns)
{
	const struct timespec pause = { .tv_nsec = 200000 };
	uint64_t deadline = now_ns() + timeout_ns;

	while (!cond(arg)) {
		if (now_ns() > deadline)
			return cond(arg);
		nanosleep(&pause, NULL);
	}
	return true;
}

struct field_wait {
	volatile __u64 *field;
	__u64 at_least;
};

static bool field_reached(void *arg)
{
	struct field_wait *w = arg;

	return *w->field >= w->at_least;
}

bool wait_for(volatile __u64 *field, __u64 at_least, uint64_t timeout_ns)
{
	struct field_wait w = { field, at_least };

	return wait_until(field_reached, &w, timeout_ns);
}

int file_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC), err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		err = -errno;
	close(fd);
	return err;
}

int file_read(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n;

	if (fd < 0)
		return -errno;
	while (len < size - 1 && (n = read(fd, buf + len, size - 1 - len)) > 0)
		len += n;
	buf[len] = 0;
	close(fd);
	return 0;
}

int run_command(char *buf, size_t size, const char *fmt, ...)
{
	size_t len = 0, n;
	char cmd[2048];
	va_list ap;
	FILE *f;

	va_start(ap, fmt);
	vsnprintf(cmd, sizeof(cmd), fmt, ap);
	va_end(ap);
	f = popen(cmd, "r");
	REQUIRE(f, "popen: %m");
	while (len < size - 1 &&
	       (n = fread(buf + len, 1, size - 1 - len, f)) > 0)
		len += n;
	buf[len] = 0;
	return pclose(f);
}

unsigned long env_number(const char *name, unsigned long otherwise)
{
	const char *text = getenv(name);
	char *end;
	unsigned long n;

	if (!text)
		return otherwise;
	n = strtoul(text, &end, 10);
	REQUIRE(*text && !*end, "%s=%s is not a number", name, text);
	return n;
}

bool patching_is_fatal(void)
{
	const char *threads = getenv("BPFWD_VM_TCG");
	static char text[4096];

	file_read("/proc/cpuinfo", text, sizeof(text));
	return strstr(text, "QEMU TCG") &&
	       (!threads || strcmp(threads, "single"));
}

void patch_on_one_cpu(void)
{
	char path[64];

	if (!patching_is_fatal() || !last_cpu())
		return;
	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/online",
		 last_cpu());
	pin_to(0);
	/* The runner switches it on again. */
	file_write(path, "0");
}

const char *built_file(const char *variable, const char *name)
{
	char exe[PATH_MAX] = "", *path = NULL;
	const char *O = getenv("O");
	int len;

	if (getenv(variable))
		return getenv(variable);
	if (O) {
		len = asprintf(&path, "%s/%s", O, name);
	} else {
		/* $(O)/selftests/runner */
		REQUIRE(readlink("/proc/self/exe", exe, sizeof(exe) - 1) > 0,
			"/proc/self/exe: %m");
		len = asprintf(&path, "%s/%s", dirname(dirname(exe)), name);
	}
	REQUIRE(len > 0, "no memory");
	return path;
}

const char *scratch(void)
{
	return getenv("BPFWD_SCRATCH") ?: "/tmp";
}

/* --- The watchdog ---------------------------------------------------------------------------- */

bool wd_present(void)
{
	return !access("/proc/sys/kernel/bpf_watchdog", F_OK);
}

int wd_sysctl_set(const char *name, const char *value)
{
	char path[100];

	snprintf(path, sizeof(path), "/proc/sys/kernel/%s", name);
	return file_write(path, value);
}

long long wd_sysctl_get(const char *name)
{
	char path[100], text[100];
	int err;

	snprintf(path, sizeof(path), "/proc/sys/kernel/%s", name);
	err = file_read(path, text, sizeof(text));
	REQUIRE(!err, "%s: %s", path, strerror(-err));
	return atoll(text);
}

static void set(const char *name, unsigned int value)
{
	char text[20];
	int err;

	snprintf(text, sizeof(text), "%u", value);
	err = wd_sysctl_set(name, text);
	REQUIRE(!err, "kernel.%s = %u: %s", name, value, strerror(-err));
}

void wd_enable(unsigned int budget_us)
{
	set("bpf_watchdog_period_us", PERIOD_US);
	set("bpf_watchdog_budget_us", budget_us);
	/* Most programs are run by BPF_PROG_TEST_RUN. */
	set("bpf_watchdog_budget_user_us", budget_us);
	set("bpf_watchdog", 1);
}

void wd_set_period(unsigned int us)
{
	set("bpf_watchdog_period_us", us);
}

void wd_disable(void)
{
	set("bpf_watchdog", 0);
}

static void no_policy(void)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.policy.op = BPF_POLICY_UNLOAD;
	syscall(__NR_bpf, BPF_RUNTIME_POLICY, &attr, sizeof(attr));
}

static void builtin_cost_model(void)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.cost_model.op = BPF_COST_RESET;
	syscall(__NR_bpf, BPF_COST_MODEL, &attr, sizeof(attr));
}

void wd_reset(void)
{
	if (!wd_present())
		return;
	wd_sysctl_set("bpf_watchdog", "0");
	wd_sysctl_set("bpf_watchdog_period_us", "1000");
	wd_sysctl_set("bpf_watchdog_budget_us", "10000");
	wd_sysctl_set("bpf_watchdog_budget_user_us", "1000000");
	wd_sysctl_set("bpf_watchdog_budget_min_us", "1000");
	wd_sysctl_set("bpf_watchdog_slack_percent", "400");
	wd_sysctl_set("bpf_watchdog_quarantine", "0");
	wd_end_any(false);
	no_policy();
	builtin_cost_model();
}

int wd_command(int prog_fd, __u32 op, __u64 value)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.watchdog.prog_fd = prog_fd;
	attr.watchdog.op = op;
	attr.watchdog.value = value;
	return syscall(__NR_bpf, BPF_PROG_WATCHDOG, &attr, sizeof(attr)) < 0 ?
		       -errno :
		       0;
}

int wd_end_at(int prog_fd, __u64 call)
{
	char text[48];

	snprintf(text, sizeof(text), "%u %llu", prog_info(prog_fd).id,
		 (unsigned long long)call);
	return file_write(TRIGGER "end_at", text);
}

int wd_end_any(bool any)
{
	return file_write(TRIGGER "end_any", any ? "1" : "0");
}

void wd_spare(int prog_fd)
{
	int err;

	if (!wd_present())
		return;
	err = wd_command(prog_fd, BPF_WD_SET_BUDGET, 1000 * NSEC_PER_SEC);
	REQUIRE(!err, "SET_BUDGET: %s", strerror(-err));
}

struct bpf_prog_info prog_info(int prog_fd)
{
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);
	int err = bpf_obj_get_info_by_fd(prog_fd, &info, &len);

	REQUIRE(!err, "prog info: %s", strerror(-err));
	return info;
}

int prog_run(int prog_fd, __s32 *ret)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	int err = bpf_prog_test_run_opts(prog_fd, &opts);

	if (ret)
		*ret = opts.retval;
	return err;
}

uint64_t prog_run_packets(int prog_fd, int times)
{
	char packet[64] = {};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet,
		    .data_size_in = sizeof(packet), .repeat = times);
	int err = bpf_prog_test_run_opts(prog_fd, &opts);

	REQUIRE(!err, "test run: %s", strerror(-err));
	return opts.duration;
}

int prog_run_on(int prog_fd, int cpu)
{
	__u64 args[8] = {};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = args,
		    .ctx_size_in = sizeof(args), .flags = BPF_F_TEST_RUN_ON_CPU,
		    .cpu = cpu);

	return bpf_prog_test_run_opts(prog_fd, &opts);
}

/* --- Events ---------------------------------------------------------------------------------- */

void trace_start(void)
{
	int err;

	if (access(TRACING "/trace", F_OK))
		mount("tracefs", TRACING, "tracefs", 0, NULL);
	if (mkdir(INSTANCE, 0700))
		REQUIRE(errno == EEXIST, INSTANCE ": %m");
	/*
	 * QEMU before 8.1 may go on executing an int3 of text_poke() that is no
	 * longer there, which ends in "Oops: int3", most often in __schedule(). With two
	 * probes on sched_switch, this one and that of the command line cache, that of
	 * the watchdog comes and goes without a change of the code.
	 */
	file_write(INSTANCE "/events/sched/sched_switch/filter",
		   "prev_pid == -1");
	file_write(INSTANCE "/events/sched/sched_switch/enable", "1");
	file_write(INSTANCE "/trace", "");
	err = file_write(INSTANCE "/events/bpf_watchdog/enable", "1");
	REQUIRE(!err, "tracepoints bpf_watchdog:*: %s", strerror(-err));
}

/* For the same reason: perf events of tasks patch __schedule() when they come and go. */
void perf_keep_on(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_DUMMY,
	};

	/* Closed by the end of this process. Without perf there is nothing to keep. */
	syscall(__NR_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

void trace_clear(void)
{
	file_write(INSTANCE "/trace", "");
}

int trace_pipe(void)
{
	int fd =
		open(INSTANCE "/trace_pipe", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	REQUIRE(fd >= 0, INSTANCE "/trace_pipe: %m");
	return fd;
}

void trace_remove(void)
{
	rmdir(INSTANCE);
}

static long long event_field(const char *line, const char *name)
{
	char key[32];
	const char *p;

	snprintf(key, sizeof(key), " %s=", name);
	p = strstr(line, key);
	return p ? strtoll(p + strlen(key), NULL, 0) : -1;
}

int trace_find(__u32 prog_id, const char *kind, struct wd_event *ev)
{
	char line[1024], tag[32];
	const char *p;
	FILE *f;
	int n = 0;

	snprintf(tag, sizeof(tag), " %s: ", kind);
	f = fopen(INSTANCE "/trace", "re");
	REQUIRE(f, INSTANCE "/trace: %m");
	while (fgets(line, sizeof(line), f)) {
		p = strstr(line, tag);
		if (line[0] == '#' || !p ||
		    event_field(p, "prog_id") != prog_id)
			continue;
		n++;
		if (!ev)
			continue;
		memset(ev, 0, sizeof(*ev));
		snprintf(ev->kind, sizeof(ev->kind), "%s", kind);
		ev->prog_id = prog_id;
		ev->ran_ns = event_field(p, "ran_ns");
		ev->budget_ns = event_field(p, "budget_ns");
		ev->late_ns = event_field(p, "late_ns");
		ev->stop_ns = event_field(p, "stop_ns");
		ev->commits = event_field(p, "commits");
		ev->quarantined = event_field(p, "quarantined");
		p = strstr(p, " reason=");
		if (p)
			sscanf(p, " reason=%15[a-z_]", ev->reason);
	}
	fclose(f);
	return n;
}

/* --- Does the kernel still work? ------------------------------------------------------------- */

static struct canary *load_canary(void)
{
	struct canary *skel = canary__open();
	int err;

	REQUIRE(skel, "canary: %m");
	bpf_program__set_autoload(skel->progs.count_alloc, false);
	bpf_program__set_autoload(skel->progs.count_free, false);
	bpf_program__set_autoload(skel->progs.count_drop, false);
	err = canary__load(skel);
	REQUIRE(!err, "canary does not load: %s", strerror(-err));
	wd_spare(bpf_program__fd(skel->progs.canary));
	return skel;
}

static void run_canary(struct canary *skel)
{
	__s32 ret = -1;
	int err = prog_run(bpf_program__fd(skel->progs.canary), &ret);

	CHECK(!err && ret == 4950, "canary: error %d, returned %d", err, ret);
}

void canary(void)
{
	struct canary *skel = load_canary();

	run_canary(skel);
	canary__destroy(skel);
}

struct health health(void)
{
	static struct canary *skel;
	static pid_t owner;

	/* That of a parent has its memory in common with it, and with its other children. */
	if (owner != getpid()) {
		skel = load_canary();
		owner = getpid();
	}
	run_canary(skel);
	return (struct health){ skel->data_seen->seen.preempt_count,
				skel->data_seen->seen.rcu_nesting,
				skel->data_seen->seen.task_refs };
}

void check_health(const struct health *before, bool task_refs)
{
	struct health after = health();

	CHECK(after.preempt_count == before->preempt_count,
	      "preempt count %#x, was %#x", after.preempt_count,
	      before->preempt_count);
	CHECK(after.rcu_nesting == before->rcu_nesting,
	      "RCU nesting %u, was %u", after.rcu_nesting, before->rcu_nesting);
	if (task_refs)
		CHECK(after.task_refs == before->task_refs,
		      "task has %u references, had %u", after.task_refs,
		      before->task_refs);
}

void wd_want_image(int prog_fd)
{
	wd_command(prog_fd, BPF_WD_SET_BUDGET, 1);
	wd_spare(prog_fd);
}

bool wd_has_test_trigger(void)
{
	return !access(TRIGGER "end_at", W_OK);
}

bool kernel_has(const char *name, __u32 kind)
{
	struct btf *btf = btf__load_vmlinux_btf();
	int id;

	REQUIRE(btf, "BTF of the kernel: %m");
	id = btf__find_by_name_kind(btf, name, kind);
	btf__free(btf);
	return id > 0;
}

bool timed_may_goto(void)
{
	return kernel_has("bpf_timed_may_goto", BTF_KIND_STRUCT);
}
