// SPDX-License-Identifier: GPL-2.0
/* Where links are attached, in the spelling of SEC(). */
#include <bpf/bpf.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "progs/finders.h"
#include "progs/ksyms.h"
#include "progs/sections.h"

#define NAME_LEN 256

char *probe_hook(const char *section, const char *at, u64 offset)
{
	return offset ? place_text("%s/%s+0x%llx", section, at,
				   (unsigned long long)offset) :
			place_text("%s/%s", section, at);
}

/* The kernel tells the event only; tracefs, if we may look, its category. */
char *tracepoint_hook(const char *name)
{
	static const char events[] = "/sys/kernel/tracing/events/";
	char pattern[NAME_LEN + sizeof(events) + 2], *hook;
	glob_t found = {};

	snprintf(pattern, sizeof(pattern), "%s*/%s", events, name);
	if (!glob(pattern, GLOB_NOSORT, NULL, &found) && found.gl_pathc == 1)
		name = found.gl_pathv[0] + strlen(events);
	hook = place_text(*name ? "tp/%s" : "tp", name);
	globfree(&found);
	return hook;
}

static char *perf_hook(const struct bpf_link_info *l, const char *name)
{
	switch (l->perf_event.type) {
	case BPF_PERF_EVENT_KPROBE:
		return probe_hook("kprobe", name, l->perf_event.kprobe.offset);
	case BPF_PERF_EVENT_KRETPROBE:
		return probe_hook("kretprobe", name,
				  l->perf_event.kprobe.offset);
	case BPF_PERF_EVENT_UPROBE:
		return probe_hook("uprobe", name, l->perf_event.uprobe.offset);
	case BPF_PERF_EVENT_URETPROBE:
		return probe_hook("uretprobe", name,
				  l->perf_event.uprobe.offset);
	case BPF_PERF_EVENT_TRACEPOINT:
		return tracepoint_hook(name);
	case BPF_PERF_EVENT_EVENT:
		return place_text("perf_event");
	default:
		return NULL;
	}
}

/* How many there are; find_functions() says which. */
static char *multi_hook(const char *section, u32 count)
{
	return place_text("%s/(%u)", section, count);
}

/* The kernel tells addresses, if we may know them. */
static void find_functions(struct place *p, int fd, u32 count)
{
	struct bpf_link_info l = {};
	u32 len = sizeof(l);
	u64 *addrs = calloc(count, sizeof(*addrs));
	char **names = calloc(count, sizeof(*names));

	l.kprobe_multi.addrs = (uintptr_t)addrs;
	l.kprobe_multi.count = count;
	if (addrs && names && !bpf_link_get_info_by_fd(fd, &l, &len) &&
	    addrs[0] && !ksyms_name(addrs, count, names)) {
		p->funcs = names;
		p->n_funcs = count;
		names = NULL;
	}
	free(addrs);
	free(names);
}

/* A link that is attached no longer has no hook, or no device and so on. */
static bool take_link(struct place *p, int fd, const struct bpf_link_info *l,
		      const char *name)
{
	switch (l->type) {
	case BPF_LINK_TYPE_RAW_TRACEPOINT:
		p->hook = place_text("raw_tp/%s", name);
		return true;
	case BPF_LINK_TYPE_TRACING:
		p->attach_type = l->tracing.attach_type;
		p->target_id = l->tracing.target_obj_id;
		p->target_type = l->tracing.target_btf_id;
		return true;
	case BPF_LINK_TYPE_ITER:
		p->hook = place_text("iter/%s", name);
		return true;
	case BPF_LINK_TYPE_CGROUP:
		p->attach_type = l->cgroup.attach_type;
		p->inode = l->cgroup.cgroup_id;
		if (p->attach_type != BPF_LSM_CGROUP)
			p->hook = place_text("%s",
					     section_of_attach(p->attach_type));
		return p->inode;
	case BPF_LINK_TYPE_NETNS:
		p->attach_type = l->netns.attach_type;
		p->hook = place_text("%s", section_of_attach(p->attach_type));
		p->inode = l->netns.netns_ino;
		return p->inode;
	case BPF_LINK_TYPE_SOCKMAP:
		p->attach_type = l->sockmap.attach_type;
		p->map_id = l->sockmap.map_id;
		p->hook = place_text("%s", section_of_attach(p->attach_type));
		return p->map_id;
	case BPF_LINK_TYPE_XDP:
		p->attach_type = BPF_XDP;
		p->ifindex = l->xdp.ifindex;
		return p->ifindex;
	case BPF_LINK_TYPE_TCX:
		p->attach_type = l->tcx.attach_type;
		p->ifindex = l->tcx.ifindex;
		return p->ifindex;
	case BPF_LINK_TYPE_NETKIT:
		p->attach_type = l->netkit.attach_type;
		p->ifindex = l->netkit.ifindex;
		return p->ifindex;
	case BPF_LINK_TYPE_KPROBE_MULTI:
		p->hook = multi_hook(l->kprobe_multi.flags &
						     BPF_F_KPROBE_MULTI_RETURN ?
					     "kretprobe.multi" :
					     "kprobe.multi",
				     l->kprobe_multi.count);
		if (l->kprobe_multi.count)
			find_functions(p, fd, l->kprobe_multi.count);
		return true;
	case BPF_LINK_TYPE_UPROBE_MULTI:
		p->hook = multi_hook(l->uprobe_multi.flags &
						     BPF_F_UPROBE_MULTI_RETURN ?
					     "uretprobe.multi" :
					     "uprobe.multi",
				     l->uprobe_multi.count);
		return true;
	case BPF_LINK_TYPE_PERF_EVENT:
		p->hook = perf_hook(l, name);
		return p->hook;
	case BPF_LINK_TYPE_NETFILTER:
		p->hook = place_text("netfilter");
		return true;
	default:
		return false;
	}
}

