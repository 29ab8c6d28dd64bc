// SPDX-License-Identifier: GPL-2.0
/* The gate at each way of attaching that is not of the network. */
#define _GNU_SOURCE
#include <bpf/btf.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include "traffic/policy_ways.h"

int policy_uprobe_target(int a);
__attribute__((noinline)) int policy_uprobe_target(int a)
{
	return a + 1;
}

/* Without links: a perf event, and an ioctl. */
static int attach_kprobe(struct bpf_program *prog, enum probe_attach_mode mode,
			 const char *func)
{
	LIBBPF_OPTS(bpf_kprobe_opts, opts, .attach_mode = mode);

	return way_keep(bpf_program__attach_kprobe_opts(prog, func, &opts));
}

static int kprobe_perf(struct bpf_program *prog)
{
	return attach_kprobe(prog, PROBE_ATTACH_MODE_PERF, "bpf_fentry_test2");
}

static int kprobe_tracefs(struct bpf_program *prog)
{
	return attach_kprobe(prog, PROBE_ATTACH_MODE_LEGACY,
			     "bpf_fentry_test2");
}

/* Behind the call of __fentry__. */
static const size_t offset = 5;

static int kprobe_offset(struct bpf_program *prog)
{
	LIBBPF_OPTS(bpf_kprobe_opts, opts, .offset = offset,
		    .attach_mode = PROBE_ATTACH_MODE_PERF);

	return way_keep(bpf_program__attach_kprobe_opts(
		prog, "bpf_fentry_test2", &opts));
}

/* Functions by name: a pattern takes long to be found. */
static int attach_multi(struct bpf_program *prog, const char *const *funcs,
			size_t nr, bool at_return)
{
	LIBBPF_OPTS(bpf_kprobe_multi_opts, opts, .syms = (const char **)funcs,
		    .cnt = nr, .retprobe = at_return,
		    .session = bpf_program__expected_attach_type(prog) ==
			       BPF_TRACE_KPROBE_SESSION);

	return way_keep(
		bpf_program__attach_kprobe_multi_opts(prog, NULL, &opts));
}

static const char *const funcs[] = {
	"bpf_fentry_test1", "bpf_fentry_test2", "bpf_fentry_test3",
	"bpf_fentry_test4", "bpf_fentry_test5", "bpf_fentry_test6",
};

static int kprobe_multi(struct bpf_program *prog)
{
	return attach_multi(prog, funcs, ARRAY_SIZE(funcs), false);
}

static int kretprobe_multi(struct bpf_program *prog)
{
	return attach_multi(prog, funcs, 1, true);
}

static int kprobe_session(struct bpf_program *prog)
{
	return attach_multi(prog, funcs, 1, false);
}

static int attach_uprobe(struct bpf_program *prog, bool at_return)
{
	LIBBPF_OPTS(bpf_uprobe_opts, opts, .func_name = "policy_uprobe_target",
		    .retprobe = at_return);

	return way_keep(bpf_program__attach_uprobe_opts(
		prog, -1, "/proc/self/exe", 0, &opts));
}

static int uprobe(struct bpf_program *prog)
{
	return attach_uprobe(prog, false);
}

static int uretprobe(struct bpf_program *prog)
{
	return attach_uprobe(prog, true);
}

/* What the kernel calls a uprobe at the target: by file and offset. */
static const char *uprobe_hook(const char *kind)
{
	static char hook[BPF_POLICY_HOOK_LEN];
	char exe[200] = "", line[300], map_exe[200];
	unsigned long start, end, off,
		addr = (unsigned long)policy_uprobe_target;
	FILE *f = fopen("/proc/self/maps", "re");

	REQUIRE(f, "/proc/self/maps: %m");
	REQUIRE(readlink("/proc/self/exe", exe, sizeof(exe) - 1) > 0,
		"exe: %m");
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx %*s %lx %*s %*s %199s", &start, &end,
			   &off, map_exe) == 4 &&
		    addr >= start && addr < end) {
			snprintf(hook, sizeof(hook), "%s/%.80s:0x%lx", kind,
				 exe, addr - start + off);
			break;
		}
	}
	fclose(f);
	REQUIRE(hook[0], "the target is not mapped");
	return hook;
}

