// SPDX-License-Identifier: GPL-2.0
/*
 * The five programs of the kernel's samples/bpf that runtime estimates were
 * first tried on, attached and driven with real work: system calls, samples of
 * the CPU clock, TCP connections. bpf_stats gives the time of the runs since the
 * last look, mostly one; of several it is their mean.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bench.h"
#include "bench_samples.h"
#include "estimate_runs.h"

struct sample {
	const struct run_opts *o;
	const char *name;
	struct bpf_object *obj;
	struct bpf_program *prog;
	int fd;
	__u64 cnt, ns, interrupts;
	bool in_interrupt; /* it runs in one: none can fall into it */
	long seen;
};

/* Takes what has run since the last look, if anything. */
static int samples_look(struct sample *s, const char *input)
{
	__u64 now = interrupts(), runs;
	struct bpf_prog_info info;
	int err = wd_prog_info(s->fd, &info);

	if (err)
		return err;
	runs = info.run_cnt - s->cnt;
	if (runs && s->cnt + s->seen)
		put_run(s->o, "original", s->name, input, &info,
			(double)(info.run_time_ns - s->ns) / runs,
			s->in_interrupt ? 0 : now - s->interrupts);
	s->seen += runs;
	s->cnt = info.run_cnt;
	s->ns = info.run_time_ns;
	s->interrupts = interrupts();
	return 0;
}

static int drive_sync(struct sample *s)
{
	int map = bpf_object__find_map_fd_by_name(s->obj, "cgroup_map");
	struct bpf_link *link = bpf_program__attach(s->prog);
	const char *const groups[] = { "/sys/fs/cgroup",
				       "/sys/fs/cgroup/estimate" };
	int err = 0;
	__u32 key = 0;

	if (!link)
		return -errno;
	mkdir(groups[1], 0755);
	/* in the group, then outside of it */
	for (int g = 0; g < 2 && !err; g++) {
		int fd = open(groups[g], O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (fd < 0 || bpf_map_update_elem(map, &key, &fd, 0))
			err = -errno;
		if (fd >= 0)
			close(fd);
		for (long i = 0; i < s->o->count * 3 && !err; i++) {
			sync();
			err = samples_look(s, g ? "outside" : "inside");
		}
	}
	bpf_link__destroy(link);
	rmdir(groups[1]);
	return err;
}

static int listener(int family, struct sockaddr_storage *addr, socklen_t *len)
{
	struct sockaddr_in *in = (void *)addr;
	struct sockaddr_in6 *in6 = (void *)addr;
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memset(addr, 0, sizeof(*addr));
	addr->ss_family = family;
	if (family == AF_INET)
		in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		in6->sin6_addr = in6addr_loopback;
	*len = family == AF_INET ? sizeof(*in) : sizeof(*in6);
	if (fd >= 0 && !bind(fd, (void *)addr, *len) && !listen(fd, 64) &&
	    !getsockname(fd, (void *)addr, len))
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

static int drive_connect(struct sample *s)
{
	int map = bpf_object__find_map_fd_by_name(s->obj, "dnat_map"), err = 0;
	struct bpf_link *link = bpf_program__attach(s->prog);
	struct sockaddr_storage real;
	struct sockaddr_in other;
	socklen_t len;
	int fd = listener(AF_INET, &real, &len);

	if (!link || fd < 0)
		err = -errno ?: -EINVAL;
	memcpy(&other, &real, sizeof(other));
	other.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
	if (!err && bpf_map_update_elem(map, &other, &real, 0))
		err = -errno;
	for (long i = 0; i < s->o->count * 3 && !err; i++) {
		struct sockaddr_in to;
		int c = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), a;

		memcpy(&to, i % 2 ? (void *)&other : (void *)&real, sizeof(to));
		samples_look(s, "between");
		/* an address that cannot be read is an input, too */
		if (i % 5 == 4)
			connect(c, (void *)8, sizeof(to));
		else if (connect(c, (void *)&to, sizeof(to)))
			err = -errno;
		err = err   ?:
			      samples_look(s, i % 5 == 4 ? "bad" :
					      i % 2	 ? "rewritten" :
							   "as is");
		if (i % 5 == 4) {
			close(c);
			continue;
		}
		a = err ? -1 : accept(fd, NULL, NULL);
		if (a >= 0)
			close(a);
		close(c);
	}
	if (fd >= 0)
		close(fd);
	bpf_link__destroy(link);
	return err;
}

static int drive_clock(struct sample *s)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_SOFTWARE,
					.config = PERF_COUNT_SW_CPU_CLOCK,
					.size = sizeof(attr),
					.sample_period = 1000000 };
	int fd = syscall(SYS_perf_event_open, &attr, 0, -1, -1,
			 PERF_FLAG_FD_CLOEXEC);
	struct bpf_link *link;
	__u64 until;
	int err = 0;

	if (fd < 0)
		return -errno;
	link = bpf_program__attach_perf_event(s->prog, fd);
	if (!link) {
		err = -errno;
		close(fd);
		return err;
	}
	s->in_interrupt = true;
	until = now_ns() + 3000000000ULL;
	while (!err && s->seen < s->o->count * 10 && now_ns() < until)
		err = samples_look(s, "samples");
	bpf_link__destroy(link);
	return err;
}

