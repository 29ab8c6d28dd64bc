// SPDX-License-Identifier: GPL-2.0
/* Which processes hold a program. /proc/PID/fdinfo names the program of a
 * program's and of a link's descriptor alike, and needs no BPF program itself.
 */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "progs/owner.h"

struct owner {
	u32 prog_id;
	u32 pid; /* the first one found */
	u32 last; /* processes are scanned one after the other */
	u32 more;
	char *text;
};

struct owners {
	struct owner *all;
	size_t n;
};

static struct owner *owner_find(const struct owners *owners, u32 prog_id)
{
	for (size_t i = 0; i < owners->n; i++)
		if (owners->all[i].prog_id == prog_id)
			return &owners->all[i];
	return NULL;
}

static void owner_add(struct owners *owners, u32 prog_id, u32 pid)
{
	struct owner *o = owner_find(owners, prog_id);

	if (o) {
		o->more += o->last != pid;
		o->last = pid;
		return;
	}
	o = reallocarray(owners->all, owners->n + 1, sizeof(*o));
	if (!o)
		return;
	owners->all = o;
	o[owners->n++] =
		(struct owner){ .prog_id = prog_id, .pid = pid, .last = pid };
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

static void scan_process(struct owners *owners, int proc, u32 pid)
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
	while ((entry = readdir(dir))) {
		const char *line;

		if (!isdigit((unsigned char)entry->d_name[0]) ||
		    !read_at(dirfd(dir), entry->d_name, buf, sizeof(buf)))
			continue;
		line = strstr(buf, "\nprog_id:");
		if (line)
			owner_add(owners, strtoul(line + 9, NULL, 10), pid);
	}
	closedir(dir);
}

static void name_owner(struct owner *o, int proc)
{
	char path[32], comm[64];

	snprintf(path, sizeof(path), "%u/comm", o->pid);
	read_at(proc, path, comm, sizeof(comm));
	comm[strcspn(comm, "\n")] = '\0';
	if (asprintf(&o->text, o->more ? "%s[%u] +%u" : "%s[%u]", comm, o->pid,
		     o->more) < 0)
		o->text = NULL;
}

struct owners *owners_load(void)
{
	struct owners *owners = calloc(1, sizeof(*owners));
	DIR *proc = owners ? opendir("/proc") : NULL;
	struct dirent *entry;

	if (!proc)
		return owners;
	while ((entry = readdir(proc)))
		if (isdigit((unsigned char)entry->d_name[0]))
			scan_process(owners, dirfd(proc),
				     strtoul(entry->d_name, NULL, 10));
	for (size_t i = 0; i < owners->n; i++)
		name_owner(&owners->all[i], dirfd(proc));
	closedir(proc);
	return owners;
}

void owners_free(struct owners *owners)
{
	if (!owners)
		return;
	for (size_t i = 0; i < owners->n; i++)
		free(owners->all[i].text);
	free(owners->all);
	free(owners);
}

const char *owners_of(const struct owners *owners, u32 prog_id)
{
	const struct owner *o = owner_find(owners, prog_id);

	return o ? o->text : NULL;
}
