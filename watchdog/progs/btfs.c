// SPDX-License-Identifier: GPL-2.0
/* BTF objects by id, each loaded once: vmlinux's has megabytes. */
#include <bpf/btf.h>
#include <stdlib.h>
#include "progs/btfs.h"

struct btfs {
	struct {
		u32 id;
		struct btf *btf; /* NULL: it cannot be loaded */
	} *all;
	size_t n;
};

struct btfs *btfs_new(void)
{
	return calloc(1, sizeof(struct btfs));
}

void btfs_free(struct btfs *btfs)
{
	if (!btfs)
		return;
	for (size_t i = 0; i < btfs->n; i++)
		btf__free(btfs->all[i].btf);
	free(btfs->all);
	free(btfs);
}

static struct btf *btfs_load(struct btfs *btfs, u32 id)
{
	void *all;

	for (size_t i = 0; i < btfs->n; i++)
		if (btfs->all[i].id == id)
			return btfs->all[i].btf;
	all = reallocarray(btfs->all, btfs->n + 1, sizeof(*btfs->all));
	if (!all)
		return NULL;
	btfs->all = all;
	btfs->all[btfs->n].id = id;
	btfs->all[btfs->n].btf = btf__load_from_kernel_by_id(id);
	return btfs->all[btfs->n++].btf;
}

const struct btf *btfs_get(struct btfs *btfs, u32 obj_id)
{
	return btfs_load(btfs, obj_id);
}

const char *btfs_name(struct btfs *btfs, u32 obj_id, u32 type_id)
{
	struct btf *btf = obj_id && type_id ? btfs_load(btfs, obj_id) : NULL;
	const struct btf_type *type = btf ? btf__type_by_id(btf, type_id) :
					    NULL;
	const char *name = type ? btf__name_by_offset(btf, type->name_off) :
				  NULL;

	return name && *name ? name : NULL;
}

const char *btfs_string(struct btfs *btfs, u32 obj_id, u32 offset)
{
	struct btf *btf = obj_id ? btfs_load(btfs, obj_id) : NULL;
	const char *text = btf ? btf__str_by_offset(btf, offset) : NULL;

	return text && *text ? text : NULL;
}