static int one_connection(struct sample *s, int family, bool pause)
{
	struct sockaddr_storage addr;
	char buf[4096] = {};
	socklen_t len;
	int l = listener(family, &addr, &len), c, a = -1, err = 0;

	if (l < 0)
		return -errno;
	c = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	err = samples_look(s, "listen");
	if (connect(c, (void *)&addr, len))
		err = -errno;
	err = err ?: samples_look(s, "connect");
	a = err ? -1 : accept(l, NULL, NULL);
	/* tcp_dumpstats prints once in a second */
	if (!err && pause) {
		sleep(1);
		err = samples_look(s, "pause");
	}
	for (int i = 0; i < 5 && !err && a >= 0; i++) {
		if (write(c, buf, sizeof(buf)) < 0 ||
		    read(a, buf, sizeof(buf)) < 0)
			err = -errno;
		err = err ?: samples_look(s, "transfer");
	}
	if (a >= 0)
		close(a);
	close(c);
	close(l);
	return err ?: samples_look(s, "close");
}

static int drive_tcp(struct sample *s)
{
	int cgroup = open("/sys/fs/cgroup", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct bpf_link *link;
	int err = 0;

	if (cgroup < 0)
		return -errno;
	link = bpf_program__attach_cgroup(s->prog, cgroup);
	close(cgroup);
	if (!link)
		return -errno;
	for (long i = 0; i < s->o->count && !err; i++)
		err = one_connection(s, i % 2 ? AF_INET : AF_INET6, i % 5 == 0);
	bpf_link__destroy(link);
	return err;
}

static const struct driver {
	const char *name;
	int (*drive)(struct sample *s);
} drivers[] = {
	{ "test_current_task_under_cgroup", drive_sync },
	{ "test_probe_write_user", drive_connect },
	{ "trace_event", drive_clock },
	{ "tcp_basertt", drive_tcp },
	{ "tcp_dumpstats", drive_tcp },
};

int estimate_sample(const struct run_opts *o, const char *path)
{
	char *copy = strdup(path), *base = basename(copy);
	const struct driver *d = drivers, *end = d + ARRAY_SIZE(drivers);
	struct sample s = { .o = o };
	int err = 0;

	while (d < end && strncmp(base, d->name, strlen(d->name)))
		d++;
	if (d == end) {
		warn_f("%s: nobody knows how to drive it", path);
		err = -EINVAL;
		goto out;
	}
	s.name = d->name;
	s.obj = bpf_object__open_file(path, NULL);
	err = s.obj ? bpf_object__load(s.obj) : -errno;
	if (!err) {
		s.prog = bpf_object__next_program(s.obj, NULL);
		s.fd = bpf_program__fd(s.prog);
		s.interrupts = interrupts();
		err = d->drive(&s);
	}
	if (!err && !s.seen)
		err = -ENODATA;
	if (err)
		warn_f("%s: %s", d->name, strerror(-err));
	bpf_object__close(s.obj);
out:
	free(copy);
	return err;
}
