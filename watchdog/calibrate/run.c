// SPDX-License-Identifier: GPL-2.0
/* Loads programs that measure, and runs them. */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "calibrate/calib.h"
#include "show/types.h"

static const struct {
	enum bpf_prog_type type;
	enum bpf_attach_type attach;
	bool packet;
} types[CALIB_TYPES] = {
	[CALIB_SYSCALL] = { BPF_PROG_TYPE_SYSCALL, 0, false },
	[CALIB_TC] = { BPF_PROG_TYPE_SCHED_CLS, 0, true },
	[CALIB_XDP] = { BPF_PROG_TYPE_XDP, 0, true },
	[CALIB_RAW_TP] = { BPF_PROG_TYPE_RAW_TRACEPOINT, 0, false },
	[CALIB_CGROUP_SKB] = { BPF_PROG_TYPE_CGROUP_SKB,
			       BPF_CGROUP_INET_INGRESS, true },
	[CALIB_LWT_XMIT] = { BPF_PROG_TYPE_LWT_XMIT, 0, true },
	[CALIB_FENTRY] = { BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY, false },
	[CALIB_FEXIT] = { BPF_PROG_TYPE_TRACING, BPF_TRACE_FEXIT, false },
	[CALIB_SOCK_OPS] = { BPF_PROG_TYPE_SOCK_OPS, BPF_CGROUP_SOCK_OPS,
			     false },
	[CALIB_SOCKOPT] = { BPF_PROG_TYPE_CGROUP_SOCKOPT, BPF_CGROUP_GETSOCKOPT,
			    false },
	[CALIB_PERF] = { BPF_PROG_TYPE_PERF_EVENT, 0, false },
};

int calib_load(struct calib_env *env, enum calib_type type,
	       const struct calib_code *code, struct calib_prog *prog,
	       char *log, size_t log_size)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts,
		    .expected_attach_type = types[type].attach);
	struct calib_btf btf = calib_btf(env);
	struct bpf_func_info funcs[] = {
		{ 0, btf.main_id },
		{ code->callback, btf.callback_id },
	};
	bool traced = type == CALIB_FENTRY || type == CALIB_FEXIT;

	*prog = (struct calib_prog){
		.fd = -1, .link = -1, .type = type, .mem = calib_mem(env)
	};
	log[0] = '\0';
	if (type == CALIB_SYSCALL)
		opts.prog_flags = BPF_F_SLEEPABLE;
	if (code->callback) {
		opts.prog_btf_fd = btf.fd;
		opts.func_info = funcs;
		opts.func_info_cnt = ARRAY_SIZE(funcs);
		opts.func_info_rec_size = sizeof(*funcs);
	}
	if (traced) {
		int id =
			calib_find_type(env, "bpf_fentry_test1", BTF_KIND_FUNC);

		if (id < 0)
			return -ENOENT;
		opts.attach_btf_id = id;
	}
	prog->fd = bpf_prog_load(types[type].type, "calibrate", "GPL",
				 code->insns, code->n, &opts);
	if (prog->fd < 0) {
		int err = -errno;

		opts.log_buf = log;
		opts.log_size = log_size;
		opts.log_level = 1;
		prog->fd = bpf_prog_load(types[type].type, "calibrate", "GPL",
					 code->insns, code->n, &opts);
		if (prog->fd < 0)
			return err;
	}
	if (traced) {
		prog->link =
			bpf_link_create(prog->fd, 0, types[type].attach, NULL);
		prog->link = prog->link < 0 ? -errno : prog->link;
	} else if (type == CALIB_SOCK_OPS || type == CALIB_SOCKOPT) {
		prog->link = calib_hook_cgroup(prog->fd, types[type].attach);
	} else if (type == CALIB_PERF) {
		prog->link = calib_hook_perf(prog->fd);
	} else {
		return 0;
	}
	if (prog->link < 0) {
		int err = prog->link;

		calib_unload(prog);
		return err;
	}
	return 0;
}

/* A TCP segment to the loopback device, large enough for every row. */
static unsigned char packet[256] = {
	/* Ethernet */
	2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x08, 0x00,
	/* IPv4, 20 bytes, TCP, 127.0.0.1 to itself */
	0x45, 0, 0, 242, 0, 1, 0x40, 0, 64, 6, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1,
	/* TCP */
	0x10, 0, 0x10, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 0x10, 0, 0, 0, 0, 0
};

#ifdef __x86_64__
/* Runs the program where the frame pointer leads to a frame that leads to itself: a stack
 * without end.
 */
static int run_deep(int fd)
{
	struct {
		void *next;
		unsigned long ret;
	} frame = { &frame, (unsigned long)run_deep };
	union bpf_attr attr = { .test.prog_fd = fd };
	long ret;

	asm volatile(
		"mov %%rbp, %%rbx\n\tmov %[frame], %%rbp\n\tsyscall\n\tmov %%rbx, %%rbp"
		: "=a"(ret)
		: "a"((long)__NR_bpf), "D"((long)BPF_PROG_TEST_RUN), "S"(&attr),
		  "d"(sizeof(attr)), [frame] "r"(&frame)
		: "rbx", "rcx", "r11", "memory");
	return ret;
}
#else
static int run_deep(int fd)
{
	(void)fd;
	return -EOPNOTSUPP;
}
#endif

int calib_run(const struct calib_prog *prog)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);

	if (prog->deep)
		return run_deep(prog->fd);
	switch (prog->type) {
	case CALIB_SOCK_OPS:
		return calib_hook_listen();
	case CALIB_SOCKOPT:
		return calib_hook_getsockopt();
	case CALIB_PERF:
		return calib_hook_sample(prog->link,
					 &prog->mem->ns[CALIB_LOOP - 1]);
	default:
		break;
	}
	if (types[prog->type].packet) {
		opts.data_in = packet;
		opts.data_size_in = sizeof(packet);
		opts.repeat = 1;
	}
	return bpf_prog_test_run_opts(prog->fd, &opts) ? -errno : 0;
}

void calib_unload(struct calib_prog *prog)
{
	if (prog->link >= 0)
		close(prog->link);
	if (prog->fd >= 0)
		close(prog->fd);
	prog->link = prog->fd = -1;
}

u64 calib_interrupts(void)
{
	static int fd = -1;
	static char buf[1 << 16];
	ssize_t n, all = 0;
	const char *intr;

	if (fd < 0)
		fd = open("/proc/stat", O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && all < (ssize_t)sizeof(buf) - 1 &&
	       (n = pread(fd, buf + all, sizeof(buf) - 1 - all, all)) > 0) {
		all += n;
		buf[all] = '\0';
		intr = strstr(buf, "\nintr ");
		if (intr && strchr(intr + 6, ' '))
			return strtoull(intr + 6, NULL, 10);
	}
	return 0;
}
