// SPDX-License-Identifier: GPL-2.0
/* How a random program is loaded for a hook, attached to it, and made to run. */
#define _GNU_SOURCE
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <bpf/btf.h>
#include "random/drive.h"

#define GETPGID "__x64_sys_getpgid"
#define GETSID "__x64_sys_getsid"

static const struct {
	enum bpf_prog_type type;
	enum bpf_attach_type attach;
	const char *target; /* a function of the kernel */
} hooks[] = {
	[HOOK_syscall] = { BPF_PROG_TYPE_SYSCALL },
	[HOOK_tc] = { BPF_PROG_TYPE_SCHED_CLS },
	[HOOK_xdp] = { BPF_PROG_TYPE_XDP },
	[HOOK_raw_tp] = { BPF_PROG_TYPE_RAW_TRACEPOINT },
	[HOOK_raw_tp_ipi] = { BPF_PROG_TYPE_RAW_TRACEPOINT },
	[HOOK_socket] = { BPF_PROG_TYPE_SOCKET_FILTER },
	[HOOK_cgroup_skb] = { BPF_PROG_TYPE_CGROUP_SKB,
			      BPF_CGROUP_INET_EGRESS },
	[HOOK_kprobe] = { BPF_PROG_TYPE_KPROBE },
	[HOOK_tracepoint] = { BPF_PROG_TYPE_TRACEPOINT },
	[HOOK_perf_event] = { BPF_PROG_TYPE_PERF_EVENT },
	[HOOK_fentry] = { BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY, GETPGID },
	[HOOK_fexit] = { BPF_PROG_TYPE_TRACING, BPF_TRACE_FEXIT, GETPGID },
	[HOOK_lsm] = { BPF_PROG_TYPE_LSM, BPF_LSM_MAC, "bpf_lsm_task_getpgid" },
};

/*
 * Whoever takes the last program from a function of the kernel waits until no task can be in
 * its trampoline: 100 ms and more. So a program that does nothing goes there before, and
 * leaves when the next one has come. While one runs, it is alone.
 */
struct holder {
	int prog_fd, link_fd; /* 0: it is not there */
};

struct hook_state {
	struct holder getpgid, lsm;
	int kprobe_fd, tracepoint_fd, clock_fd;
	int targets[NR_HOOKS]; /* BTF ids */
	int cpu; /* that the thread is pinned to */
};

static int perf_open(struct perf_event_attr *attr, int pid, int cpu)
{
	int fd;

	attr->size = sizeof(*attr);
	fd = syscall(SYS_perf_event_open, attr, pid, cpu, -1,
		     PERF_FLAG_FD_CLOEXEC);
	if (fd < 0)
		diag("perf_event_open, type %u: %m", attr->type);
	return fd;
}

static long number_in(const char *path)
{
	char text[32] = "";

	return file_read(path, text, sizeof(text)) ? -1 : atol(text);
}

static void load_holder(struct holder *h, int target)
{
	const struct bpf_insn nothing[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts,
		    .expected_attach_type = BPF_TRACE_FENTRY,
		    .attach_btf_id = target);

	h->prog_fd = bpf_prog_load(BPF_PROG_TYPE_TRACING, "holder", "GPL",
				   nothing, ARRAY_SIZE(nothing), &opts);
	REQUIRE(h->prog_fd >= 0, "a program that does nothing: %s",
		strerror(-h->prog_fd));
}

static int kprobe_open(const char *function)
{
	struct perf_event_attr kprobe = {
		.type = number_in("/sys/bus/event_source/devices/kprobe/type"),
		.config1 = (unsigned long)function,
	};
	int fd = perf_open(&kprobe, -1, 0);

	if (fd >= 0)
		ioctl(fd, PERF_EVENT_IOC_ENABLE);
	return fd;
}

struct hook_state *hooks_open(void)
{
	struct perf_event_attr tracepoint = {
		.type = PERF_TYPE_TRACEPOINT,
		.config = number_in(
			"/sys/kernel/tracing/events/syscalls/sys_enter_getpgid/id"),
		.sample_period = 1,
	};
	struct perf_event_attr clock = {
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_period = 200000,
		.disabled = 1,
	};
	struct hook_state *s = calloc(1, sizeof(*s));
	struct btf *btf = btf__load_vmlinux_btf();
	int i;

	REQUIRE(s && btf, "BTF of the kernel: %m");
	s->cpu = last_cpu();
	for (i = 0; i < NR_HOOKS; i++)
		if (hooks[i].target)
			s->targets[i] = btf__find_by_name_kind(
				btf, hooks[i].target, BTF_KIND_FUNC);
	btf__free(btf);
	load_holder(&s->getpgid, s->targets[HOOK_fentry]);
	load_holder(&s->lsm, s->targets[HOOK_lsm]);
	/* Its programs pass no trampoline; those that have one pass a kprobe. */
	s->kprobe_fd = kprobe_open(GETSID);
	kprobe_open(GETPGID);
	s->tracepoint_fd = perf_open(&tracepoint, -1, 0);
	s->clock_fd = perf_open(&clock, -1, s->cpu);
	if (s->tracepoint_fd >= 0)
		ioctl(s->tracepoint_fd, PERF_EVENT_IOC_ENABLE);
	return s;
}

