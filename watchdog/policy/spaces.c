// SPDX-License-Identifier: GPL-2.0
/* Namespaces and file systems of BPF that a rule names by a path. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>
#include <unistd.h>
#include "policy/spaces.h"

static int keep_if(int fd, int is)
{
	if (is)
		return fd;
	close(fd);
	return -EINVAL;
}

/* Of a process that is gone, or a file that was never there. */
static int not_open(void)
{
	return errno == ENOTDIR || errno == ESRCH ? -ENOENT : -errno;
}

int ns_open(const char *path, int type)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	return fd < 0 ? not_open() :
			keep_if(fd, ioctl(fd, NS_GET_NSTYPE) == type);
}

int bpffs_open(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct statfs fs;

	return fd < 0 ? not_open() :
			keep_if(fd,
				!fstatfs(fd, &fs) && fs.f_type == BPF_FS_MAGIC);
}
