// SPDX-License-Identifier: GPL-2.0
/* perf events that got their program by ioctl(), without a link: the kernel tells of
 * them only who names a process and its descriptor.
 */
#include <bpf/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "progs/finders.h"

static char *event_hook(enum bpf_task_fd_type type, const char *name,
			u64 offset)
{
	switch (type) {
	case BPF_FD_TYPE_TRACEPOINT:
		return tracepoint_hook(name);
	case BPF_FD_TYPE_KPROBE:
		return probe_hook("kprobe", name, offset);
	case BPF_FD_TYPE_KRETPROBE:
		return probe_hook("kretprobe", name, offset);
	case BPF_FD_TYPE_UPROBE:
		return probe_hook("uprobe", name, offset);
	case BPF_FD_TYPE_URETPROBE:
		return probe_hook("uretprobe", name, offset);
	default:
		return NULL;
	}
}

/* A link has such an event as well. */
static bool event_is_linked(const struct places *places, const struct place *p)
{
	for (size_t i = 0; i < places->n; i++) {
		const struct place *at = &places->all[i];

		if (at->via == VIA_LINK && at->prog_id == p->prog_id &&
		    at->hook && !strcmp(at->hook, p->hook))
			return true;
	}
	return false;
}

static void take_descriptor(u32 pid, u32 fd, const char *fdinfo, void *arg)
{
	struct place p = { .via = VIA_EVENT, .pid = pid, .fd = fd };
	char path[64], what[64], name[256] = "";
	u32 type, size = sizeof(name);
	struct places *places = arg;
	__u64 offset, addr;
	ssize_t len;

	(void)fdinfo;
	snprintf(path, sizeof(path), "/proc/%u/fd/%u", pid, fd);
	len = readlink(path, what, sizeof(what) - 1);
	if (len < 0)
		return;
	what[len] = '\0';
	if (strcmp(what, "anon_inode:[perf_event]") ||
	    bpf_task_fd_query(pid, fd, 0, name, &size, &p.prog_id, &type,
			      &offset, &addr))
		return;
	p.hook = event_hook(type, name, offset);
	if (p.hook && !event_is_linked(places, &p))
		places_add(places, &p);
	else
		free(p.hook);
}

void find_events(struct places *places)
{
	each_descriptor(take_descriptor, places);
}