/* Links whose info copies a name to where the caller says, and where to say. */
static const struct {
	enum bpf_link_type type;
	u32 perf_type;
	size_t name, len;
} named_links[] = {
#define NAMED(type, perf_type, name, len)                        \
	{ type, perf_type, offsetof(struct bpf_link_info, name), \
	  offsetof(struct bpf_link_info, len) }
	NAMED(BPF_LINK_TYPE_RAW_TRACEPOINT, 0, raw_tracepoint.tp_name,
	      raw_tracepoint.tp_name_len),
	NAMED(BPF_LINK_TYPE_ITER, 0, iter.target_name, iter.target_name_len),
	NAMED(BPF_LINK_TYPE_PERF_EVENT, BPF_PERF_EVENT_TRACEPOINT,
	      perf_event.tracepoint.tp_name, perf_event.tracepoint.name_len),
	NAMED(BPF_LINK_TYPE_PERF_EVENT, BPF_PERF_EVENT_KPROBE,
	      perf_event.kprobe.func_name, perf_event.kprobe.name_len),
	NAMED(BPF_LINK_TYPE_PERF_EVENT, BPF_PERF_EVENT_KRETPROBE,
	      perf_event.kprobe.func_name, perf_event.kprobe.name_len),
	NAMED(BPF_LINK_TYPE_PERF_EVENT, BPF_PERF_EVENT_UPROBE,
	      perf_event.uprobe.file_name, perf_event.uprobe.name_len),
	NAMED(BPF_LINK_TYPE_PERF_EVENT, BPF_PERF_EVENT_URETPROBE,
	      perf_event.uprobe.file_name, perf_event.uprobe.name_len),
#undef NAMED
};

/* Asks twice: what kind of link it is decides where its name is to go. */
static void read_link(struct places *places, int fd)
{
	struct bpf_link_info l = {}, named = {};
	struct place p = { .via = VIA_LINK };
	u32 len = sizeof(l);
	char name[NAME_LEN] = "";

	if (bpf_link_get_info_by_fd(fd, &l, &len))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(named_links); i++) {
		u32 perf = l.type == BPF_LINK_TYPE_PERF_EVENT ?
				   l.perf_event.type :
				   0;

		if (named_links[i].type != l.type ||
		    named_links[i].perf_type != perf)
			continue;
		*(__u64 *)((char *)&named + named_links[i].name) =
			(uintptr_t)name;
		*(__u32 *)((char *)&named + named_links[i].len) = sizeof(name);
		len = sizeof(named);
		if (!bpf_link_get_info_by_fd(fd, &named, &len))
			l = named;
		break;
	}
	name[sizeof(name) - 1] = '\0';
	p.prog_id = l.prog_id;
	p.link_id = l.id;
	p.link_type = l.type;
	if (take_link(&p, fd, &l, name))
		places_add(places, &p);
	else
		free(p.hook);
}

void find_links(struct places *places)
{
	u32 id = 0;

	while (!bpf_link_get_next_id(id, &id)) {
		int fd = bpf_link_get_fd_by_id(id);

		if (fd < 0)
			continue;
		read_link(places, fd);
		close(fd);
	}
}
