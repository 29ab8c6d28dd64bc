// SPDX-License-Identifier: GPL-2.0
/* Where programs are attached, in the spelling of SEC(). Links say where; what
 * is attached without one (XDP by netlink, tc filters, sockets) is found where
 * the kernel can be asked, and named by its type where it cannot.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <glob.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "progs/hooks.h"
#include "progs/sections.h"

#define NAME_LEN 256
#define VMLINUX_BTF_ID 1

struct hook {
	u32 prog_id, order; /* as the kernel lists them */
	char *text; /* NULL: attach_type at what the program's BTF id names */
	enum bpf_attach_type attach_type;
};

struct hooks {
	struct hook *hooks; /* sorted by program once all are there */
	size_t n, size;
	void **given; /* what hooks_of() gave out: lists and texts */
	size_t n_given;
};

static int hooks_add(struct hooks *hooks, u32 prog_id, char *text,
		     enum bpf_attach_type attach)
{
	struct hook *all = hooks->hooks;

	if (hooks->n == hooks->size) {
		all = reallocarray(all, 2 * hooks->size + 64, sizeof(*all));
		if (!all) {
			free(text);
			return -1;
		}
		hooks->hooks = all;
		hooks->size = 2 * hooks->size + 64;
	}
	all[hooks->n] = (struct hook){ prog_id, hooks->n, text, attach };
	hooks->n++;
	return 0;
}

static void add_at(struct hooks *hooks, u32 prog_id, const char *section,
		   const char *at)
{
	char *text;

	if (asprintf(&text, at && *at ? "%s/%s" : "%s", section, at) >= 0)
		hooks_add(hooks, prog_id, text, 0);
}

static void add_device(struct hooks *hooks, u32 prog_id, const char *section,
		       u32 ifindex)
{
	char dev[IF_NAMESIZE];

	/* a device of another network namespace has a number only */
	if (!if_indextoname(ifindex, dev))
		snprintf(dev, sizeof(dev), "%u", ifindex);
	add_at(hooks, prog_id, section, dev);
}

static void add_probe(struct hooks *hooks, u32 prog_id, const char *section,
		      const char *at, u32 offset)
{
	char text[NAME_LEN + 16];

	snprintf(text, sizeof(text), offset ? "%s+0x%x" : "%s", at, offset);
	add_at(hooks, prog_id, section, text);
}

static void add_multi(struct hooks *hooks, u32 prog_id, const char *section,
		      u32 count)
{
	char text[32];

	snprintf(text, sizeof(text), "(%u)", count);
	add_at(hooks, prog_id, section, text);
}

/* The kernel tells the event only; tracefs, if we may look, its category. */
static void add_tracepoint(struct hooks *hooks, u32 prog_id, const char *name)
{
	static const char events[] = "/sys/kernel/tracing/events/";
	char pattern[NAME_LEN + sizeof(events) + 2];
	glob_t found = {};

	snprintf(pattern, sizeof(pattern), "%s*/%s", events, name);
	if (!glob(pattern, GLOB_NOSORT, NULL, &found) && found.gl_pathc == 1)
		name = found.gl_pathv[0] + strlen(events);
	add_at(hooks, prog_id, "tp", name);
	globfree(&found);
}

static void add_perf_event(struct hooks *hooks, const struct bpf_link_info *l,
			   const char *name)
{
	switch (l->perf_event.type) {
	case BPF_PERF_EVENT_KPROBE:
	case BPF_PERF_EVENT_KRETPROBE:
		add_probe(hooks, l->prog_id,
			  l->perf_event.type == BPF_PERF_EVENT_KPROBE ?
				  "kprobe" :
				  "kretprobe",
			  name, l->perf_event.kprobe.offset);
		break;
	case BPF_PERF_EVENT_UPROBE:
	case BPF_PERF_EVENT_URETPROBE:
		add_probe(hooks, l->prog_id,
			  l->perf_event.type == BPF_PERF_EVENT_UPROBE ?
				  "uprobe" :
				  "uretprobe",
			  name, l->perf_event.uprobe.offset);
		break;
	case BPF_PERF_EVENT_TRACEPOINT:
		add_tracepoint(hooks, l->prog_id, name);
		break;
	default:
		add_at(hooks, l->prog_id, "perf_event", NULL);
	}
}

