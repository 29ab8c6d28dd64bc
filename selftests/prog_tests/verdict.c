// SPDX-License-Identifier: GPL-2.0
/*
 * What an invocation that was ended returns, and what a program in quarantine returns: for
 * each program type, by what becomes of it.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/perf_event.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include "traffic/traffic.h"
#include "verdict.skel.h"

#define LIRC "/dev/lirc0"

static struct verdict *skel;
static volatile struct ctl *ctl;

/* --- What is done, and what becomes of it: a value, 0, or -errno ----------------------------- */

static int packet(struct bpf_program *prog)
{
	static const char data[64] = { [12] = 0x08 };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = data,
		    .data_size_in = sizeof(data));
	int err = bpf_prog_test_run_opts(bpf_program__fd(prog), &opts);

	REQUIRE(!err, "%s: test run: %s", bpf_program__name(prog),
		strerror(-err));
	return opts.retval;
}

static int test_run(struct bpf_program *prog)
{
	__s32 ret = -1;
	int err = prog_run(bpf_program__fd(prog), &ret);

	REQUIRE(!err, "test run: %s", strerror(-err));
	return ret;
}

/* Of the program that is tested: others would stall in its place. */
static struct bpf_link *attached;

static void keep(struct bpf_program *prog, struct bpf_link *new)
{
	REQUIRE(new, "%s: %m", bpf_program__name(prog));
	attached = new;
}

static void attach(struct bpf_program *prog)
{
	keep(prog, bpf_program__attach(prog));
}

/* --- Sockets --- */

/* How long to wait for what is sent: it must arrive, or it must not. */
static int patience_ms;

static int arrives(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, patience_ms);
}

static int send_udp(struct bpf_program *prog)
{
	return udp_send("127.0.0.1");
}

/* 1: the packet gets there. */
static int deliver(int receiver)
{
	int err = send_udp(NULL), got;

	REQUIRE(!err, "send: %s", strerror(-err));
	got = arrives(receiver);
	close(receiver);
	return got;
}

static void in_netns(struct bpf_program *prog)
{
	int fd = netns_open();

	keep(prog, bpf_program__attach_netns(prog, fd));
	close(fd);
}

static int look_up(struct bpf_program *prog)
{
	return deliver(udp_open("127.0.0.1"));
}

static int choose_socket(struct bpf_program *prog)
{
	int receiver = udp_open("127.0.0.1"), fd = bpf_program__fd(prog);

	REQUIRE(!setsockopt(receiver, SOL_SOCKET, SO_ATTACH_REUSEPORT_EBPF, &fd,
			    sizeof(fd)),
		"attach: %m");
	return deliver(receiver);
}

static void on_segment(struct bpf_program *prog)
{
	int err = seg6_up(prog);

	REQUIRE(!err, "%s: %s", bpf_program__name(prog), strerror(-err));
}

static void off_segment(struct bpf_program *prog)
{
	seg6_down();
}

static bool more_forwarded(void *before)
{
	return ipv6_forwarded() > *(__u64 *)before;
}

static int send_segments(struct bpf_program *prog)
{
	__u64 before = ipv6_forwarded();
	int err = seg6_send();

	REQUIRE(!err, "send: %s", strerror(-err));
	return wait_until(more_forwarded, &before, patience_ms * NSEC_PER_MSEC);
}

static void in_sockmap(struct bpf_program *prog)
{
	int err = bpf_prog_attach(bpf_program__fd(prog),
				  bpf_map__fd(skel->maps.sockets),
				  bpf_program__expected_attach_type(prog), 0);

	REQUIRE(!err, "%s: %s", bpf_program__name(prog), strerror(-err));
}

static void off_sockmap(struct bpf_program *prog)
{
	int err = bpf_prog_detach2(bpf_program__fd(prog),
				   bpf_map__fd(skel->maps.sockets),
				   bpf_program__expected_attach_type(prog));

	CHECK(!err, "%s: %s", bpf_program__name(prog), strerror(-err));
}

