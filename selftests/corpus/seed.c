// SPDX-License-Identifier: GPL-2.0
/* Maps and variables of an object, filled so that its programs find something to do. */
#include <bpf/btf.h>
#include "corpus/corpus.h"

#define SEEDED 16 /* elements of a map */

/* Programs as targets of tail calls. */
static void fill_prog_array(struct bpf_object *obj, struct bpf_map *map)
{
	struct bpf_program *prog;
	__u32 i = 0;
	int fd;

	bpf_object__for_each_program(prog, obj) {
		fd = bpf_program__fd(prog);
		if (fd >= 0 && i < bpf_map__max_entries(map))
			bpf_map_update_elem(bpf_map__fd(map), &i, &fd, 0);
		i++;
	}
}

static void fill_map(struct bpf_map *map, unsigned int round)
{
	__u32 key_size = bpf_map__key_size(map), i,
	      n = bpf_map__max_entries(map);
	__u32 cpus = libbpf_num_possible_cpus();
	size_t size = (bpf_map__value_size(map) + 7) / 8 * 8 * cpus;
	unsigned char *key = calloc(1, key_size + 8), *value = malloc(size + 8);

	REQUIRE(key && value, "no memory");
	memset(value, round % 2 ? 1 : 0, size);
	for (i = 0; i < n && i < SEEDED; i++) {
		memcpy(key, &i, key_size < 4 ? key_size : 4);
		bpf_map_update_elem(bpf_map__fd(map), key, value, 0);
	}
	free(key);
	free(value);
}

static void set_variable(unsigned char *p, const char *name, __u32 size,
			 unsigned int round)
{
	__u64 old = 0, value = round * 3 + 1;

	if (size != 1 && size != 2 && size != 4 && size != 8)
		return;
	if (strstr(name, "pid") || strstr(name, "tgid")) {
		value = getpid();
	} else {
		memcpy(&old, p, size);
		/* In the first round as the object has it. */
		if (!round || old > 1)
			return;
	}
	memcpy(p, &value, size);
}

static void set_variables(const struct bpf_object *obj, struct bpf_map *map,
			  unsigned int round)
{
	const struct btf *btf = bpf_object__btf(obj);
	const struct btf_var_secinfo *var;
	const struct btf_type *sec, *t;
	unsigned char *data;
	size_t size;
	__u32 i;

	data = bpf_map__initial_value(map, &size);
	sec = btf__type_by_id(btf, bpf_map__btf_value_type_id(map));
	if (!data || !sec || !btf_is_datasec(sec))
		return;
	var = btf_var_secinfos(sec);
	for (i = 0; i < btf_vlen(sec); i++, var++) {
		t = btf__type_by_id(btf, var->type);
		if (var->offset + var->size <= size)
			set_variable(data + var->offset,
				     btf__name_by_offset(btf, t->name_off),
				     var->size, round);
	}
}

void corpus_seed(struct bpf_object *obj, unsigned int round)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, obj) {
		const char *name = bpf_map__name(map);

		if (bpf_map__fd(map) < 0 || strstr(name, ".rodata") ||
		    strstr(name, ".kconfig"))
			continue;
		if (bpf_map__is_internal(map)) {
			set_variables(obj, map, round);
			continue;
		}
		switch (bpf_map__type(map)) {
		case BPF_MAP_TYPE_PROG_ARRAY:
			fill_prog_array(obj, map);
			break;
		case BPF_MAP_TYPE_ARRAY:
		case BPF_MAP_TYPE_HASH:
		case BPF_MAP_TYPE_LRU_HASH:
		case BPF_MAP_TYPE_PERCPU_ARRAY:
		case BPF_MAP_TYPE_PERCPU_HASH:
		case BPF_MAP_TYPE_LRU_PERCPU_HASH:
			fill_map(map, round);
			break;
		default:
			break;
		}
	}
}