static void way_uprobe(const char *kind, const char *prog,
		       int (*attach)(struct bpf_program *prog),
		       enum way_end end)
{
	const struct way way = {
		.hook = uprobe_hook(kind),
		.prog = prog,
		.attach = attach,
		.detach = way_unlink,
		.end = end,
	};

	way_run(&way);
}

static void uprobe_link(void)
{
	way_uprobe("uprobe", "p_probe", uprobe, WAY_DETACHED);
}

static void uprobe_multi(void)
{
	way_uprobe("uprobe", "p_uprobe_multi", way_attach, WAY_QUARANTINED);
}

static void uprobe_return(void)
{
	way_uprobe("uretprobe", "p_probe", uretprobe, WAY_DETACHED);
}

/* PERF_EVENT_IOC_SET_BPF: only closing the event detaches. */
static int event_fd;

static int open_event(struct perf_event_attr *attr)
{
	attr->size = sizeof(*attr);
	attr->sample_period = 1;
	event_fd = syscall(SYS_perf_event_open, attr, -1, 0, -1,
			   PERF_FLAG_FD_CLOEXEC);
	return event_fd < 0 ? -errno : 0;
}

static int attach_ioctl(struct bpf_program *prog)
{
	int err = 0;

	if (ioctl(event_fd, PERF_EVENT_IOC_SET_BPF, bpf_program__fd(prog)))
		err = -errno;
	if (err)
		close(event_fd);
	return err;
}

static void close_event(void)
{
	close(event_fd);
}

static int tracepoint_ioctl(struct bpf_program *prog)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_TRACEPOINT };
	char text[20];
	int err;

	trace_start(); /* has it mounted */
	err = file_read(
		"/sys/kernel/tracing/events/sched/sched_process_exit/id", text,
		sizeof(text));
	REQUIRE(!err, "id of the tracepoint: %s", strerror(-err));
	attr.config = atoi(text);
	err = open_event(&attr);
	REQUIRE(!err, "perf_event_open: %s", strerror(-err));
	return attach_ioctl(prog);
}

static int open_clock(void)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_SOFTWARE,
					.config = PERF_COUNT_SW_CPU_CLOCK };
	int err = open_event(&attr);

	REQUIRE(!err, "perf_event_open: %s", strerror(-err));
	return err;
}

static int perf_event_ioctl(struct bpf_program *prog)
{
	open_clock();
	return attach_ioctl(prog);
}

static int perf_event_link(struct bpf_program *prog)
{
	int err;

	open_clock();
	err = way_keep(bpf_program__attach_perf_event(prog, event_fd));
	if (err)
		close(event_fd);
	return err;
}

/* BPF_RAW_TRACEPOINT_OPEN, which libbpf uses for raw_tp only. */
static int tracing_fd;

static int raw_tracepoint_open(struct bpf_program *prog)
{
	tracing_fd = bpf_raw_tracepoint_open(NULL, bpf_program__fd(prog));
	return tracing_fd < 0 ? -errno : 0;
}

static void close_tracing(void)
{
	close(tracing_fd);
}

/* An extension is loaded for its target, so that is loaded first. */
static struct policy_progs *target;

static void load_target(struct bpf_program *prog)
{
	struct policy_progs *ext = ways;

	policy_progs__destroy(target);
	LOAD("p_target");
	target = ways;
	ways = ext;
	bpf_program__set_attach_target(prog,
				       bpf_program__fd(target->progs.p_target),
				       "policy_replaced");
}

static int freplace(struct bpf_program *prog)
{
	return way_keep(bpf_program__attach_trace(prog));
}

static int cgroup_fd = -1;