/* A parser works with a verdict only. */
static void parser(struct bpf_program *prog)
{
	in_sockmap(skel->progs.on_sk_skb);
	in_sockmap(prog);
}

static void parser_off(struct bpf_program *prog)
{
	off_sockmap(prog);
	off_sockmap(skel->progs.on_sk_skb);
}

/* Its programs see what is sent by, or comes to, one of a pair. 1: it arrives. */
static int through_sockmap(int which)
{
	__u32 key = 0;
	__u64 value;
	int pair[2], ret;

	tcp_open(pair, NULL);
	value = pair[which];
	ret = bpf_map_update_elem(bpf_map__fd(skel->maps.sockets), &key, &value,
				  BPF_ANY);
	REQUIRE(!ret, "sockmap: %s", strerror(-ret));
	ret = send(pair[0], "x", 1, 0) == 1 ? arrives(pair[1]) : -errno;
	close_both(pair);
	return ret;
}

static int send_message(struct bpf_program *prog)
{
	return through_sockmap(0);
}

static int receive_stream(struct bpf_program *prog)
{
	return through_sockmap(1);
}

/* 1: the connection has ECN, for which the program has asked. */
static int negotiate(struct bpf_program *prog)
{
	struct tcp_info info = {};
	socklen_t len = sizeof(info);
	int pair[2];

	/* The kernel's default may want ECN. */
	tcp_open(pair, "reno");
	REQUIRE(!getsockopt(pair[0], IPPROTO_TCP, TCP_INFO, &info, &len),
		"TCP_INFO: %m");
	close_both(pair);
	return !!(info.tcpi_options & TCPI_OPT_ECN);
}

/* --- Cgroups --- */

static void in_cgroup(struct bpf_program *prog)
{
	int fd = cgroup_open();

	keep(prog, bpf_program__attach_cgroup(prog, fd));
	close(fd);
}

static int open_socket(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	REQUIRE(fd >= 0, "socket: %m");
	return fd;
}

static int make_socket(struct bpf_program *prog)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static int connect_udp(struct bpf_program *prog)
{
	struct sockaddr_in addr = ipv4("127.0.0.1", TRIGGER_PORT);
	int fd = open_socket(), err;

	err = connect(fd, (void *)&addr, sizeof(addr)) ? -errno : 0;
	close(fd);
	return err;
}

static int receive_from(struct bpf_program *prog)
{
	int receiver = udp_open("127.0.0.1"), err = send_udp(prog);
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	char c;

	REQUIRE(!err, "send: %s", strerror(-err));
	err = recvfrom(receiver, &c, 1, 0, (void *)&from, &len) == 1 ? 0 :
								       -errno;
	close(receiver);
	return err;
}

static int open_null(struct bpf_program *prog)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static int read_sysctl(struct bpf_program *prog)
{
	int fd = open("/proc/sys/kernel/ostype", O_RDONLY | O_CLOEXEC), err;
	char c;

	REQUIRE(fd >= 0, "ostype: %m");
	err = read(fd, &c, 1) == 1 ? 0 : -errno;
	close(fd);
	return err;
}

static int get_option(struct bpf_program *prog)
{
	int fd = open_socket(), val, err;
	socklen_t len = sizeof(val);

	err = getsockopt(fd, SOL_SOCKET, SO_TYPE, &val, &len) ? -errno : 0;
	close(fd);
	return err;
}

static int set_option(struct bpf_program *prog)
{
	int fd = open_socket(), val = 1, err;

	err = setsockopt(fd, SOL_SOCKET, SO_PRIORITY, &val, sizeof(val)) ?
		      -errno :
		      0;
	close(fd);
	return err;
}

/* --- LSM --- */

static int get_scheduler(struct bpf_program *prog)
{
	int policy = sched_getscheduler(0);

	return policy < 0 ? -errno : policy;
}

static int get_pgid(struct bpf_program *prog)
{
	return getpgid(getpid()) < 0 ? -errno : 0;
}