static void add_link(struct hooks *hooks, const struct bpf_link_info *l,
		     const char *name)
{
	switch (l->type) {
	case BPF_LINK_TYPE_RAW_TRACEPOINT:
		add_at(hooks, l->prog_id, "raw_tp", name);
		return;
	case BPF_LINK_TYPE_TRACING:
		hooks_add(hooks, l->prog_id, NULL, l->tracing.attach_type);
		return;
	case BPF_LINK_TYPE_ITER:
		add_at(hooks, l->prog_id, "iter", name);
		return;
	case BPF_LINK_TYPE_CGROUP:
		if (l->cgroup.attach_type == BPF_LSM_CGROUP) {
			hooks_add(hooks, l->prog_id, NULL, BPF_LSM_CGROUP);
			return;
		}
		add_at(hooks, l->prog_id,
		       section_of_attach(l->cgroup.attach_type), NULL);
		return;
	case BPF_LINK_TYPE_NETNS:
		add_at(hooks, l->prog_id,
		       section_of_attach(l->netns.attach_type), NULL);
		return;
	case BPF_LINK_TYPE_SOCKMAP:
		add_at(hooks, l->prog_id,
		       section_of_attach(l->sockmap.attach_type), NULL);
		return;
	case BPF_LINK_TYPE_XDP:
		add_device(hooks, l->prog_id, "xdp", l->xdp.ifindex);
		return;
	case BPF_LINK_TYPE_TCX:
		add_device(hooks, l->prog_id,
			   section_of_attach(l->tcx.attach_type),
			   l->tcx.ifindex);
		return;
	case BPF_LINK_TYPE_NETKIT:
		add_device(hooks, l->prog_id,
			   section_of_attach(l->netkit.attach_type),
			   l->netkit.ifindex);
		return;
	case BPF_LINK_TYPE_KPROBE_MULTI:
		add_multi(hooks, l->prog_id,
			  l->kprobe_multi.flags & BPF_F_KPROBE_MULTI_RETURN ?
				  "kretprobe.multi" :
				  "kprobe.multi",
			  l->kprobe_multi.count);
		return;
	case BPF_LINK_TYPE_UPROBE_MULTI:
		add_multi(hooks, l->prog_id,
			  l->uprobe_multi.flags & BPF_F_UPROBE_MULTI_RETURN ?
				  "uretprobe.multi" :
				  "uprobe.multi",
			  l->uprobe_multi.count);
		return;
	case BPF_LINK_TYPE_PERF_EVENT:
		add_perf_event(hooks, l, name);
		return;
	case BPF_LINK_TYPE_NETFILTER:
		add_at(hooks, l->prog_id, "netfilter", NULL);
		return;
	default:
		return;
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
static void read_link(struct hooks *hooks, int fd)
{
	struct bpf_link_info l = {}, named = {};
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
	add_link(hooks, &l, name);
}

static void read_xdp(struct hooks *hooks)
{
	struct if_nameindex *devs = if_nameindex();

	for (struct if_nameindex *d = devs; d && d->if_index; d++) {
		LIBBPF_OPTS(bpf_xdp_query_opts, q);
		u32 ids[3];

		if (bpf_xdp_query(d->if_index, 0, &q))
			continue;
		ids[0] = q.drv_prog_id;
		ids[1] = q.skb_prog_id;
		ids[2] = q.hw_prog_id;
		for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
			if (ids[i])
				add_at(hooks, ids[i], "xdp", d->if_name);
	}
	if (devs)
		if_freenameindex(devs);
}

static int hooks_compare(const void *a, const void *b)
{
	const struct hook *x = a, *y = b;

	if (x->prog_id != y->prog_id)
		return x->prog_id < y->prog_id ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

struct hooks *hooks_load(void)
{
	struct hooks *hooks = calloc(1, sizeof(*hooks));
	u32 id = 0;

	if (!hooks)
		return NULL;
	while (!bpf_link_get_next_id(id, &id)) {
		int fd = bpf_link_get_fd_by_id(id);

		if (fd < 0)
			continue;
		read_link(hooks, fd);
		close(fd);
	}
	read_xdp(hooks);
	if (hooks->n)
		qsort(hooks->hooks, hooks->n, sizeof(*hooks->hooks),
		      hooks_compare);
	return hooks;
}

void hooks_free(struct hooks *hooks)
{
	if (!hooks)
		return;
	for (size_t i = 0; i < hooks->n; i++)
		free(hooks->hooks[i].text);
	for (size_t i = 0; i < hooks->n_given; i++)
		free(hooks->given[i]);
	free(hooks->given);
	free(hooks->hooks);
	free(hooks);
}

/* bpf_lsm_file_open to file_open: the kernel's functions that stand for hooks. */
static const char *strip(const char *name)
{
	static const char *const prefixes[] = { "bpf_lsm_", "btf_trace_",
						"bpf_iter_" };

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (!strncmp(name, prefixes[i], strlen(prefixes[i])))
			return name + strlen(prefixes[i]);
	return name;
}

static char *btf_hook(struct btfs *btfs, const struct bpf_prog_info *info,
		      enum bpf_attach_type attach)
{
	const char *at =
		btfs_name(btfs, info->attach_btf_obj_id, info->attach_btf_id);
	const char *section = info->type == BPF_PROG_TYPE_EXT ?
				      "freplace" :
				      section_of_attach(attach);
	char *text;

	if (asprintf(&text, at ? "%s/%s" : "%s", section, strip(at ? at : "")) <
	    0)
		return NULL;
	return text;
}

/* Keeps what is given out; frees it and returns NULL if it cannot. */
static void *hooks_give(struct hooks *hooks, void *what)
{
	void **all =
		reallocarray(hooks->given, hooks->n_given + 1, sizeof(*all));

	if (all)
		hooks->given = all;
	if (!all || !what) {
		free(what);
		return NULL;
	}
	return all[hooks->n_given++] = what;
}

/* It has no link of its own: its map holds it. */
static const char *struct_ops_hook(struct hooks *hooks, struct btfs *btfs,
				   const struct bpf_prog_info *info)
{
	const char *at = btfs_name(btfs,
				   info->attach_btf_obj_id ?
					   info->attach_btf_obj_id :
					   VMLINUX_BTF_ID,
				   info->attach_btf_id);
	char *text;

	if (asprintf(&text, at ? "struct_ops/%s" : "struct_ops", at) < 0)
		text = NULL;
	return hooks_give(hooks, text);
}

static bool is_in(const char *const *list, size_t n, const char *text)
{
	while (n--)
		if (!strcmp(list[n], text))
			return true;
	return false;
}

const char *const *hooks_of(struct hooks *hooks, struct btfs *btfs,
			    const struct bpf_prog_info *info)
{
	static const char *const none[] = { NULL };
	size_t low = 0, high = hooks->n, end, n = 0;
	const char **list, *at;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (hooks->hooks[mid].prog_id < info->id)
			low = mid + 1;
		else
			high = mid;
	}
	for (end = low;
	     end < hooks->n && hooks->hooks[end].prog_id == info->id;)
		end++;
	list = hooks_give(hooks, calloc(end - low + 2, sizeof(*list)));
	if (!list)
		return none;
	for (; low < end; low++) {
		struct hook *h = &hooks->hooks[low];

		if (!h->text)
			h->text = btf_hook(btfs, info, h->attach_type);
		/* the same kind of link, but a program with BTF types */
		if (h->text && info->type == BPF_PROG_TYPE_TRACING &&
		    !strncmp(h->text, "raw_tp/", 7)) {
			free(h->text);
			h->text = btf_hook(btfs, info, BPF_TRACE_RAW_TP);
		}
		if (h->text && !is_in(list, n, h->text))
			list[n++] = h->text;
	}
	if (info->type == BPF_PROG_TYPE_STRUCT_OPS && info->attach_btf_id) {
		at = struct_ops_hook(hooks, btfs, info);
		if (at && !is_in(list, n, at))
			list[n++] = at;
	}
	if (!n)
		list[0] = section_of_linkless(info->type);
	return list;
}
