// SPDX-License-Identifier: GPL-2.0
/* A cost model on its way into the kernel and back. */
#include <bpf/btf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "calibrate/load.h"
#include "kernel/kwd_model.h"

/* A class that the kernel has and the model has not: one that bpfwd knows, else a newer one. */
static const char *missing_class(const struct model *m)
{
	for (int i = 0; i < MODEL_CLASSES; i++) {
		struct model_entry key = { .kind = MODEL_INSN };

		snprintf(key.name, sizeof(key.name), "%s", model_class_name(i));
		if (!model_find(m, &key))
			return model_class_name(i);
	}
	return MODEL_DEFAULT;
}

static int load_refused(const struct model *m, const struct model_entry **sent,
			const struct kwd_model *k, struct fault *f)
{
	u32 reason = k->bad_reason, index = k->bad_entry;
	const char *why = kwd_model_reason(reason);
	char key[128];

	if (reason == BPF_COST_NO_CLASS)
		fault_set(f, EXIT_FAILED, EINVAL, "%s: no line 'insn %s'",
			  m->path, missing_class(m));
	else if (reason > BPF_COST_NO_CLASS || index >= k->n)
		fault_set(f, EXIT_FAILED, EINVAL, "%s: %s", m->path, why);
	else
		fault_set(f, EXIT_FAILED, EINVAL, "%s:%d: %s: %s", m->path,
			  sent[index]->line,
			  model_key(sent[index], key, sizeof(key)), why);
	fault_why(f,
		  "the kernel refused the model (reason %u); the old "
		  "one stays",
		  reason);
	if (reason == BPF_COST_NO_CLASS)
		fault_hint(f, "a line 'insn default' is for all classes of "
			      "instructions that have no line");
	return f->exit;
}

/* With n CPUs at work on the same map. */
static u64 contended(const struct model_entry *e, u64 ps, u32 cpus)
{
	double all = ps * model_contended(e, cpus);

	if (ps == MODEL_UNBOUNDED)
		return ps;
	return all < MODEL_PS_MAX ? (u64)all : MODEL_PS_MAX;
}

static void translate(const struct model_entry *e, u32 cpus,
		      struct bpf_cost_entry *to)
{
	bool any = !strcmp(e->name, MODEL_DEFAULT);

	*to = (struct bpf_cost_entry){
		.best = e->best_ps,
		.worst = contended(e, e->worst_ps, cpus),
		.unit_best = e->best_per_unit_ps,
		.unit_worst = contended(e, e->per_unit_ps, cpus),
	};
	switch (e->kind) {
	case MODEL_INSN:
		to->kind = BPF_COST_INSN;
		if (!any)
			snprintf(to->name, sizeof(to->name), "%s", e->name);
		break;
	case MODEL_HELPER:
		to->kind = BPF_COST_HELPER;
		if (!any)
			model_helper_id(e->name, &to->id);
		if (e->map[0])
			model_map_type(e->map, &to->map_type);
		break;
	case MODEL_KFUNC:
		to->kind = BPF_COST_KFUNC;
		if (!any)
			snprintf(to->name, sizeof(to->name), "%s", e->name);
		break;
	}
}

/* Does the running kernel have this kfunc? */
static bool is_here(const struct btf *btf, const struct model_entry *e)
{
	return e->kind != MODEL_KFUNC || !strcmp(e->name, MODEL_DEFAULT) ||
	       btf__find_by_name_kind(btf, e->name, BTF_KIND_FUNC) > 0;
}

int model_load(const struct model *m, struct model_loaded *loaded,
	       struct fault *f)
{
	struct kwd_model k = { .entries = calloc(m->n, sizeof(*k.entries)) };
	const struct model_entry **sent = calloc(m->n, sizeof(*sent));
	struct btf *btf = btf__load_vmlinux_btf();
	int err, ret = 0;

	/* one that is switched off now may be at it when the program runs */
	*loaded = (struct model_loaded){
		.cpus = sysconf(_SC_NPROCESSORS_CONF),
	};
	if (!k.entries || !sent) {
		ret = fault_set(f, EXIT_FAILED, ENOMEM, "cannot load %s",
				m->path);
		goto out;
	}
	for (size_t i = 0; i < m->n; i++) {
		if (btf && !is_here(btf, &m->entries[i])) {
			loaded->foreign++;
			continue;
		}
		translate(&m->entries[i], loaded->cpus, &k.entries[k.n]);
		sent[k.n++] = &m->entries[i];
	}
	machine_label(&m->of, m->date, k.label);
	err = kwd_model_set(&k);
	if (k.bad_reason)
		ret = load_refused(m, sent, &k, f);
	else if (err)
		ret = kwd_model_fault(f, err, "load the cost model");
	loaded->generation = k.generation;
	loaded->entries = k.n;
out:
	btf__free(btf);
	kwd_model_free(&k);
	free(sent);
	return ret;
}

static bool translate_back(const struct bpf_cost_entry *from,
			   struct model_entry *e)
{
	const char *name = NULL, *map;

	*e = (struct model_entry){
		.best_ps = from->best,
		.worst_ps = from->worst,
		.per_unit_ps = from->unit_worst,
		.best_per_unit_ps = from->unit_best,
		.measured = true,
	};
	switch (from->kind) {
	case BPF_COST_INSN:
		e->kind = MODEL_INSN;
		name = from->name[0] ? from->name : MODEL_DEFAULT;
		break;
	case BPF_COST_HELPER:
		e->kind = MODEL_HELPER;
		name = from->id ? model_helper_name(from->id) : MODEL_DEFAULT;
		map = from->map_type ? model_map_name(from->map_type) : "";
		snprintf(e->map, sizeof(e->map), "%s", map ? map : "unknown");
		break;
	case BPF_COST_KFUNC:
		e->kind = MODEL_KFUNC;
		name = from->name[0] ? from->name : MODEL_DEFAULT;
		break;
	}
	if (!name)
		return false;
	snprintf(e->name, sizeof(e->name), "%.63s", name);
	return true;
}

int model_loaded(struct model *m, u64 *generation, struct fault *f)
{
	struct kwd_model k;
	int err = kwd_model_get(&k);

	if (err)
		return kwd_model_fault(f, err, "read the cost model");
	*m = (struct model){};
	snprintf(m->path, sizeof(m->path), "kernel");
	snprintf(m->of.cpu, sizeof(m->of.cpu), "%s",
		 k.generation ? k.label : "built-in");
	for (u32 i = 0; !err && i < k.n; i++) {
		struct model_entry e;

		if (translate_back(&k.entries[i], &e))
			err = model_add(m, &e);
	}
	*generation = k.generation;
	kwd_model_free(&k);
	model_sort(m);
	if (!err)
		return 0;
	model_free(m);
	return kwd_model_fault(f, err, "read the cost model");
}