static void set_effective(__u32 caps[2])
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	struct __user_cap_data_struct data[2];
	size_t i;

	REQUIRE(!syscall(SYS_capget, &head, data), "capget: %m");
	for (i = 0; i < ARRAY_SIZE(data); i++) {
		__u32 old = data[i].effective;

		data[i].effective = caps[i];
		caps[i] = old;
	}
	REQUIRE(!syscall(SYS_capset, &head, data), "capset: %m");
}

/* Needs a capability, unless a program says that it does not. */
static int set_attribute(struct bpf_program *prog)
{
	int fd = memfd_create("verdict", MFD_CLOEXEC), err;
	__u32 caps[2] = {};

	REQUIRE(fd >= 0, "memfd: %m");
	set_effective(caps);
	err = fsetxattr(fd, "security.bpfwd", "x", 1, 0) ? -errno : 0;
	set_effective(caps);
	close(fd);
	return err;
}

static int make_pipe(struct bpf_program *prog)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	close_both(fds);
	return 0;
}

/* --- Tracing --- */

static int event_fd;
static struct perf_event_mmap_page *samples;

static void on_event(struct bpf_program *prog, struct perf_event_attr *attr)
{
	attr->size = sizeof(*attr);
	event_fd = syscall(SYS_perf_event_open, attr, 0, -1, -1,
			   PERF_FLAG_FD_CLOEXEC);
	REQUIRE(event_fd >= 0, "perf event: %m");
	keep(prog, bpf_program__attach_perf_event(prog, event_fd));
}

static unsigned int number_in(const char *path)
{
	char text[32];
	int err = file_read(path, text, sizeof(text));

	REQUIRE(!err, "%s: %s", path, strerror(-err));
	return atoi(text);
}

static void kprobe(struct bpf_program *prog)
{
	struct perf_event_attr attr = {
		.type = number_in("/sys/bus/event_source/devices/kprobe/type"),
		.kprobe_func = (unsigned long)"__x64_sys_getpgid",
	};

	on_event(prog, &attr);
}

static void tracepoint(struct bpf_program *prog)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_TRACEPOINT };

	trace_start(); /* has it mounted */
	attr.config = number_in(
		"/sys/kernel/tracing/events/syscalls/sys_enter_getpgid/id");
	on_event(prog, &attr);
}

static __u64 events(void)
{
	__u64 n;

	REQUIRE(read(event_fd, &n, sizeof(n)) == sizeof(n), "read: %m");
	return n;
}

/* What the program lets pass is counted. */
static int count(struct bpf_program *prog)
{
	__u64 before = events();
	int err = get_pgid(prog);

	REQUIRE(!err, "getpgid: %s", strerror(-err));
	return events() - before;
}

static void clock_event(struct bpf_program *prog)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_period = NSEC_PER_MSEC,
		.sample_type = PERF_SAMPLE_IP,
		.disabled = 1,
	};
	long page = sysconf(_SC_PAGESIZE);

	on_event(prog, &attr);
	samples = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_SHARED,
		       event_fd, 0);
	REQUIRE(samples != MAP_FAILED, "mmap: %m");
	REQUIRE(!ioctl(event_fd, PERF_EVENT_IOC_DISABLE, 0), "disable: %m");
}

/* 1: a sample was written. In quarantine nothing says that it expired. */
static int use_cpu(struct bpf_program *prog)
{
	volatile __u64 *head = &samples->data_head;
	__u64 before = *head;
	uint64_t start = now_ns();

	REQUIRE(!ioctl(event_fd, PERF_EVENT_IOC_ENABLE, 0), "enable: %m");
	while (ctl->armed && now_ns() - start < NSEC_PER_SEC)
		;
	REQUIRE(!ioctl(event_fd, PERF_EVENT_IOC_DISABLE, 0), "disable: %m");
	return *head != before;
}

static int run_harmless(struct bpf_program *prog)
{
	REQUIRE(packet(skel->progs.harmless) == 2, "not XDP_PASS");
	return 0;
}

/* Both are added: what the function returns and what another one does, 29. */
static int modify(struct bpf_program *prog)
{
	return (test_run(prog) & 0xffff) - 29;
}

