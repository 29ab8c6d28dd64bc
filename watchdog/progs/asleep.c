// SPDX-License-Identifier: GPL-2.0
/* The task that sleeps in a run of a program: who it is, and where it sleeps. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "kernel/kwd.h"
#include "progs/asleep.h"

/* The first line of a file of the task, empty if it is gone or closed to us. */
static void proc_read(u32 pid, const char *file, char *buf, size_t size)
{
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%u/%s", pid, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? 0 : read(fd, buf, size - 1);
	if (fd >= 0)
		close(fd);
	buf[n > 0 ? n : 0] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
}

bool asleep_look(const struct bpf_prog_info *info, u32 info_len,
		 struct asleep *a)
{
	*a = (struct asleep){};
	if (!kwd_stops_known(info_len) || !info->nr_asleep)
		return false;
	a->tasks = info->nr_asleep;
	a->pid = info->asleep_pid;
	if (!a->pid)
		return true;
	proc_read(a->pid, "comm", a->comm, sizeof(a->comm));
	proc_read(a->pid, "wchan", a->where, sizeof(a->where));
	/* it runs again, or the kernel knows no symbols */
	if (!strcmp(a->where, "0"))
		a->where[0] = '\0';
	return true;
}

char *asleep_text(const struct bpf_prog_info *info, u32 info_len)
{
	struct asleep a;
	char *text;

	if (!asleep_look(info, info_len, &a) ||
	    asprintf(&text, "%s (pid %u %s)",
		     a.where[0] ? a.where : "the kernel", a.pid,
		     a.comm[0] ? a.comm : "-") < 0)
		return NULL;
	return text;
}
