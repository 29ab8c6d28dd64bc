// SPDX-License-Identifier: GPL-2.0
/* What /proc tells: where file systems are mounted, and the descriptors of all
 * processes.
 */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "progs/finders.h"

void each_mount(const char *type, mount_fn fn, void *arg)
{
	FILE *f = setmntent("/proc/self/mounts", "re");
	struct mntent *m;

	if (!f)
		return;
	while ((m = getmntent(f)))
		if (!strcmp(m->mnt_type, type))
			fn(m->mnt_dir, arg);
	endmntent(f);
}

static size_t read_at(int dir, const char *name, char *buf, size_t size)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, size - 1);

	if (fd >= 0)
		close(fd);
	buf[n > 0 ? n : 0] = '\0';
	return n > 0 ? n : 0;
}

static void descriptors_of(int proc, u32 pid, descriptor_fn fn, void *arg)
{
	char path[32], buf[2048];
	struct dirent *entry;
	int fd;
	DIR *dir;

	snprintf(path, sizeof(path), "%u/fdinfo", pid);
	fd = openat(proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((entry = readdir(dir)))
		if (isdigit((unsigned char)entry->d_name[0]) &&
		    read_at(dirfd(dir), entry->d_name, buf, sizeof(buf)))
			fn(pid, strtoul(entry->d_name, NULL, 10), buf, arg);
	closedir(dir);
}

void each_descriptor(descriptor_fn fn, void *arg)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;

	if (!proc)
		return;
	while ((entry = readdir(proc)))
		if (isdigit((unsigned char)entry->d_name[0]))
			descriptors_of(dirfd(proc),
				       strtoul(entry->d_name, NULL, 10), fn,
				       arg);
	closedir(proc);
}

u32 fdinfo_number(const char *fdinfo, const char *key)
{
	size_t len = strlen(key);

	for (const char *line = fdinfo; line && *line;
	     line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, key, len) && line[len] == ':')
			return strtoul(line + len + 1, NULL, 10);
	}
	return 0;
}