static int call_traced(struct bpf_program *prog)
{
	test_run(prog);
	return 0;
}

static void iterate(struct bpf_program *prog)
{
	keep(prog, bpf_program__attach_iter(prog, NULL));
}

static int read_iter(struct bpf_program *prog)
{
	int fd = bpf_iter_create(bpf_link__fd(attached));
	char buf[64];
	ssize_t n;

	REQUIRE(fd >= 0, "iterator: %s", strerror(-fd));
	n = read(fd, buf, sizeof(buf));
	if (n < 0)
		n = -errno;
	close(fd);
	return n;
}

/* --- Others --- */

/* The kernel's dummy, whose programs are there to be run by tests. */
static int call_operation(struct bpf_program *prog)
{
	__u64 args[1] = {};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = args,
		    .ctx_size_in = sizeof(args));
	int err = bpf_prog_test_run_opts(bpf_program__fd(prog), &opts);

	REQUIRE(!err, "test run: %s", strerror(-err));
	return opts.retval;
}

static void replace(struct bpf_program *prog)
{
	keep(prog, bpf_program__attach_trace(prog));
}

static int run_extended(struct bpf_program *prog)
{
	return packet(skel->progs.on_extended);
}

static int lirc_fd = -1;

static void infrared(struct bpf_program *prog)
{
	int err;

	lirc_fd = open(LIRC, O_RDWR | O_CLOEXEC);
	REQUIRE(lirc_fd >= 0, LIRC ": %m");
	err = bpf_prog_attach(bpf_program__fd(prog), lirc_fd, BPF_LIRC_MODE2,
			      0);
	REQUIRE(!err, LIRC ": %s", strerror(-err));
}

/* The device keeps it. */
static void infrared_off(struct bpf_program *prog)
{
	int err = bpf_prog_detach2(bpf_program__fd(prog), lirc_fd,
				   BPF_LIRC_MODE2);

	CHECK(!err, LIRC ": %s", strerror(-err));
	close(lirc_fd);
}

/* It comes back, in a kernel thread. */
static int send_pulses(struct bpf_program *prog)
{
	static const __u32 pulses[] = { 400, 800, 400 };

	return write(lirc_fd, pulses, sizeof(pulses)) == sizeof(pulses) ?
		       0 :
		       -errno;
}

/* --- Programs -------------------------------------------------------------------------------- */

enum {
	MAY_PASS = 1 << 0,
	MAY_DENY = 1 << 1,
	CLOSED = 1 << 2, /* denies, unless set otherwise */
	CLOSED_IN_QUARANTINE = 1 << 3,
	OPEN_OR_CLOSED = MAY_PASS | MAY_DENY,
	DENIES = MAY_PASS | MAY_DENY | CLOSED | CLOSED_IN_QUARANTINE,
};

