// SPDX-License-Identifier: GPL-2.0
/* The names that a cost model may use. */
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include "calibrate/calib.h"
#include "show/types.h"

#define NAME(name, value, ...) [value] = "bpf_" #name,
static const char *const helpers[] = { ___BPF_FUNC_MAPPER(NAME) };

const char *model_helper_name(u32 id)
{
	return id && id < ARRAY_SIZE(helpers) ? helpers[id] : NULL;
}

bool model_helper_id(const char *name, u32 *id)
{
	for (size_t i = 1; i < ARRAY_SIZE(helpers); i++) {
		if (!helpers[i] || strcmp(helpers[i], name))
			continue;
		*id = i;
		return true;
	}
	return false;
}

const char *model_map_name(u32 type)
{
	return libbpf_bpf_map_type_str(type);
}

bool model_map_type(const char *name, u32 *type)
{
	for (u32 t = 1; t < __MAX_BPF_MAP_TYPE; t++) {
		const char *known = model_map_name(t);

		if (!known || strcmp(known, name))
			continue;
		*type = t;
		return true;
	}
	return false;
}

bool model_kfunc_known(const char *name)
{
	static struct btf *btf;
	static bool tried;

	if (calib_kfunc_known(name))
		return true;
	/* never freed: it lives as long as the process */
	if (!tried)
		btf = btf__load_vmlinux_btf();
	tried = true;
	return btf && btf__find_by_name_kind(btf, name, BTF_KIND_FUNC) > 0;
}

static const char *const classes[MODEL_CLASSES] = {
	[CLASS_ENTRY] = "entry",       [CLASS_CALL] = "call",
	[CLASS_ALU] = "alu",	       [CLASS_MUL] = "mul",
	[CLASS_DIV] = "div",	       [CLASS_LOAD] = "load",
	[CLASS_STORE] = "store",       [CLASS_ATOMIC] = "atomic",
	[CLASS_JUMP] = "jump",	       [CLASS_CTX] = "ctx",
	[CLASS_PROBE] = "probe",       [CLASS_PACKET] = "packet",
	[CLASS_MAY_GOTO] = "may_goto",
};

const char *model_class_name(enum model_class class)
{
	return classes[class];
}

bool model_class_known(const char *name)
{
	for (size_t i = 0; i < MODEL_CLASSES; i++)
		if (!strcmp(classes[i], name))
			return true;
	return false;
}