int hook_load(struct hook_state *s, struct program *p, const struct home *h,
	      int target_fd, char *log, size_t log_size)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts);
	enum bpf_prog_type type = hooks[p->hook].type;

	opts.prog_btf_fd = h->btf_fd;
	opts.func_info = p->code.infos;
	opts.func_info_cnt = p->code.nr_fns;
	opts.func_info_rec_size = sizeof(p->code.infos[0]);
	opts.expected_attach_type = hooks[p->hook].attach;
	if (p->extends >= 0 && target_fd >= 0) {
		type = BPF_PROG_TYPE_EXT;
		opts.expected_attach_type = 0;
		opts.attach_prog_fd = target_fd;
		opts.attach_btf_id = p->extends;
	} else if (hooks[p->hook].target) {
		opts.attach_btf_id = s->targets[p->hook];
	}
	if (p->hook == HOOK_syscall && type != BPF_PROG_TYPE_EXT)
		opts.prog_flags = BPF_F_SLEEPABLE;
	if (log) {
		log[0] = 0;
		opts.log_buf = log;
		opts.log_size = log_size;
		opts.log_level = 1;
	}
	return bpf_prog_load(type, "random", "GPL", p->code.insns,
			     p->code.nr_insns, &opts);
}

static struct holder *holder_of(struct hook_state *s, enum random_hook hook)
{
	switch (hook) {
	case HOOK_fentry:
	case HOOK_fexit:
		return &s->getpgid;
	case HOOK_lsm:
		return &s->lsm;
	default:
		return NULL;
	}
}

static int attach_traced(struct holder *h, int prog_fd)
{
	int fd = bpf_raw_tracepoint_open(NULL, prog_fd);

	if (h->link_fd > 0)
		close(h->link_fd);
	h->link_fd = 0;
	return fd;
}

/* A link's file descriptor, 0 where none is needed, or -errno. */
int hook_attach(struct hook_state *s, enum random_hook hook, int prog_fd)
{
	int fd;

	switch (hook) {
	case HOOK_kprobe:
		fd = s->kprobe_fd;
		break;
	case HOOK_tracepoint:
		fd = s->tracepoint_fd;
		break;
	case HOOK_perf_event:
		fd = s->clock_fd;
		break;
	case HOOK_fentry:
	case HOOK_fexit:
	case HOOK_lsm:
		return attach_traced(holder_of(s, hook), prog_fd);
	default:
		return 0;
	}
	return fd < 0 ? -ENODEV :
			bpf_link_create(prog_fd, fd, BPF_PERF_EVENT, NULL);
}

void hook_detach(struct hook_state *s, enum random_hook hook, int link_fd)
{
	struct holder *h = holder_of(s, hook);

	if (h) {
		h->link_fd = bpf_raw_tracepoint_open(NULL, h->prog_fd);
		REQUIRE(h->link_fd > 0, "%s: what does nothing: %s",
			hook_names[hook], strerror(-h->link_fd));
	}
	close(link_fd);
}

static void on_cpu(struct hook_state *s, int cpu)
{
	if (s->cpu == cpu)
		return;
	pin_to(cpu);
	s->cpu = cpu;
}

int hook_fire(struct hook_state *s, enum random_hook hook, int prog_fd)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);
	static char packet[64] = { [12] = 8, [14] = 0x45, [23] = 17 };
	__u64 args[8] = {};

	/* The last CPU is to run it, and does not wait for it. */
	on_cpu(s, hook == HOOK_raw_tp_ipi ? 0 : last_cpu());
	switch (hook) {
	case HOOK_tc:
	case HOOK_xdp:
	case HOOK_socket:
	case HOOK_cgroup_skb:
		opts.data_in = packet;
		opts.data_size_in = sizeof(packet);
		break;
	case HOOK_raw_tp_ipi:
		opts.flags = BPF_F_TEST_RUN_ON_CPU;
		opts.cpu = last_cpu();
		/* fall through */
	case HOOK_raw_tp:
		opts.ctx_in = args;
		opts.ctx_size_in = sizeof(args);
		break;
	case HOOK_kprobe:
		syscall(SYS_getsid, getpid());
		return 0;
	case HOOK_tracepoint:
	case HOOK_fentry:
	case HOOK_fexit:
	case HOOK_lsm:
		syscall(SYS_getpgid, getpid());
		return 0;
	case HOOK_perf_event:
		ioctl(s->clock_fd, PERF_EVENT_IOC_ENABLE);
		usleep(1500);
		ioctl(s->clock_fd, PERF_EVENT_IOC_DISABLE);
		return 0;
	default:
		break;
	}
	return bpf_prog_test_run_opts(prog_fd, &opts);
}