/* clang-format off */
static const struct hook {
	const char *test, *prog;
	void (*attach)(struct bpf_program *prog); /* NULL: test runs do */
	int (*act)(struct bpf_program *prog);
	unsigned int flags;
	/* What becomes of it: by the program's first and second value, by verdict. */
	int own[2], pass, deny;
	void (*detach)(struct bpf_program *prog); /* what does not go by itself */
} hooks[] = {
	{ "packets", "on_xdp", NULL, packet, OPEN_OR_CLOSED,
	  { 2, 1 }, 2 /* XDP_PASS */, 1 /* XDP_DROP */ },
	{ "packets", "on_cls", NULL, packet, OPEN_OR_CLOSED,
	  { -1, 2 }, -1 /* TC_ACT_UNSPEC */, 2 /* TC_ACT_SHOT */ },
	{ "packets", "on_act", NULL, packet, OPEN_OR_CLOSED,
	  { -1, 2 }, -1, 2 },
	{ "packets", "on_socket", NULL, packet,
	  OPEN_OR_CLOSED | CLOSED_IN_QUARANTINE,
	  { -1, 0 }, -1 /* all of the packet */, 0 },
	{ "packets", "on_flow_dissector", NULL, packet, OPEN_OR_CLOSED,
	  { 129, 2 }, 129 /* ..._CONTINUE */, 2 /* BPF_DROP */ },
	{ "packets", "on_lwt_in", NULL, packet, OPEN_OR_CLOSED,
	  { 0, 2 }, 0 /* BPF_OK */, 2 },
	{ "packets", "on_lwt_out", NULL, packet, OPEN_OR_CLOSED,
	  { 0, 2 }, 0, 2 },
	{ "packets", "on_lwt_xmit", NULL, packet, OPEN_OR_CLOSED,
	  { 0, 2 }, 0, 2 },
	{ "packets", "on_netfilter", NULL, packet, OPEN_OR_CLOSED,
	  { 1, 0 }, 1 /* NF_ACCEPT */, 0 /* NF_DROP */ },

	{ "sockets", "on_seg6local", on_segment, send_segments, OPEN_OR_CLOSED,
	  { 1, 0 }, 1, 0, off_segment },
	{ "sockets", "on_sk_lookup", in_netns, look_up, OPEN_OR_CLOSED,
	  { 1, 0 }, 1, 0 },
	{ "sockets", "on_reuseport", NULL, choose_socket, OPEN_OR_CLOSED,
	  { 1, 0 }, 1, 0 },
	{ "sockets", "on_sk_msg", in_sockmap, send_message, OPEN_OR_CLOSED,
	  { 1, -EACCES }, 1, -EACCES, off_sockmap },
	{ "sockets", "on_sk_skb", in_sockmap, receive_stream, OPEN_OR_CLOSED,
	  { 1, 0 }, 1, 0, off_sockmap },
	{ "sockets", "on_parser", parser, receive_stream, 0, { 1, 0 },
	  .detach = parser_off },
	{ "sockets", "on_sock_ops", in_cgroup, negotiate, 0, { 1, 0 } },

	{ "cgroups", "on_cgroup_skb", in_cgroup, send_udp, DENIES,
	  { 0, -EPERM }, 0, -EPERM },
	{ "cgroups", "on_cgroup_sock", in_cgroup, make_socket, DENIES,
	  { 0, -EPERM }, 0, -EPERM },
	{ "cgroups", "on_connect", in_cgroup, connect_udp, DENIES,
	  { 0, -EPERM }, 0, -EPERM },
	{ "cgroups", "on_recvmsg", in_cgroup, receive_from, MAY_PASS },
	{ "cgroups", "on_cgroup_device", in_cgroup, open_null, DENIES,
	  { 0, -EPERM }, 0, -EPERM },
	{ "cgroups", "on_cgroup_sysctl", in_cgroup, read_sysctl, DENIES,
	  { 0, -EPERM }, 0, -EPERM },
	{ "cgroups", "on_getsockopt", in_cgroup, get_option, DENIES,
	  { 0, -EPERM }, 0, -EPERM },
	{ "cgroups", "on_setsockopt", in_cgroup, set_option, DENIES,
	  { 0, -EPERM }, 0, -EPERM },
	{ "cgroups", "on_lsm_cgroup", in_cgroup, get_scheduler, DENIES,
	  { 0, -EPERM }, 0, -EPERM },

	{ "lsm", "on_lsm", attach, get_pgid, DENIES,
	  { 0, -EPERM }, 0, -EPERM },
	{ "lsm", "on_lsm_sleepable", attach, open_null, DENIES,
	  { 0, -EPERM }, 0, -EPERM },
	/* The second value is the answer that grants something. */
	{ "lsm", "on_lsm_bool", attach, set_attribute, DENIES,
	  { -EPERM, 0 }, -EPERM, -EPERM },
	{ "lsm", "on_lsm_void", attach, make_pipe, 0 },

	{ "tracing", "on_kprobe", kprobe, count, MAY_PASS, { 0, 1 } },
	{ "tracing", "on_tracepoint", tracepoint, count, MAY_PASS, { 0, 1 } },
	{ "tracing", "on_perf_event", clock_event, use_cpu, MAY_PASS, { 0, 1 } },
	{ "tracing", "on_raw_tp", NULL, test_run, MAY_PASS, { 0, 5 } },
	{ "tracing", "on_writable", attach, run_harmless, MAY_PASS },
	{ "tracing", "on_fentry", attach, call_traced, MAY_PASS },
	{ "tracing", "on_fmod_ret", attach, modify, MAY_PASS, { 4, 5 }, 4 },
	{ "tracing", "on_iter", iterate, read_iter, MAY_PASS, { 0, -EAGAIN } },

	{ "others", "on_syscall", NULL, test_run, MAY_PASS, { 0, 5 } },
	{ "others", "on_struct_ops", NULL, call_operation, 0, { 0, 5 } },
	{ "others", "on_ext", replace, run_extended, 0, { 2, 1 } },
	{ "others", "on_lirc", infrared, send_pulses, 0, .detach = infrared_off },
};
/* clang-format on */

