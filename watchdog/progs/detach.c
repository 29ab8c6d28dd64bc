// SPDX-License-Identifier: GPL-2.0
/* Taking a program off the places where it is attached: as whoever attached it would,
 * and never another program that has taken its place meanwhile.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "progs/detach.h"
#include "progs/finders.h"
#include "progs/holders.h"
#include "progs/rtnl.h"

struct job {
	const struct prog *prog;
	int fd; /* of the program */
	const struct place *place;
	bool dry_run;
	struct detached *d;
};

__attribute__((format(printf, 3, 4))) static void say(char *buf, size_t size,
						      const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf, size, fmt, ap);
	va_end(ap);
}

#define SAY(field, ...) say(field, sizeof(field), __VA_ARGS__)

/* What is to be done, in one word and in words. */
static void plan(struct job *j, const char *how, const char *what)
{
	SAY(j->d->how, "%s", how);
	SAY(j->d->what, "%s", what);
}

static void finish(struct job *j, int err)
{
	j->d->done = !err;
	j->d->err = -err;
	if (err)
		SAY(j->d->what, "%s", strerror(-err));
}

static int with_fd(int fd, int err)
{
	if (fd >= 0)
		close(fd);
	return err;
}

/* ---- Links ---- */

/* Those that the kernel detaches from what they are attached to. */
static bool can_detach(enum bpf_link_type type)
{
	switch (type) {
	case BPF_LINK_TYPE_CGROUP:
	case BPF_LINK_TYPE_NETNS:
	case BPF_LINK_TYPE_XDP:
	case BPF_LINK_TYPE_TCX:
	case BPF_LINK_TYPE_NETKIT:
	case BPF_LINK_TYPE_NETFILTER:
	case BPF_LINK_TYPE_SOCKMAP:
	case BPF_LINK_TYPE_STRUCT_OPS:
		return true;
	default:
		return false;
	}
}

static int link_detach(u32 id)
{
	int fd = bpf_link_get_fd_by_id(id);

	/* gone meanwhile, and with it the attachment */
	if (fd == -ENOENT)
		return 0;
	return fd < 0 ? fd : with_fd(fd, bpf_link_detach(fd));
}

static const struct holder *next_holder(const struct job *j, size_t *i,
					bool process)
{
	for (; *i < j->prog->n_holders; ++*i) {
		const struct holder *h = &j->prog->holders[*i];

		if (h->by == BY_LINK && h->id == j->place->link_id &&
		    !!h->pid == process)
			return &j->prog->holders[(*i)++];
	}
	return NULL;
}

/* Nothing detaches a tracing link but its last reference: take the pins, unless a
 * process has it as well, with which it would stay.
 */
static void release_link(struct job *j)
{
	size_t i = 0;
	const struct holder *h = next_holder(j, &i, true);
	int err = 0;

	if (h) {
		j->d->err = EBUSY;
		SAY(j->d->what, "link %u is held by %s[%u]", j->place->link_id,
		    h->name ? h->name : "?", h->pid);
		SAY(j->d->hint, "kill %u", h->pid);
		return;
	}
	i = 0;
	h = next_holder(j, &i, false);
	if (!h) {
		j->d->err = EOPNOTSUPP;
		SAY(j->d->what,
		    "the kernel detaches no such link, and nobody is seen to "
		    "hold link %u",
		    j->place->link_id);
		return;
	}
	SAY(j->d->how, "unpin");
	for (; h && !err; h = next_holder(j, &i, false)) {
		size_t len = strlen(j->d->what);

		snprintf(j->d->what + len, sizeof(j->d->what) - len, "%s%s",
			 len ? ", " : "removed its pin ", h->name);
		if (!j->dry_run && h->name && unlink(h->name))
			err = -errno;
	}
	finish(j, err);
}

static void detach_link(struct job *j)
{
	int err;

	if (!can_detach(j->place->link_type)) {
		release_link(j);
		return;
	}
	plan(j, "link_detach", "detached its link");
	err = j->dry_run ? 0 : link_detach(j->place->link_id);
	/* an older kernel */
	if (err == -EOPNOTSUPP)
		release_link(j);
	else
		finish(j, err);
}

/* ---- Without a link ---- */

static int xdp_off(const struct job *j)
{
	LIBBPF_OPTS(bpf_xdp_attach_opts, opts, .old_prog_fd = j->fd);

	return bpf_xdp_attach(j->place->ifindex, -1,
			      j->place->xdp_flags | XDP_FLAGS_REPLACE, &opts);
}

static int filter_off(const struct job *j)
{
	const struct place *p = j->place;
	struct tcmsg which = { .tcm_ifindex = p->tc.ifindex,
			       .tcm_parent = p->tc.parent,
			       .tcm_handle = p->tc.handle,
			       .tcm_info = p->tc.info };

	return rtnl_delete_filter(&which, "bpf", p->tc.chain);
}

