// SPDX-License-Identifier: GPL-2.0
/* Where programs are attached to devices and network namespaces. The number of a
 * device says nothing without its namespace, and a link does not tell that: so each
 * namespace that can be entered is asked what it has.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/if_link.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "progs/finders.h"
#include "progs/rtnl.h"
#include "progs/sections.h"

#define MAX_PROGS 64 /* at one device, in one direction */

struct net {
	struct places *places;
	u64 types;
	const char *path, *name; /* of the namespace, NULL: ours */
	struct if_nameindex *devs;
	const struct if_nameindex *dev; /* whose filters are read */
	u64 *seen; /* inodes of the namespaces so far */
	size_t n_seen;
};

/* A place at a device: what its link left open, or one of its own. */
static void take_device(struct net *net, struct place p,
			const struct if_nameindex *dev)
{
	const char *section = section_of_attach(p.attach_type);

	p.ifindex = dev->if_index;
	for (size_t i = 0; i < net->places->n; i++) {
		struct place *at = &net->places->all[i];

		if (at->via != VIA_LINK || at->device ||
		    at->ifindex != p.ifindex || at->prog_id != p.prog_id ||
		    at->attach_type != p.attach_type ||
		    (p.link_id && p.link_id != at->link_id))
			continue;
		at->device = strdup(dev->if_name);
		at->netns = place_copy(net->name);
		at->hook = place_text("%s/%s", section, dev->if_name);
		return;
	}
	/* of a link that has come meanwhile */
	if (p.link_id)
		return;
	p.device = strdup(dev->if_name);
	p.netns = place_copy(net->name);
	p.path = place_copy(net->path);
	p.hook = place_text("%s/%s", section, dev->if_name);
	places_add(net->places, &p);
}

static void read_xdp(struct net *net, const struct if_nameindex *dev)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, q);
	struct place p = { .via = VIA_XDP, .attach_type = BPF_XDP };

	if (bpf_xdp_query(dev->if_index, 0, &q))
		return;
	const struct {
		u32 id, flags;
	} modes[] = { { q.drv_prog_id, XDP_FLAGS_DRV_MODE },
		      { q.skb_prog_id, XDP_FLAGS_SKB_MODE },
		      { q.hw_prog_id, XDP_FLAGS_HW_MODE } };

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		p.prog_id = modes[i].id;
		p.xdp_flags = modes[i].flags;
		if (p.prog_id)
			take_device(net, p, dev);
	}
}

static void read_mprog(struct net *net, const struct if_nameindex *dev,
		       enum bpf_attach_type type)
{
	u32 progs[MAX_PROGS], links[MAX_PROGS];
	LIBBPF_OPTS(bpf_prog_query_opts, q, .prog_ids = progs,
		    .link_ids = links, .count = MAX_PROGS);

	if (bpf_prog_query_opts(dev->if_index, type, &q))
		return;
	for (u32 i = 0; i < q.count; i++) {
		struct place p = { .via = VIA_DEVICE,
				   .attach_type = type,
				   .prog_id = progs[i],
				   .link_id = links[i] };

		take_device(net, p, dev);
	}
}

static void take_filter(const struct tcmsg *tcm, struct rtattr **attrs,
			void *arg)
{
	struct net *net = arg;
	struct rtattr *of[TCA_BPF_MAX + 1];
	struct place p = { .via = VIA_TC };

	if (!attrs[TCA_KIND] || !attrs[TCA_OPTIONS] ||
	    strcmp(RTA_DATA(attrs[TCA_KIND]), "bpf"))
		return;
	rtnl_attrs(of, TCA_BPF_MAX, RTA_DATA(attrs[TCA_OPTIONS]),
		   RTA_PAYLOAD(attrs[TCA_OPTIONS]));
	if (!of[TCA_BPF_ID])
		return;
	p.prog_id = *(u32 *)RTA_DATA(of[TCA_BPF_ID]);
	p.ifindex = net->dev->if_index;
	p.device = strdup(net->dev->if_name);
	p.netns = place_copy(net->name);
	p.path = place_copy(net->path);
	/* the policy's name for it: a block is one place for all its devices */
	p.hook = tcm->tcm_ifindex == (int)TCM_IFINDEX_MAGIC_BLOCK ?
			 place_text("tc/block%u", tcm->tcm_block_index) :
			 place_text("tc/%s", net->dev->if_name);
	p.tc.ifindex = tcm->tcm_ifindex;
	p.tc.parent = tcm->tcm_parent;
	p.tc.handle = tcm->tcm_handle;
	p.tc.info = tcm->tcm_info;
	if (attrs[TCA_CHAIN])
		p.tc.chain = *(u32 *)RTA_DATA(attrs[TCA_CHAIN]);
	places_add(net->places, &p);
}

static void take_qdisc(const struct tcmsg *tcm, struct rtattr **attrs,
		       void *arg)
{
	struct net *net = arg;
	struct tcmsg which = { .tcm_ifindex = tcm->tcm_ifindex,
			       .tcm_parent = tcm->tcm_handle };

	for (net->dev = net->devs; net->dev->if_index; net->dev++)
		if ((int)net->dev->if_index == tcm->tcm_ifindex)
			break;
	if (!net->dev->if_index || !attrs[TCA_KIND])
		return;
	if (strcmp(RTA_DATA(attrs[TCA_KIND]), "clsact")) {
		/* without a handle it has no filters */
		if (tcm->tcm_handle)
			rtnl_dump(RTM_GETTFILTER, &which, take_filter, net);
		return;
	}
	which.tcm_parent = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS);
	rtnl_dump(RTM_GETTFILTER, &which, take_filter, net);
	which.tcm_parent = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS);
	rtnl_dump(RTM_GETTFILTER, &which, take_filter, net);
}