static struct bpf_program *program(const struct hook *h)
{
	struct bpf_program *prog =
		bpf_object__find_program_by_name(skel->obj, h->prog);

	REQUIRE(prog, "no program %s", h->prog);
	return prog;
}

/* Those of a test, and what they need. */
static void load(const char *test)
{
	bool others = !strcmp(test, "others");
	struct bpf_program *prog;
	size_t i;
	int err;

	skel = verdict__open();
	REQUIRE(skel, "verdict: %m");
	bpf_object__for_each_program(prog, skel->obj)
		bpf_program__set_autoload(prog, false);
	for (i = 0; i < ARRAY_SIZE(hooks); i++)
		if (!strcmp(hooks[i].test, test))
			bpf_program__set_autoload(program(&hooks[i]), true);
	bpf_program__set_autoload(skel->progs.on_ext, false);
	bpf_program__set_autoload(skel->progs.on_extended, others);
	bpf_program__set_autoload(skel->progs.harmless, true);
	bpf_map__set_autocreate(skel->maps.dummy_ops, others);
	err = verdict__load(skel);
	REQUIRE(!err, "verdict: %s", strerror(-err));
	ctl = (void *)&skel->data_ctl->ctl;
	/* More turns than a budget of 10 ms allows, and no end without the watchdog. */
	ctl->n = ctl->m = 1 << 20;
}

/* The extension of a program that is loaded; shares its maps. */
static struct bpf_program *load_extension(void)
{
	struct verdict *ext = verdict__open();
	struct bpf_program *prog;
	int err;

	REQUIRE(ext, "verdict: %m");
	bpf_object__for_each_program(prog, ext->obj)
		bpf_program__set_autoload(prog, prog == ext->progs.on_ext);
	bpf_map__set_autocreate(ext->maps.dummy_ops, false);
	err = bpf_map__reuse_fd(ext->maps.data_ctl,
				bpf_map__fd(skel->maps.data_ctl)) ?:
	      bpf_map__reuse_fd(ext->maps.bss, bpf_map__fd(skel->maps.bss)) ?:
	      bpf_program__set_attach_target(ext->progs.on_ext,
					     bpf_program__fd(skel->progs.on_extended),
					     "replaced") ?:
	      verdict__load(ext);
	REQUIRE(!err, "extension: %s", strerror(-err));
	return ext->progs.on_ext;
}

/* --- Verdicts -------------------------------------------------------------------------------- */

static const char *const verdict_names[] = { "default", "own", "pass", "deny" };

/* 0, or -errno, and then nothing has changed. */
static int set(struct bpf_program *prog, __u32 verdict)
{
	int fd = bpf_program__fd(prog);
	__u32 before = prog_info(fd).watchdog_verdict;
	int err = wd_command(fd, BPF_WD_SET_VERDICT, verdict);

	CHECK(prog_info(fd).watchdog_verdict == (err ? before : verdict),
	      "%s: the verdict is %u", bpf_program__name(prog),
	      prog_info(fd).watchdog_verdict);
	return err;
}