static int device_off(void *arg)
{
	const struct job *j = arg;
	LIBBPF_OPTS(bpf_prog_detach_opts, opts);

	switch (j->place->via) {
	case VIA_XDP:
		return xdp_off(j);
	case VIA_TC:
		return filter_off(j);
	case VIA_FILE: /* of the flow dissector, which has no descriptor */
		return bpf_prog_detach2(j->fd, 0, j->place->attach_type);
	default:
		return bpf_prog_detach_opts(j->fd, j->place->ifindex,
					    j->place->attach_type, &opts);
	}
}

static void detach_device(struct job *j, const char *how)
{
	plan(j, how, "detached");
	if (j->dry_run)
		finish(j, 0);
	else if (j->place->netns)
		finish(j, in_netns(j->place->path, device_off, j));
	else
		finish(j, device_off(j));
}

static int file_off(const struct job *j)
{
	int fd = open(j->place->path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return with_fd(fd, bpf_prog_detach2(j->fd, fd, j->place->attach_type));
}

static void detach_file(struct job *j)
{
	if (j->place->attach_type == BPF_FLOW_DISSECTOR) {
		detach_device(j, "prog_detach");
		return;
	}
	plan(j, "prog_detach", "detached");
	finish(j, j->dry_run ? 0 : file_off(j));
}

static int sockmap_off(const struct job *j)
{
	int fd = bpf_map_get_fd_by_id(j->place->map_id);

	return fd < 0 ? fd :
			with_fd(fd, bpf_prog_detach2(j->fd, fd,
						     j->place->attach_type));
}

/* ---- Entries of maps ---- */

/* A struct_ops map that a link has registered goes by that link. */
static int struct_ops_link_off(u32 map_id)
{
	u32 id = 0;

	while (!bpf_link_get_next_id(id, &id)) {
		struct bpf_link_info l = {};
		u32 len = sizeof(l);
		int fd = bpf_link_get_fd_by_id(id), err;

		if (fd < 0)
			continue;
		err = bpf_link_get_info_by_fd(fd, &l, &len);
		if (!err && l.type == BPF_LINK_TYPE_STRUCT_OPS &&
		    l.struct_ops.map_id == map_id)
			return with_fd(fd, bpf_link_detach(fd));
		close(fd);
	}
	/* it is registered no longer */
	return 0;
}

static int entry_off(const struct job *j)
{
	int fd = bpf_map_get_fd_by_id(j->place->map_id), err;
	u32 id;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	/* of a program array the entry may be another program's by now */
	if (j->prog->info.type != BPF_PROG_TYPE_STRUCT_OPS &&
	    (bpf_map_lookup_elem(fd, &j->place->key, &id) ||
	     id != j->prog->info.id))
		return with_fd(fd, 0);
	err = bpf_map_delete_elem(fd, &j->place->key);
	if (err == -EOPNOTSUPP &&
	    j->prog->info.type == BPF_PROG_TYPE_STRUCT_OPS)
		err = struct_ops_link_off(j->place->map_id);
	return with_fd(fd, err == -ENOENT ? 0 : err);
}

static void detach_entry(struct job *j)
{
	const struct place *p = j->place;

	if (p->hook && !strncmp(p->hook, "xdp/", 4)) {
		j->d->err = EOPNOTSUPP;
		SAY(j->d->what,
		    "without entry %u of map %u %s, packets would go nowhere",
		    p->key, p->map_id, p->map);
		SAY(j->d->hint, "bpftool map update id %u, with a new value",
		    p->map_id);
		return;
	}
	plan(j, "map_delete", "");
	SAY(j->d->what, "removed from map %u %s", p->map_id, p->map);
	finish(j, j->dry_run ? 0 : entry_off(j));
}

static void keep_event(struct job *j)
{
	const struct place *p = j->place;
	const char *name = "?";

	for (size_t i = 0; i < j->prog->n_holders; i++)
		if (j->prog->holders[i].pid == p->pid &&
		    j->prog->holders[i].name)
			name = j->prog->holders[i].name;
	j->d->err = EBUSY;
	SAY(j->d->what, "a perf event of %s[%u] has it, without a link", name,
	    p->pid);
	SAY(j->d->hint, "kill %u", p->pid);
}

void detach_place(const struct prog *prog, int fd, const struct place *place,
		  bool dry_run, struct detached *d)
{
	struct job j = { prog, fd, place, dry_run, d };

	*d = (struct detached){ .place = place };
	switch (place->via) {
	case VIA_LINK:
		detach_link(&j);
		break;
	case VIA_XDP:
	case VIA_TC:
		detach_device(&j, "netlink");
		break;
	case VIA_DEVICE:
		detach_device(&j, "prog_detach");
		break;
	case VIA_FILE:
		detach_file(&j);
		break;
	case VIA_SOCKMAP:
		plan(&j, "prog_detach", "detached");
		finish(&j, dry_run ? 0 : sockmap_off(&j));
		break;
	case VIA_ENTRY:
		detach_entry(&j);
		break;
	case VIA_EVENT:
		keep_event(&j);
		break;
	}
}
