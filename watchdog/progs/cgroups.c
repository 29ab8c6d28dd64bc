// SPDX-License-Identifier: GPL-2.0
/* Where programs are attached to what has a path: cgroups and infrared receivers. */
#include <bpf/bpf.h>
#include <dirent.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>
#include "progs/finders.h"
#include "progs/sections.h"

#define MAX_PROGS 64 /* at one of them, of one type */
#define MAX_TYPES 64

/* Is it there by a link? Then this is where the link is. */
static bool has_link(struct places *places, const struct place *p)
{
	for (size_t i = 0; i < places->n; i++) {
		const struct place *at = &places->all[i];

		if (at->via == VIA_LINK && at->prog_id == p->prog_id &&
		    at->inode == p->inode && at->map_id == p->map_id &&
		    at->attach_type == p->attach_type)
			return true;
	}
	return false;
}

void find_at_file(struct places *places, int fd, enum bpf_attach_type type,
		  const struct place *at)
{
	u32 ids[MAX_PROGS], flags[MAX_PROGS];
	LIBBPF_OPTS(bpf_prog_query_opts, q, .prog_ids = ids,
		    .count = MAX_PROGS);

	/* it has many hooks, and the kernel insists; of others old kernels know none */
	if (type == BPF_LSM_CGROUP)
		q.prog_attach_flags = flags;
	if (bpf_prog_query_opts(fd, type, &q))
		return;
	for (u32 i = 0; i < q.count && i < MAX_PROGS; i++) {
		struct place p = *at;

		p.prog_id = ids[i];
		p.attach_type = type;
		if (has_link(places, &p))
			continue;
		if (type != BPF_LSM_CGROUP)
			p.hook = place_text("%s", section_of_attach(type));
		p.netns = place_copy(at->netns);
		p.path = place_copy(at->path);
		p.cgroup = place_copy(at->cgroup);
		p.map = place_copy(at->map);
		places_add(places, &p);
	}
}

struct cgroups {
	struct places *places;
	enum bpf_attach_type types[MAX_TYPES];
	size_t n_types, mount_len;
};

static void name_links(struct places *places, const struct place *at)
{
	for (size_t i = 0; i < places->n; i++) {
		struct place *p = &places->all[i];

		if (p->via == VIA_LINK &&
		    p->link_type == BPF_LINK_TYPE_CGROUP &&
		    p->inode == at->inode && !p->cgroup)
			p->cgroup = strdup(at->cgroup);
	}
}

/* A cgroup's inode is its id. */
static void walk_cgroups(struct cgroups *cg, const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const char *below = path + cg->mount_len;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct place at = { .via = VIA_FILE,
			    .path = (char *)path,
			    .cgroup = (char *)(*below ? below : "/") };
	struct dirent *entry;
	struct stat st;

	if (!dir || fstat(fd, &st)) {
		if (dir)
			closedir(dir);
		else if (fd >= 0)
			close(fd);
		return;
	}
	at.inode = st.st_ino;
	name_links(cg->places, &at);
	for (size_t i = 0; i < cg->n_types; i++)
		find_at_file(cg->places, fd, cg->types[i], &at);
	while ((entry = readdir(dir))) {
		char *child;

		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		child = place_text("%s/%s", path, entry->d_name);
		if (child)
			walk_cgroups(cg, child);
		free(child);
	}
	closedir(dir);
}

static void walk_mount(const char *where, void *arg)
{
	struct cgroups *cg = arg;

	struct statfs fs;

	/* mounted again elsewhere, it is the same tree; another mount may hide it */
	if (cg->mount_len || statfs(where, &fs) ||
	    fs.f_type != CGROUP2_SUPER_MAGIC)
		return;
	cg->mount_len = strlen(where);
	walk_cgroups(cg, where);
}

void find_cgroups(struct places *places, u64 types)
{
	static const enum bpf_prog_type kinds[] = {
		BPF_PROG_TYPE_CGROUP_SKB,     BPF_PROG_TYPE_CGROUP_SOCK,
		BPF_PROG_TYPE_CGROUP_DEVICE,  BPF_PROG_TYPE_CGROUP_SYSCTL,
		BPF_PROG_TYPE_CGROUP_SOCKOPT, BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
		BPF_PROG_TYPE_SOCK_OPS,
	};
	struct cgroups cg = { .places = places };

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (types & PROG_TYPE_BIT(kinds[i]))
			cg.n_types += section_attach_types(
				kinds[i], cg.types + cg.n_types,
				MAX_TYPES - cg.n_types);
	if (types & PROG_TYPE_BIT(BPF_PROG_TYPE_LSM) && cg.n_types < MAX_TYPES)
		cg.types[cg.n_types++] = BPF_LSM_CGROUP;
	if (cg.n_types)
		each_mount("cgroup2", walk_mount, &cg);
}

void find_lirc(struct places *places, u64 types)
{
	glob_t found = {};

	if (!(types & PROG_TYPE_BIT(BPF_PROG_TYPE_LIRC_MODE2)) ||
	    glob("/dev/lirc*", GLOB_NOSORT, NULL, &found))
		return;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		int fd = open(found.gl_pathv[i], O_RDWR | O_CLOEXEC);
		struct place at = { .via = VIA_FILE,
				    .path = found.gl_pathv[i] };

		if (fd < 0)
			continue;
		find_at_file(places, fd, BPF_LIRC_MODE2, &at);
		close(fd);
	}
	globfree(&found);
}