static int quarantine(struct bpf_program *prog, bool on)
{
	return wd_command(bpf_program__fd(prog),
			  on ? BPF_WD_QUARANTINE : BPF_WD_RELEASE, 0);
}

static int wanted(const struct hook *h, __u32 verdict, bool quarantined)
{
	switch (verdict) {
	case BPF_WD_VERDICT_PASS:
		return h->pass;
	case BPF_WD_VERDICT_DENY:
		return h->deny;
	case BPF_WD_VERDICT_DEFAULT:
		if (h->flags & CLOSED)
			return h->deny;
	}
	/* A program that does not run has nothing of its own. */
	if (quarantined)
		return h->flags & CLOSED_IN_QUARANTINE ? h->deny : h->pass;
	return h->own[skel->bss->second];
}

struct count {
	int prog_fd;
	__u64 before;
};

static __u64 terminations(const struct count *c)
{
	return prog_info(c->prog_fd).terminations - c->before;
}

static bool was_ended(void *arg)
{
	return terminations(arg);
}

/* It is ended or, in quarantine, not run at all. */
static void act(const struct hook *h, struct bpf_program *prog, __u32 verdict,
		bool quarantined)
{
	/* An extension runs in the invocation of what it extends. */
	struct bpf_program *outer =
		prog == program(h) ? prog : skel->progs.on_extended;
	struct count ended = { .prog_fd = bpf_program__fd(outer) };
	int want = wanted(h, verdict, quarantined), got;
	__u64 started = ctl->started;

	ended.before = terminations(&ended);
	patience_ms = want == 1 ? 5000 : 200;
	shared->stall_since = now_ns();
	ctl->tgid = getpid();
	ctl->armed = 1;
	got = h->act(prog);
	/* That of a thread of the kernel may be on its way. */
	if (!quarantined)
		wait_until(was_ended, &ended, 2 * NSEC_PER_SEC);
	ctl->armed = 0;
	ctl->tgid = 0;
	shared->stall_since = 0;
	CHECK(got == want, "%s, %d, verdict %s%s: got %d, want %d", h->prog,
	      skel->bss->second, verdict_names[verdict],
	      quarantined ? ", in quarantine" : "", got, want);
	CHECK(ctl->started - started == !quarantined, "%s%s: ran %llu times",
	      h->prog, quarantined ? ", in quarantine" : "",
	      ctl->started - started);
	CHECK(terminations(&ended) == !quarantined, "%s%s: ended %llu times",
	      h->prog, quarantined ? ", in quarantine" : "",
	      terminations(&ended));
}

static void check_hook(const struct hook *h)
{
	struct bpf_program *prog = program(h);
	__u32 verdict;
	int err;

	if (prog == skel->progs.on_ext)
		prog = load_extension();
	if (h->attach)
		h->attach(prog);
	for (verdict = BPF_WD_VERDICT_DEFAULT; verdict <= BPF_WD_VERDICT_DENY;
	     verdict++) {
		int may = verdict == BPF_WD_VERDICT_PASS ? h->flags & MAY_PASS :
			  verdict == BPF_WD_VERDICT_DENY ? h->flags & MAY_DENY :
							   true;

		err = set(prog, verdict);
		CHECK(err == (may ? 0 : -EOPNOTSUPP), "%s, verdict %s: %s",
		      h->prog, verdict_names[verdict], strerror(-err));
		if (err)
			continue;
		skel->bss->second = 0;
		act(h, prog, verdict, false);
		skel->bss->second = 1;
		act(h, prog, verdict, false);

		err = quarantine(prog, true);
		CHECK(err == (h->flags & MAY_PASS ? 0 : -EOPNOTSUPP),
		      "%s, quarantine: %s", h->prog, strerror(-err));
		if (err)
			continue;
		act(h, prog, verdict, true);
		err = quarantine(prog, false);
		CHECK(!err, "%s, release: %s", h->prog, strerror(-err));
	}
	bpf_link__destroy(attached);
	attached = NULL;
	if (h->detach)
		h->detach(prog);
}

