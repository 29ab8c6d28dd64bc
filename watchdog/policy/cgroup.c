// SPDX-License-Identifier: GPL-2.0
/* Control groups of version 2 by their paths. */
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/vfs.h>
#include "policy/cgroup.h"

/* Alone, or beside groups of version 1. */
static const char *const mounts[] = { "/sys/fs/cgroup",
				      "/sys/fs/cgroup/unified" };

u64 cgroup_find(const char *path)
{
	struct {
		struct file_handle h;
		u64 id;
	} handle = { .h.handle_bytes = sizeof(u64) };
	char full[4200];
	struct statfs fs;
	int mount;

	for (size_t i = 0; i < sizeof(mounts) / sizeof(*mounts); i++) {
		snprintf(full, sizeof(full), "%s%s", mounts[i], path);
		if (!statfs(full, &fs) && fs.f_type == CGROUP2_SUPER_MAGIC &&
		    !name_to_handle_at(AT_FDCWD, full, &handle.h, &mount, 0))
			return handle.id;
	}
	return 0;
}
