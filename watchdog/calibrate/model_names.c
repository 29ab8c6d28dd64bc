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

static const char *const classes[] = {
	[BPF_COST_ENTRY] = "entry",	  [BPF_COST_CALL] = "call",
	[BPF_COST_ALU] = "alu",		  [BPF_COST_MUL] = "mul",
	[BPF_COST_DIV] = "div",		  [BPF_COST_LOAD] = "load",
	[BPF_COST_STORE] = "store",	  [BPF_COST_ATOMIC] = "atomic",
	[BPF_COST_JUMP] = "jump",	  [BPF_COST_CTX] = "ctx",
	[BPF_COST_PROBE] = "probe",	  [BPF_COST_PACKET] = "packet",
	[BPF_COST_MAY_GOTO] = "may_goto",
};

const char *model_insn_name(u32 class)
{
	return class < ARRAY_SIZE(classes) ? classes[class] : NULL;
}

bool model_insn_class(const char *name, u32 *class)
{
	for (u32 i = 1; i < ARRAY_SIZE(classes); i++) {
		if (!classes[i] || strcmp(classes[i], name))
			continue;
		*class = i;
		return true;
	}
	return false;
}