static void make_cgroup(void)
{
	if (cgroup_fd >= 0)
		return;
	mkdir("/sys/fs/cgroup/policy_test", 0755);
	cgroup_fd = open("/sys/fs/cgroup/policy_test",
			 O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	REQUIRE(cgroup_fd >= 0, "cgroup: %m");
}

static int cgroup_link(struct bpf_program *prog)
{
	make_cgroup();
	return way_keep(bpf_program__attach_cgroup(prog, cgroup_fd));
}

static int cgroup_attached;

static int cgroup_attach(struct bpf_program *prog)
{
	make_cgroup();
	cgroup_attached = bpf_program__fd(prog);
	return bpf_prog_attach(cgroup_attached, cgroup_fd,
			       bpf_program__expected_attach_type(prog), 0);
}

static void cgroup_detach(void)
{
	int err = bpf_prog_detach2(
		cgroup_attached, cgroup_fd,
		bpf_program__expected_attach_type(ways->progs.p_cgroup_skb));

	way_detached(err);
}

/* A cgroup that is removed detaches what is attached to it. */
static void cgroup_rmdir(void)
{
	close(cgroup_fd);
	cgroup_fd = -1;
	CHECK(!rmdir("/sys/fs/cgroup/policy_test"), "rmdir: %m");
	way_wait_free();
}

/* Maps. */

static int prog_array(struct bpf_program *prog)
{
	__u32 key = 0, fd = bpf_program__fd(prog);

	return bpf_map__update_elem(ways->maps.prog_array, &key, sizeof(key),
				    &fd, sizeof(fd), 0);
}

static void prog_array_del(void)
{
	__u32 key = 0;
	int err = bpf_map__delete_elem(ways->maps.prog_array, &key, sizeof(key),
				       0);

	way_detached(err);
}

static int put_in_devmap(struct bpf_map *map, __u32 key,
			 struct bpf_program *prog)
{
	struct bpf_devmap_val val = { .ifindex = 1,
				      .bpf_prog.fd = bpf_program__fd(prog) };

	return bpf_map__update_elem(map, &key, sizeof(key), &val, sizeof(val),
				    0);
}

static void delete_key(struct bpf_map *map, __u32 key)
{
	int err = bpf_map__delete_elem(map, &key, sizeof(key), 0);

	CHECK(!err, "delete: %s", strerror(-err));
	way_wait_free();
}

static int devmap(struct bpf_program *prog)
{
	return put_in_devmap(ways->maps.devmap, 0, prog);
}

static void devmap_del(void)
{
	delete_key(ways->maps.devmap, 0);
}

static int devmap_hash(struct bpf_program *prog)
{
	return put_in_devmap(ways->maps.devmap_hash, 7, prog);
}

static void devmap_hash_del(void)
{
	delete_key(ways->maps.devmap_hash, 7);
}

static int cpumap(struct bpf_program *prog)
{
	struct bpf_cpumap_val val = { .qsize = 16,
				      .bpf_prog.fd = bpf_program__fd(prog) };
	__u32 key = 0;

	return bpf_map__update_elem(ways->maps.cpumap, &key, sizeof(key), &val,
				    sizeof(val), 0);
}

static void cpumap_del(void)
{
	delete_key(ways->maps.cpumap, 0);
}

static int lirc_fd;

static int lirc(struct bpf_program *prog)
{
	int err;

	lirc_fd = open("/dev/lirc0", O_RDWR | O_CLOEXEC);
	if (lirc_fd < 0)
		skip("no infrared device");
	err = bpf_prog_attach(bpf_program__fd(prog), lirc_fd, BPF_LIRC_MODE2,
			      0);
	if (err)
		close(lirc_fd);
	return err;
}

static void lirc_detach(void)
{
	int err = bpf_prog_detach2(way_fd("p_lirc"), lirc_fd, BPF_LIRC_MODE2);

	way_detached(err);
	close(lirc_fd);
}

WAY(way_kprobe, { "kprobe/bpf_fentry_test1", "p_kprobe", .attach = way_attach,
		  .detach = way_unlink })
WAY(way_kretprobe, { "kretprobe/bpf_fentry_test1", "p_kretprobe",
		     .attach = way_attach, .detach = way_unlink })
WAY(way_kprobe_perf, { "kprobe/bpf_fentry_test2", "p_probe",
		       .attach = kprobe_perf, .detach = way_unlink })
WAY(way_kprobe_tracefs, { "kprobe/bpf_fentry_test2", "p_probe",
			  .attach = kprobe_tracefs, .detach = way_unlink })
static void way_kprobe_offset(void)
{
	struct way way = { .prog = "p_probe",
			   .rule = "kprobe/bpf_fentry_test2",
			   .attach = kprobe_offset,
			   .detach = way_unlink };
	char hook[60];

	snprintf(hook, sizeof(hook), "kprobe/bpf_fentry_test2+0x%zx", offset);
	way.hook = hook;
	way_run(&way);
}

WAY(way_kprobe_multi, { "kprobe/bpf_fentry_test3", "p_kprobe_multi",
			.attach = kprobe_multi, .detach = way_unlink,
			.hooks = ARRAY_SIZE(funcs), .end = WAY_QUARANTINED })
WAY(way_kretprobe_multi,
    { "kretprobe/bpf_fentry_test1", "p_kprobe_multi", .attach = kretprobe_multi,
      .detach = way_unlink, .end = WAY_QUARANTINED })
WAY(way_kprobe_session,
    { "kprobe/bpf_fentry_test1", "p_kprobe_session", .attach = kprobe_session,
      .detach = way_unlink, .hooks = 2, .in_function = 2, .in_place = 2,
      .end = WAY_QUARANTINED })

/* One program in two places of a trampoline: both run in each call. */
static void way_fsession(void)
{
	static const struct way way = {
		.hook = "fentry/bpf_fentry_test1",
		.prog = "p_fsession",
		.attach = way_attach,
		.detach = way_unlink,
		.hooks = 2,
		.in_function = 2,
		.in_place = 2,
	};

	if (!kernel_has("bpf_jit_supports_fsession", BTF_KIND_FUNC))
		skip("this kernel has no fsession");
	way_run(&way);
}

WAY(way_tp, { "tp/sched/sched_process_exit", "p_tp", .attach = way_attach,
	      .detach = way_unlink })
WAY(way_tp_ioctl, { "tp/sched/sched_process_exit", "p_tp",
		    .attach = tracepoint_ioctl, .detach = close_event })
WAY(way_syscall_tp, { "tp/syscalls/sys_enter_getpgid", "p_syscall_tp",
		      .attach = way_attach, .detach = way_unlink })
WAY(way_perf_event, { "perf_event", "p_perf_event", .attach = perf_event_link,
		      .detach = way_unlink })
WAY(way_perf_event_ioctl, { "perf_event", "p_perf_event",
			    .attach = perf_event_ioctl, .detach = close_event })
WAY(way_raw_tp, { "raw_tp/sys_enter", "p_raw_tp", .attach = way_attach,
		  .detach = way_unlink, .end = WAY_QUARANTINED })
WAY(way_tp_btf, { "tp_btf/sys_enter", "p_tp_btf", .attach = way_attach,
		  .detach = way_unlink, .end = WAY_QUARANTINED })
WAY(way_fentry, { "fentry/bpf_fentry_test1", "p_fentry", .attach = way_attach,
		  .detach = way_unlink })
WAY(way_fentry_open, { "fentry/bpf_fentry_test1", "p_fentry",
		       .attach = raw_tracepoint_open, .detach = close_tracing })
WAY(way_fexit, { "fexit/bpf_fentry_test1", "p_fexit", .attach = way_attach,
		 .detach = way_unlink })
WAY(way_fmod_ret, { "fmod_ret/bpf_modify_return_test", "p_fmod_ret",
		    .attach = way_attach, .detach = way_unlink })
WAY(way_freplace,
    { "freplace/policy_replaced", "p_freplace", .attach = freplace,
      .detach = way_unlink, .prepare = load_target, .once = true })
WAY(way_lsm, { "lsm/ptrace_traceme", "p_lsm", .attach = way_attach,
	       .detach = way_unlink })
WAY(way_iter, { "iter/task", "p_iter", .attach = way_attach,
		.detach = way_unlink, .end = WAY_QUARANTINED })
WAY(way_cgroup_link, { "cgroup_skb/egress", "p_cgroup_skb",
		       .attach = cgroup_link, .detach = way_unlink })
WAY(way_cgroup_attach, { "cgroup_skb/egress", "p_cgroup_skb",
			 .attach = cgroup_attach, .detach = cgroup_detach })
WAY(way_cgroup_rmdir, { "cgroup_skb/egress", "p_cgroup_skb",
			.attach = cgroup_attach, .detach = cgroup_rmdir })
WAY(way_cgroup_sock, { "cgroup/sock_create", "p_cgroup_sock",
		       .attach = cgroup_link, .detach = way_unlink })
WAY(way_cgroup_addr, { "cgroup/connect4", "p_connect4", .attach = cgroup_link,
		       .detach = way_unlink })
WAY(way_cgroup_dev, { "cgroup/dev", "p_cgroup_dev", .attach = cgroup_link,
		      .detach = way_unlink })
WAY(way_cgroup_sysctl, { "cgroup/sysctl", "p_cgroup_sysctl",
			 .attach = cgroup_link, .detach = way_unlink })
WAY(way_cgroup_sockopt, { "cgroup/getsockopt", "p_getsockopt",
			  .attach = cgroup_link, .detach = way_unlink })
WAY(way_sockops,
    { "sockops", "p_sockops", .attach = cgroup_link, .detach = way_unlink })
WAY(way_lsm_cgroup, { "lsm_cgroup/ptrace_traceme", "p_lsm_cgroup",
		      .attach = cgroup_link, .detach = way_unlink })
WAY(way_prog_array, { "prog_array", "p_xdp", .attach = prog_array,
		      .detach = prog_array_del, .also = { "p_unbounded" } })
WAY(way_devmap, { "xdp/devmap", "p_devmap", .attach = devmap,
		  .detach = devmap_del, .end = WAY_QUARANTINED })
WAY(way_devmap_hash, { "xdp/devmap", "p_devmap", .attach = devmap_hash,
		       .detach = devmap_hash_del, .end = WAY_QUARANTINED })
WAY(way_cpumap, { "xdp/cpumap", "p_cpumap", .attach = cpumap,
		  .detach = cpumap_del, .end = WAY_QUARANTINED })
WAY(way_lirc, { "lirc_mode2", "p_lirc", .attach = lirc, .detach = lirc_detach })

static const struct test tests[] = {
	{ "kprobe", "kprobe, link on a perf event", way_kprobe,
	  NEEDS_WATCHDOG },
	{ "kretprobe", "kretprobe, link on a perf event", way_kretprobe,
	  NEEDS_WATCHDOG },
	{ "kprobe_perf", "kprobe by perf_event_open()", way_kprobe_perf,
	  NEEDS_WATCHDOG },
	{ "kprobe_tracefs", "kprobe of tracefs", way_kprobe_tracefs,
	  NEEDS_WATCHDOG },
	{ "kprobe_offset", "kprobe inside a function", way_kprobe_offset,
	  NEEDS_WATCHDOG },
	{ "kprobe_multi", "kprobe.multi: each function is a hook",
	  way_kprobe_multi, NEEDS_WATCHDOG },
	{ "kretprobe_multi", "kretprobe.multi", way_kretprobe_multi,
	  NEEDS_WATCHDOG },
	{ "kprobe_session", "kprobe.session: entry and return are two hooks",
	  way_kprobe_session, NEEDS_WATCHDOG },
	{ "fsession", "fsession: entry and return are two hooks", way_fsession,
	  NEEDS_WATCHDOG },
	{ "uprobe", "uprobe, by file and offset", uprobe_link, NEEDS_WATCHDOG },
	{ "uretprobe", "uretprobe, by file and offset", uprobe_return,
	  NEEDS_WATCHDOG },
	{ "uprobe_multi", "uprobe.multi, by file and offset", uprobe_multi,
	  NEEDS_WATCHDOG },
	{ "tp", "tracepoint, link", way_tp, NEEDS_WATCHDOG },
	{ "tp_ioctl", "tracepoint, PERF_EVENT_IOC_SET_BPF", way_tp_ioctl,
	  NEEDS_WATCHDOG },
	{ "syscall_tp", "tracepoint of a system call", way_syscall_tp,
	  NEEDS_WATCHDOG },
	{ "perf_event", "perf event, link", way_perf_event, NEEDS_WATCHDOG },
	{ "perf_event_ioctl", "perf event, PERF_EVENT_IOC_SET_BPF",
	  way_perf_event_ioctl, NEEDS_WATCHDOG },
	{ "raw_tp", "raw tracepoint", way_raw_tp, NEEDS_WATCHDOG },
	{ "tp_btf", "raw tracepoint with BTF", way_tp_btf, NEEDS_WATCHDOG },
	{ "fentry", "fentry, link", way_fentry, NEEDS_WATCHDOG },
	{ "fentry_open", "fentry, BPF_RAW_TRACEPOINT_OPEN", way_fentry_open,
	  NEEDS_WATCHDOG },
	{ "fexit", "fexit", way_fexit, NEEDS_WATCHDOG },
	{ "fmod_ret", "fmod_ret", way_fmod_ret, NEEDS_WATCHDOG },
	{ "freplace", "freplace, by the function that is replaced",
	  way_freplace, NEEDS_WATCHDOG },
	{ "lsm", "LSM", way_lsm, NEEDS_WATCHDOG },
	{ "iter", "iterator", way_iter, NEEDS_WATCHDOG },
	{ "cgroup_link", "cgroup, link", way_cgroup_link, NEEDS_WATCHDOG },
	{ "cgroup_attach", "cgroup, BPF_PROG_ATTACH", way_cgroup_attach,
	  NEEDS_WATCHDOG },
	{ "cgroup_rmdir", "a cgroup that is removed gives back",
	  way_cgroup_rmdir, NEEDS_WATCHDOG },
	{ "cgroup_sock", "cgroup, sockets", way_cgroup_sock, NEEDS_WATCHDOG },
	{ "cgroup_addr", "cgroup, addresses", way_cgroup_addr, NEEDS_WATCHDOG },
	{ "cgroup_dev", "cgroup, devices", way_cgroup_dev, NEEDS_WATCHDOG },
	{ "cgroup_sysctl", "cgroup, sysctls", way_cgroup_sysctl,
	  NEEDS_WATCHDOG },
	{ "cgroup_sockopt", "cgroup, socket options", way_cgroup_sockopt,
	  NEEDS_WATCHDOG },
	{ "sockops", "cgroup, socket operations", way_sockops, NEEDS_WATCHDOG },
	{ "lsm_cgroup", "cgroup, LSM", way_lsm_cgroup, NEEDS_WATCHDOG },
	{ "prog_array", "target of a tail call", way_prog_array,
	  NEEDS_WATCHDOG },
	{ "devmap", "value of a devmap", way_devmap, NEEDS_WATCHDOG },
	{ "devmap_hash", "value of a devmap hash", way_devmap_hash,
	  NEEDS_WATCHDOG },
	{ "cpumap", "value of a cpumap", way_cpumap, NEEDS_WATCHDOG },
	{ "lirc", "infrared decoder", way_lirc, NEEDS_WATCHDOG },
};

const struct suite suite_policy_attach = {
	.name = "policy_attach",
	.tests = tests,
	.nr_tests = ARRAY_SIZE(tests),
};
