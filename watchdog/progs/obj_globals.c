// SPDX-License-Identifier: GPL-2.0
/* Constants of an object that its loader sets: numbers in maps that programs only read.
 *
 * The kernel freezes such a map before it verifies the programs, so a loop over a
 * constant has its value as its bound. What a program may change bounds nothing.
 */
#include <bpf/btf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "progs/obj_globals.h"

/* The type behind typedefs and qualifiers, if it is that of a number; NULL. */
static const struct btf_type *number_type(const struct btf *btf, u32 id)
{
	const struct btf_type *t = btf__type_by_id(btf, id);

	while (t && (btf_is_mod(t) || btf_is_typedef(t)))
		t = btf__type_by_id(btf, t->type);
	if (!t || !(btf_is_int(t) || btf_is_any_enum(t)))
		return NULL;
	return t->size && t->size <= sizeof(u64) ? t : NULL;
}

/* The variable in the section that is the map's value; NULL. */
static const struct btf_var_secinfo *find_variable(const struct btf *btf,
						   const struct bpf_map *map,
						   const char *name)
{
	const struct btf_type *sec =
		btf__type_by_id(btf, bpf_map__btf_value_type_id(map));
	const struct btf_var_secinfo *v;

	if (!sec || !btf_is_datasec(sec))
		return NULL;
	v = btf_var_secinfos(sec);
	for (unsigned int i = 0; i < btf_vlen(sec); i++, v++) {
		const struct btf_type *var = btf__type_by_id(btf, v->type);

		if (!strcmp(btf__name_by_offset(btf, var->name_off), name))
			return v;
	}
	return NULL;
}

/* A number of so many bytes; anything if its upper bits are copies of the sign. */
static bool fits(u64 value, u32 size, bool negative)
{
	u32 bits = 8 * size;

	if (negative)
		return (long long)value >> (bits - 1) == -1;
	return bits == 64 || !(value >> bits);
}

static int store_number(void *to, const struct btf_type *t, const char *name,
			const char *text, struct fault *f)
{
	bool negative = text[0] == '-';
	char *end;
	u64 value;

	errno = 0;
	value = negative ? (u64)strtoll(text, &end, 0) :
			   strtoull(text, &end, 0);
	if (errno || *end || end == text || !fits(value, t->size, negative))
		return fault_set(f, EXIT_USAGE, EINVAL,
				 "'%s' is no number of %u bytes, as %s is",
				 text, t->size, name);
	memcpy(to, &value, t->size); /* little endian, as the object is here */
	return 0;
}

int obj_globals_set(struct bpf_object *obj, const char *name, const char *text,
		    bool *found, struct fault *f)
{
	const struct btf *btf = bpf_object__btf(obj);
	const struct btf_var_secinfo *v;
	const struct btf_type *t;
	struct bpf_map *map;

	bpf_object__for_each_map(map, obj) {
		size_t size;
		char *data = bpf_map__initial_value(map, &size);

		v = btf && data ? find_variable(btf, map, name) : NULL;
		if (!v)
			continue;
		*found = true;
		if (!(bpf_map__map_flags(map) & BPF_F_RDONLY_PROG))
			return fault_set(
				f, EXIT_USAGE, EINVAL,
				"'%s' is no constant: programs may change it",
				name);
		t = number_type(btf, btf__type_by_id(btf, v->type)->type);
		if (!t || v->offset + t->size > size)
			return fault_set(f, EXIT_USAGE, EINVAL,
					 "'%s' is no number", name);
		return store_number(data + v->offset, t, name, text, f);
	}
	return 0;
}
