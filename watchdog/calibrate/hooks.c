// SPDX-License-Identifier: GPL-2.0
/* Programs that BPF_PROG_TEST_RUN cannot run: attached to a perf event of this
 * thread, or to a control group that this process joins, and set off by what it
 * does. Nobody else runs them.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "calibrate/calib.h"
#include "show/duration.h"

#define CGROUPS "/sys/fs/cgroup"

static char home[512]; /* where this process was before */
static char group[64];

static int hooks_join(const char *path)
{
	char procs[600];
	int fd, err;

	snprintf(procs, sizeof(procs), "%s/cgroup.procs", path);
	fd = open(procs, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = write(fd, "0", 1) == 1 ? 0 : -errno;
	close(fd);
	return err;
}

/* In a group of its own from now on, until calib_hooks_leave(). */
static int hooks_enter(void)
{
	char line[400];
	FILE *f;
	int err;

	if (group[0])
		return 0;
	f = fopen("/proc/self/cgroup", "re");
	while (f && fgets(line, sizeof(line), f)) {
		if (strncmp(line, "0::", 3))
			continue;
		line[strcspn(line, "\n")] = '\0';
		snprintf(home, sizeof(home), CGROUPS "%s", line + 3);
	}
	if (f)
		fclose(f);
	if (!home[0])
		return -ENOENT;
	snprintf(group, sizeof(group), CGROUPS "/bpfwd-calibrate-%d", getpid());
	err = mkdir(group, 0755) ? -errno : hooks_join(group);
	if (err) {
		rmdir(group);
		group[0] = '\0';
	}
	return err;
}

void calib_hooks_leave(void)
{
	if (!group[0])
		return;
	hooks_join(home);
	rmdir(group);
	group[0] = '\0';
}

int calib_hook_cgroup(int prog_fd, enum bpf_attach_type attach)
{
	int err = hooks_enter(), fd, link;

	if (err)
		return err;
	fd = open(group, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	link = bpf_link_create(prog_fd, fd, attach, NULL);
	err = link < 0 ? -errno : link;
	close(fd);
	return err;
}

/* A socket that listens: sock_ops programs are told. */
int calib_hook_listen(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), err = 0;

	if (fd < 0)
		return -errno;
	if (bind(fd, (void *)&sin, sizeof(sin)) || listen(fd, 1))
		err = -errno;
	close(fd);
	return err;
}

/* One that asks for an option. */
int calib_hook_getsockopt(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), n, err = 0;
	socklen_t len = sizeof(n);

	if (fd < 0)
		return -errno;
	if (getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &n, &len))
		err = -errno;
	close(fd);
	return err;
}

int calib_hook_perf(int prog_fd)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_SOFTWARE,
					.config = PERF_COUNT_SW_CPU_CLOCK,
					.size = sizeof(attr),
					.sample_period = 100000,
					.disabled = 1 };
	int fd = syscall(SYS_perf_event_open, &attr, 0, -1, -1,
			 PERF_FLAG_FD_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (ioctl(fd, PERF_EVENT_IOC_SET_BPF, prog_fd)) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

/* One sample, waited for: the program sets the last of its times. */
int calib_hook_sample(int event, volatile u64 *last)
{
	u64 until = clock_ns(CLOCK_MONOTONIC) + 1000000000;

	*last = 0;
	if (ioctl(event, PERF_EVENT_IOC_REFRESH, 1))
		return -errno;
	while (!*last && clock_ns(CLOCK_MONOTONIC) < until)
		;
	ioctl(event, PERF_EVENT_IOC_DISABLE, 0);
	return *last ? 0 : -ETIME;
}