static void check_hooks(const char *test)
{
	size_t i;

	wd_enable(BUDGET_US);
	load(test);
	for (i = 0; i < ARRAY_SIZE(hooks); i++)
		if (!strcmp(hooks[i].test, test))
			check_hook(&hooks[i]);
}

static void packets(void)
{
	check_hooks("packets");
}

static void sockets(void)
{
	check_hooks("sockets");
}

static void cgroups(void)
{
	check_hooks("cgroups");
}

static void lsm(void)
{
	check_hooks("lsm");
}

static void tracing(void)
{
	check_hooks("tracing");
}

static void others(void)
{
	if (access(LIRC, F_OK))
		skip("no infrared device: %s", strerror(errno));
	check_hooks("others");
}

static void every_type(void)
{
	bool seen[__MAX_BPF_PROG_TYPE] = { [BPF_PROG_TYPE_UNSPEC] = true };
	size_t i;

	skel = verdict__open();
	REQUIRE(skel, "verdict: %m");
	for (i = 0; i < ARRAY_SIZE(hooks); i++)
		seen[bpf_program__type(program(&hooks[i]))] = true;
	for (i = 0; i < ARRAY_SIZE(seen); i++)
		CHECK(seen[i], "no verdict of programs of type %s is tested",
		      libbpf_bpf_prog_type_str(i));
}

static void change_in_quarantine(void)
{
	struct bpf_program *prog;
	int err;

	wd_enable(BUDGET_US);
	load("packets");
	prog = skel->progs.harmless;
	err = quarantine(prog, true);
	REQUIRE(!err, "quarantine: %s", strerror(-err));
	CHECK(packet(prog) == 2, "not XDP_PASS");
	CHECK(!set(prog, BPF_WD_VERDICT_DENY) && packet(prog) == 1,
	      "not XDP_DROP");
	CHECK(!set(prog, BPF_WD_VERDICT_DEFAULT) && packet(prog) == 2,
	      "not XDP_PASS again");
	CHECK(!set(prog, BPF_WD_VERDICT_DENY), "deny");
	err = quarantine(prog, false);
	CHECK(!err && packet(prog) == 2, "it does not run again");
}

static void bad_verdicts(void)
{
	static const __u64 bad[] = { BPF_WD_VERDICT_DENY + 1, 1ULL << 32,
				     ~0ULL };
	int fd, err;
	size_t i;

	load("packets");
	fd = bpf_program__fd(skel->progs.harmless);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		err = wd_command(fd, BPF_WD_SET_VERDICT, bad[i]);
		CHECK(err == -EINVAL, "verdict %#llx: %s", bad[i],
		      strerror(-err));
		CHECK(!prog_info(fd).watchdog_verdict,
		      "%#llx changed something", bad[i]);
	}
}

static const struct test tests[] = {
	{ "bad_verdicts", "verdicts that there are not", bad_verdicts,
	  NEEDS_WATCHDOG },
	{ "cgroups",
	  "cgroup hooks deny when their program is ended, unless set", cgroups,
	  NEEDS_WATCHDOG },
	{ "change_in_quarantine",
	  "a program in quarantine gets another verdict", change_in_quarantine,
	  NEEDS_WATCHDOG },
	{ "every_type", "each program type is in one of these tests",
	  every_type },
	{ "lsm", "LSM hooks deny when their program is ended, unless set", lsm,
	  NEEDS_WATCHDOG },
	{ "others", "syscall programs, struct_ops, extensions, infrared",
	  others, NEEDS_WATCHDOG },
	{ "packets", "XDP, TC, filters, tunnels, netfilter", packets,
	  NEEDS_WATCHDOG },
	{ "sockets", "segments, socket lookup, sockmaps, socket operations",
	  sockets, NEEDS_WATCHDOG },
	{ "tracing", "what trampolines and perf events make of it", tracing,
	  NEEDS_WATCHDOG | NEEDS_TWO_CPUS },
};

const struct suite suite_verdict = {
	.name = "verdict",
	.elf = verdict__elf_bytes,
	.tests = tests,
	.nr_tests = ARRAY_SIZE(tests),
};
