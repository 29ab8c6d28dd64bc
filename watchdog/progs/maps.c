// SPDX-License-Identifier: GPL-2.0
/* Maps that hold programs: by their entries, and by what was attached to them. */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "progs/btfs.h"
#include "progs/finders.h"
#include "progs/sections.h"

#define VMLINUX_BTF_ID 1

struct maps {
	struct places *places;
	struct btfs *btfs;
	u64 types;
	int fd; /* the map that is looked at */
	struct bpf_map_info info;
};

static void add_entry(struct maps *m, u32 prog_id, u32 key, char *hook)
{
	struct place p = { .via = VIA_ENTRY,
			   .prog_id = prog_id,
			   .hook = hook,
			   .map_id = m->info.id,
			   .map = strdup(m->info.name),
			   .key = key };

	places_add(m->places, &p);
}

/* The value of an entry is the program's id. */
static void read_prog_array(struct maps *m)
{
	for (u32 key = 0; key < m->info.max_entries; key++) {
		u32 id;

		if (!bpf_map_lookup_elem(m->fd, &key, &id) && id)
			add_entry(m, id, key, place_text("prog_array"));
	}
}

/* Of devmaps and cpumaps: behind the device or the size of the queue. */
static void read_redirect(struct maps *m, const char *hook)
{
	u32 key, *last = NULL;

	while (!bpf_map_get_next_key(m->fd, last, &key)) {
		struct {
			u32 target, prog_id;
		} value = {};

		last = &key;
		if (m->info.value_size == sizeof(value) &&
		    !bpf_map_lookup_elem(m->fd, &key, &value) && value.prog_id)
			add_entry(m, value.prog_id, key,
				  place_text("%s", hook));
	}
}

static const struct btf_type *plain_type(const struct btf *btf, u32 type_id)
{
	int id = btf__resolve_type(btf, type_id);

	return id < 0 ? NULL : btf__type_by_id(btf, id);
}

static bool is_function(const struct btf *btf, u32 type_id)
{
	const struct btf_type *t = plain_type(btf, type_id);

	t = t && btf_is_ptr(t) ? plain_type(btf, t->type) : NULL;
	return t && btf_is_func_proto(t);
}

/* Where the kernel has a function, the value has the id of its program. The last
 * member of the value is the structure with the functions.
 */
static void read_struct_ops(struct maps *m)
{
	u32 obj = m->info.btf_vmlinux_id ? m->info.btf_vmlinux_id :
					   VMLINUX_BTF_ID;
	const struct btf *btf = btfs_get(m->btfs, obj);
	const struct btf_type *t =
		btf ? btf__type_by_id(btf, m->info.btf_vmlinux_value_type_id) :
		      NULL;
	char *value = calloc(1, m->info.value_size);
	const struct btf_member *last, *member;
	const struct btf_type *ops;
	u32 key = 0;

	if (!t || !value || !btf_vlen(t) ||
	    bpf_map_lookup_elem(m->fd, &key, value))
		goto out;
	last = btf_members(t) + btf_vlen(t) - 1;
	ops = plain_type(btf, last->type);
	if (!ops)
		goto out;
	member = btf_members(ops);
	for (u32 i = 0; i < btf_vlen(ops); i++, member++) {
		u32 at = (last->offset + member->offset) / 8;
		u64 id;

		if (at + sizeof(id) > m->info.value_size ||
		    !is_function(btf, member->type))
			continue;
		memcpy(&id, value + at, sizeof(id));
		if (id)
			add_entry(m, id, key,
				  place_text("struct_ops/%s",
					     btf__name_by_offset(
						     btf, ops->name_off)));
	}
out:
	free(value);
}

static void read_sockmap(struct maps *m)
{
	static const enum bpf_prog_type kinds[] = { BPF_PROG_TYPE_SK_SKB,
						    BPF_PROG_TYPE_SK_MSG };
	struct place at = { .via = VIA_SOCKMAP,
			    .map_id = m->info.id,
			    .map = m->info.name };

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		enum bpf_attach_type types[8];
		size_t n = 0;

		if (m->types & PROG_TYPE_BIT(kinds[i]))
			n = section_attach_types(kinds[i], types,
						 ARRAY_SIZE(types));
		while (n--)
			if (types[n])
				find_at_file(m->places, m->fd, types[n], &at);
	}
}

static void read_map(struct maps *m)
{
	switch (m->info.type) {
	case BPF_MAP_TYPE_PROG_ARRAY:
		read_prog_array(m);
		break;
	case BPF_MAP_TYPE_DEVMAP:
	case BPF_MAP_TYPE_DEVMAP_HASH:
		read_redirect(m, "xdp/devmap");
		break;
	case BPF_MAP_TYPE_CPUMAP:
		read_redirect(m, "xdp/cpumap");
		break;
	case BPF_MAP_TYPE_STRUCT_OPS:
		read_struct_ops(m);
		break;
	case BPF_MAP_TYPE_SOCKMAP:
	case BPF_MAP_TYPE_SOCKHASH:
		read_sockmap(m);
		break;
	default:
		break;
	}
}

void find_maps(struct places *places, struct btfs *btfs, u64 types)
{
	struct maps m = { .places = places, .btfs = btfs, .types = types };
	u32 id = 0;

	while (!bpf_map_get_next_id(id, &id)) {
		u32 len = sizeof(m.info);

		m.fd = bpf_map_get_fd_by_id(id);
		if (m.fd < 0)
			continue;
		memset(&m.info, 0, sizeof(m.info));
		if (!bpf_map_get_info_by_fd(m.fd, &m.info, &len))
			read_map(&m);
		close(m.fd);
	}
}
