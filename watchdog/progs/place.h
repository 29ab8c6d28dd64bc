/* SPDX-License-Identifier: GPL-2.0 */
/* A place where a program is attached: what one link, one filter of tc, one entry
 * of a cgroup and so on is to it.
 */
#ifndef BPFWD_PLACE_H
#define BPFWD_PLACE_H

#include <jansson.h>
#include <linux/bpf.h>
#include "show/types.h"

/* How it was attached, so how it is taken off. */
enum place_via {
	VIA_LINK,
	VIA_XDP, /* netlink, of a device */
	VIA_TC, /* netlink, a filter */
	VIA_DEVICE, /* BPF_PROG_ATTACH to a device: tcx, netkit */
	VIA_FILE, /* BPF_PROG_ATTACH to what a path names: cgroup, netns, lirc */
	VIA_SOCKMAP, /* BPF_PROG_ATTACH to a map */
	VIA_ENTRY, /* an entry of a map of programs */
	VIA_EVENT, /* ioctl() of a perf event that a process holds */
};

struct place {
	u32 prog_id, order; /* as the kernel lists them */
	enum place_via via;
	enum bpf_attach_type attach_type;
	char *hook; /* as SEC() spells it; NULL: attach_type at its BTF id */
	u32 link_id; /* VIA_LINK */
	enum bpf_link_type link_type;
	u32 target_id,
		target_type; /* of an extension: a program, and its function's BTF id */
	u32 ifindex;
	char *device; /* its name, or its number where that is unknown */
	char *netns; /* its name or inode; NULL: ours */
	char *path; /* to open: of the cgroup, of the network namespace */
	u64 inode; /* of the cgroup, of the network namespace */
	char *cgroup; /* below the mount */
	char **funcs; /* of kprobe.multi */
	u32 n_funcs;
	u32 map_id, key;
	char *map;
	u32 pid, fd;
	u32 xdp_flags;
	struct {
		u32 ifindex, parent, handle, info, chain;
	} tc;
};

struct places {
	struct place *all;
	size_t n, size;
};

/* Takes over what the place points to, also if it fails. */
int places_add(struct places *places, const struct place *place);
/* printf(), NULL without memory. */
char *place_text(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
char *place_copy(const char *text); /* NULL of NULL */
/* By program, then in the order in which they were found. */
void places_sort(struct places *places);
/* The first place of a program, of *n. */
const struct place *places_of(const struct places *places, u32 prog_id,
			      size_t *n);
void places_clear(struct places *places);

/* The hook, and of which network namespace or cgroup; to be freed. */
char *place_name(const struct place *place);
/* As shape.h has it. */
#define PLACE_KEYS                                                              \
	"via:s hook?:s device?:s netns?:s cgroup?:s functions?:[s] link_id?:i " \
	"link_type?:s map_id?:i map?:s pid?:i"
json_t *place_json(const struct place *place);

#endif
