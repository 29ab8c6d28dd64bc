// SPDX-License-Identifier: GPL-2.0
/* Programs that decide on access: of cgroups, and of LSM. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include "traffic/repro.h"
#include "traffic/traffic.h"
#include "context_cgroup.skel.h"

static int attach(struct run *run)
{
	int fd = cgroup_open(), err;

	err = repro_keep(run, bpf_program__attach_cgroup(repro_prog(run), fd));
	close(fd);
	return err;
}

/*
 * What is done is denied when the program is ended, and not when it returns by
 * itself: both is right here. prog_tests/verdict.c looks at that.
 */
static int allowed_or(int denied, bool ok)
{
	return ok || errno == denied ? 0 : -errno;
}

static int make_socket(struct run *run)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int err = allowed_or(EPERM, fd >= 0);

	if (fd >= 0)
		close(fd);
	return err;
}

static int send_udp(struct run *run)
{
	int err = udp_send("127.0.0.1");

	return err == -EPERM ? 0 : err;
}

static int connect_udp(struct run *run)
{
	struct sockaddr_in addr = ipv4("127.0.0.1", TRIGGER_PORT);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int err = allowed_or(EPERM, !connect(fd, (void *)&addr, sizeof(addr)));

	close(fd);
	return err;
}

/* Nobody listens: the hook comes before that is known. */
static int connect_tcp(struct run *run)
{
	struct sockaddr_in addr = ipv4("127.0.0.1", TRIGGER_PORT);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int err = allowed_or(ECONNREFUSED,
			     !connect(fd, (void *)&addr, sizeof(addr)));

	close(fd);
	return err;
}

static int open_for_reading(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int err = allowed_or(EPERM, fd >= 0);

	if (fd >= 0)
		close(fd);
	return err;
}

static int open_device(struct run *run)
{
	return open_for_reading("/dev/null");
}

static int read_sysctl(struct run *run)
{
	int fd = open("/proc/sys/kernel/ostype", O_RDONLY | O_CLOEXEC), err;
	char c;

	if (fd < 0)
		return -errno;
	err = allowed_or(EPERM, read(fd, &c, 1) == 1);
	close(fd);
	return err;
}

static int get_option(struct run *run)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), val, err;
	socklen_t len = sizeof(val);

	err = allowed_or(EPERM,
			 !getsockopt(fd, SOL_SOCKET, SO_TYPE, &val, &len));
	close(fd);
	return err;
}

static int get_scheduler(struct run *run)
{
	return allowed_or(EPERM, sched_getscheduler(0) >= 0);
}

static int get_pgid(struct run *run)
{
	return allowed_or(EPERM, getpgid(getpid()) >= 0);
}

#define CGROUP(name_, fire_, desc_) \
	{ .name = name_,            \
	  .trigger = BY_OWN,        \
	  .hook = ON_OWN,           \
	  .attach = attach,         \
	  .fire = fire_,            \
	  .holds = HOLDS_RECORD,    \
	  .desc = desc_ }
#define LSM(name_, fire_, desc_) \
	{ .name = name_,         \
	  .trigger = BY_OWN,     \
	  .fire = fire_,         \
	  .holds = HOLDS_RECORD, \
	  .desc = desc_ }

static const struct repro repros[] = {
	CGROUP("cgroup_connect", connect_udp, "a connect() in a cgroup"),
	CGROUP("cgroup_device", open_device,
	       "an open() of a device in a cgroup"),
	CGROUP("cgroup_getsockopt", get_option, "a getsockopt() in a cgroup"),
	CGROUP("cgroup_lsm", get_scheduler, "an LSM hook of a cgroup"),
	CGROUP("cgroup_skb", send_udp, "a packet that leaves a cgroup"),
	CGROUP("cgroup_sock", make_socket, "a socket() in a cgroup"),
	CGROUP("cgroup_sock_ops", connect_tcp,
	       "a TCP connection of a cgroup that is opened"),
	CGROUP("cgroup_sysctl", read_sysctl, "a sysctl that a cgroup reads"),
	LSM("lsm", get_pgid, "an LSM hook"),
	LSM("lsm_sleepable", open_device, "an LSM hook that may sleep"),
};

const struct suite suite_context_cgroup = {
	.name = "context_cgroup",
	.elf = context_cgroup__elf_bytes,
	.repros = repros,
	.nr_repros = ARRAY_SIZE(repros),
};
