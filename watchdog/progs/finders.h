/* SPDX-License-Identifier: GPL-2.0 */
/* Who finds the places where programs are attached: one function for each way in
 * which the kernel can be asked. What it does not tell, or not us, is left out.
 */
#ifndef BPFWD_FINDERS_H
#define BPFWD_FINDERS_H

#include "progs/place.h"

/* Types of programs, to ask only for what is loaded. */
#define PROG_TYPE_BIT(type) (1ULL << (type))

/* All links. */
void find_links(struct places *places);
/* XDP, tcx, netkit, filters of tc and network namespaces; gives the links of
 * devices their device and namespace.
 */
void find_net(struct places *places, u64 types);
/* Cgroups; gives their links the path. */
void find_cgroups(struct places *places, u64 types);
void find_lirc(struct places *places, u64 types);
/* Sockmaps, and the entries of program arrays, devmaps and struct_ops maps. */
struct btfs;
void find_maps(struct places *places, struct btfs *btfs, u64 types);
/* perf events of processes that have a program without a link. */
void find_events(struct places *places);

/* The hook of a perf event, a kprobe for example. */
char *probe_hook(const char *section, const char *at, u64 offset);
char *tracepoint_hook(const char *name);

/* What BPF_PROG_QUERY says of a cgroup and the like; `at` says which, and is copied.
 * What a link has attached there is told by the link, which takes its names from `at`.
 */
void find_at_file(struct places *places, int fd, enum bpf_attach_type type,
		  const struct place *at);

/* The mounts of a type of file system, one after the other. */
typedef void (*mount_fn)(const char *where, void *arg);
void each_mount(const char *type, mount_fn fn, void *arg);

/* The descriptors of all processes; fdinfo is what the kernel says of one. */
typedef void (*descriptor_fn)(u32 pid, u32 fd, const char *fdinfo, void *arg);
void each_descriptor(descriptor_fn fn, void *arg);
/* The value of `key:` in fdinfo, 0: none. */
u32 fdinfo_number(const char *fdinfo, const char *key);

/* Runs in another network namespace until it returns. 0 or -errno. */
int in_netns(const char *path, int (*fn)(void *arg), void *arg);

#endif