static void read_netns(struct net *net)
{
	const char *path = net->path ? net->path : "/proc/self/ns/net";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return;
	if (!fstat(fd, &st))
		find_at_file(net->places, fd, BPF_FLOW_DISSECTOR,
			     &(struct place){ .via = VIA_FILE,
					      .inode = st.st_ino,
					      .netns = (char *)net->name,
					      .path = (char *)path });
	close(fd);
}

static int read_net(void *arg)
{
	static const struct tcmsg all = {};
	struct net *net = arg;

	net->devs = if_nameindex();
	for (const struct if_nameindex *d = net->devs; d && d->if_index; d++) {
		if (net->types & PROG_TYPE_BIT(BPF_PROG_TYPE_XDP))
			read_xdp(net, d);
		if (!(net->types & PROG_TYPE_BIT(BPF_PROG_TYPE_SCHED_CLS)))
			continue;
		read_mprog(net, d, BPF_TCX_INGRESS);
		read_mprog(net, d, BPF_TCX_EGRESS);
		read_mprog(net, d, BPF_NETKIT_PRIMARY);
		read_mprog(net, d, BPF_NETKIT_PEER);
	}
	if (net->devs && net->types & PROG_TYPE_BIT(BPF_PROG_TYPE_SCHED_CLS))
		rtnl_dump(RTM_GETQDISC, &all, take_qdisc, net);
	if (net->devs)
		if_freenameindex(net->devs);
	if (net->types & PROG_TYPE_BIT(BPF_PROG_TYPE_FLOW_DISSECTOR))
		read_netns(net);
	return 0;
}

int in_netns(const char *path, int (*fn)(void *arg), void *arg)
{
	int ours = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int err = 0;

	if (ours < 0 || fd < 0 || setns(fd, CLONE_NEWNET)) {
		err = -errno;
	} else {
		err = fn(arg);
		/* what comes next would be of another network */
		if (setns(ours, CLONE_NEWNET))
			abort();
	}
	if (fd >= 0)
		close(fd);
	if (ours >= 0)
		close(ours);
	return err;
}

/* Is it one that was not there yet? */
static bool net_fresh(struct net *net, u64 inode)
{
	u64 *seen;

	for (size_t i = 0; i < net->n_seen; i++)
		if (net->seen[i] == inode)
			return false;
	seen = reallocarray(net->seen, net->n_seen + 1, sizeof(*seen));
	if (!seen)
		return false;
	net->seen = seen;
	seen[net->n_seen++] = inode;
	return true;
}

static void name_netns_links(struct net *net, u64 inode)
{
	for (size_t i = 0; i < net->places->n; i++) {
		struct place *p = &net->places->all[i];

		if (p->via == VIA_LINK && p->link_type == BPF_LINK_TYPE_NETNS &&
		    p->inode == inode)
			p->netns = place_copy(net->name);
	}
}

static void find_elsewhere(struct net *net, const char *pattern)
{
	glob_t found = {};

	if (glob(pattern, GLOB_NOSORT, NULL, &found))
		found.gl_pathc = 0;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		const char *path = found.gl_pathv[i];
		char name[32];
		struct stat st;

		if (stat(path, &st) || !net_fresh(net, st.st_ino))
			continue;
		snprintf(name, sizeof(name), "%llu",
			 (unsigned long long)st.st_ino);
		/* ip-netns(8) gives them names */
		net->name = strncmp(path, "/proc/", 6) ?
				    strrchr(path, '/') + 1 :
				    name;
		net->path = path;
		in_netns(path, read_net, net);
		name_netns_links(net, st.st_ino);
	}
	globfree(&found);
}

/* A device of a namespace that cannot be entered has a number only. */
static void name_the_rest(struct places *places)
{
	for (size_t i = 0; i < places->n; i++) {
		struct place *p = &places->all[i];

		if (!p->ifindex || p->device)
			continue;
		p->device = place_text("%u", p->ifindex);
		p->hook = place_text("%s/%u", section_of_attach(p->attach_type),
				     p->ifindex);
	}
}

void find_net(struct places *places, u64 types)
{
	struct net net = { .places = places, .types = types };
	struct stat st;

	if (types & (PROG_TYPE_BIT(BPF_PROG_TYPE_XDP) |
		     PROG_TYPE_BIT(BPF_PROG_TYPE_SCHED_CLS) |
		     PROG_TYPE_BIT(BPF_PROG_TYPE_FLOW_DISSECTOR) |
		     PROG_TYPE_BIT(BPF_PROG_TYPE_SK_LOOKUP))) {
		if (!stat("/proc/self/ns/net", &st))
			net_fresh(&net, st.st_ino);
		read_net(&net);
		find_elsewhere(&net, "/run/netns/*");
		find_elsewhere(&net, "/proc/[0-9]*/ns/net");
		free(net.seen);
	}
	name_the_rest(places);
}
