// SPDX-License-Identifier: GPL-2.0
/* The cost model of the kernel: the command BPF_COST_MODEL. */
#include <bpf/btf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "calib.h"
#include "kwd.h"
#include "kwd_model.h"

static const struct refusal {
	u32 reason;
	const char *text;
} refusals[] = {
	{ BPF_COST_BAD_KIND, "the kernel knows no entry of this kind" },
	{ BPF_COST_BAD_ID, "the kernel knows no such class or helper" },
	{ BPF_COST_BAD_MAP_TYPE, "the kernel knows no such map type" },
	{ BPF_COST_BAD_FLAGS, "the kernel knows no such flag" },
	{ BPF_COST_BAD_NAME, "the kernel has no such kfunc" },
	{ BPF_COST_BAD_ORDER, "best is larger than worst" },
	{ BPF_COST_BAD_RANGE, "a cost is larger than 1000 s" },
	{ BPF_COST_BAD_UNIT, "an instruction has no units" },
	{ BPF_COST_DUPLICATE, "there are two entries for it" },
	{ BPF_COST_NO_HELPER, "there is no line 'helper default'" },
	{ BPF_COST_NO_KFUNC, "there is no line 'kfunc default'" },
};

static int model_command(union bpf_attr *attr)
{
	return syscall(SYS_bpf, BPF_COST_MODEL, attr, sizeof(*attr)) < 0 ?
		       -errno :
		       0;
}

static int failed(int err, const char *what, struct fault *f)
{
	if (err == -EINVAL || err == -EOPNOTSUPP) {
		fault_set(f, EXIT_LACKS, ENOSYS, "cannot %s", what);
		fault_why(f, "this kernel makes no estimates: it lacks the "
			     "patches or CONFIG_BPF_WATCHDOG");
		return fault_hint(f, "bpfwd doctor");
	}
	if (err == -EPERM) {
		fault_set(f, EXIT_LACKS, err, "cannot %s", what);
		fault_why(f, "this needs CAP_SYS_ADMIN");
		return fault_hint(f, "run it as root");
	}
	return fault_set(f, EXIT_FAILED, err, "cannot %s", what);
}

static int refused(const struct model *m, const struct model_entry **sent,
		   size_t n, const union bpf_attr *attr, struct fault *f)
{
	const struct refusal *r = refusals, *end = r + ARRAY_SIZE(refusals);
	u32 reason = attr->cost_model.bad_reason,
	    index = attr->cost_model.bad_entry;
	char key[128];

	while (r < end && r->reason != reason)
		r++;
	if (reason == BPF_COST_NO_CLASS) {
		const char *name = calib_insn_name(index);

		fault_set(f, EXIT_FAILED, EINVAL, "%s: no line 'insn %s'",
			  m->path, name ? name : "of a class that is new");
	} else if (reason >= BPF_COST_NO_CLASS || index >= n) {
		fault_set(f, EXIT_FAILED, EINVAL, "%s: %s", m->path,
			  r < end ? r->text : "the kernel refuses it");
	} else {
		fault_set(f, EXIT_FAILED, EINVAL, "%s:%d: %s: %s", m->path,
			  sent[index]->line,
			  model_key(sent[index], key, sizeof(key)),
			  r < end ? r->text : "the kernel refuses it");
	}
	return fault_why(f,
			 "the kernel refused the model (reason %u); the old "
			 "one stays",
			 reason);
}

/* With n CPUs at work on the same map; of more than were measured nothing is
 * known, so the most are taken.
 */
static u64 contended(const struct model_entry *e, u64 ps, u32 cpus)
{
	u32 pct = 100;

	for (u32 i = 2; i <= cpus && i <= MODEL_CPUS_MAX; i++)
		if (e->cpus_pct[i] > pct)
			pct = e->cpus_pct[i];
	if (__builtin_mul_overflow(ps, pct, &ps))
		return MODEL_PS_MAX;
	ps /= 100;
	return ps > MODEL_PS_MAX ? MODEL_PS_MAX : ps;
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
		calib_insn_class(e->name, &to->id);
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

int kwd_model_set(const struct model *m, struct kwd_loaded *loaded,
		  struct fault *f)
{
	struct bpf_cost_entry *entries = calloc(m->n, sizeof(*entries));
	const struct model_entry **sent = calloc(m->n, sizeof(*sent));
	struct btf *btf = btf__load_vmlinux_btf();
	union bpf_attr attr = {};
	size_t n = 0;
	int err, ret;

	*loaded = (struct kwd_loaded){
		.cpus = sysconf(_SC_NPROCESSORS_ONLN),
	};
	if (!entries || !sent) {
		ret = fault_set(f, EXIT_FAILED, ENOMEM, "cannot load %s",
				m->path);
		goto out;
	}
	for (size_t i = 0; i < m->n; i++) {
		if (btf && !is_here(btf, &m->entries[i])) {
			loaded->foreign++;
			continue;
		}
		translate(&m->entries[i], loaded->cpus, &entries[n]);
		sent[n++] = &m->entries[i];
	}
	attr.cost_model.op = BPF_COST_SET;
	attr.cost_model.entry_size = sizeof(*entries);
	attr.cost_model.nr_entries = n;
	attr.cost_model.entries = (uintptr_t)entries;
	snprintf(attr.cost_model.label, sizeof(attr.cost_model.label),
		 "%.10s %.20s", m->date, m->cpu);
	err = model_command(&attr);
	if (err == -EINVAL && attr.cost_model.bad_reason)
		ret = refused(m, sent, n, &attr, f);
	else
		ret = err ? failed(err, "load the cost model", f) : 0;
	loaded->generation = attr.cost_model.generation;
	loaded->entries = n;
out:
	btf__free(btf);
	free(entries);
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
		name = calib_insn_name(from->id);
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

int kwd_model_get(struct model *m, u64 *generation, struct fault *f)
{
	struct bpf_cost_entry *entries =
		calloc(BPF_COST_MAX_ENTRIES, sizeof(*entries));
	union bpf_attr attr = {};
	int err;

	attr.cost_model.op = BPF_COST_GET;
	attr.cost_model.entry_size = sizeof(*entries);
	attr.cost_model.nr_entries = BPF_COST_MAX_ENTRIES;
	attr.cost_model.entries = (uintptr_t)entries;
	err = entries ? model_command(&attr) : -ENOMEM;
	if (err) {
		free(entries);
		return failed(err, "read the cost model", f);
	}
	*m = (struct model){};
	snprintf(m->path, sizeof(m->path), "kernel");
	snprintf(m->cpu, sizeof(m->cpu), "%.32s",
		 attr.cost_model.generation ? attr.cost_model.label :
					      "built-in");
	for (u32 i = 0;
	     !err && i < attr.cost_model.nr_entries && i < BPF_COST_MAX_ENTRIES;
	     i++) {
		struct model_entry e;

		if (translate_back(&entries[i], &e))
			err = model_add(m, &e);
	}
	free(entries);
	model_sort(m);
	*generation = attr.cost_model.generation;
	if (!err)
		return 0;
	model_free(m);
	return failed(err, "read the cost model", f);
}

int kwd_model_reset(struct fault *f)
{
	union bpf_attr attr = {};
	int err;

	attr.cost_model.op = BPF_COST_RESET;
	attr.cost_model.entry_size = sizeof(struct bpf_cost_entry);
	err = model_command(&attr);
	return err ? failed(err, "reset the cost model", f) : 0;
}

int kwd_model_label(char *label, size_t size, u64 *generation)
{
	union bpf_attr attr = {};
	int err;

	attr.cost_model.op = BPF_COST_GET;
	attr.cost_model.entry_size = sizeof(struct bpf_cost_entry);
	err = model_command(&attr);
	if (err)
		return err;
	*generation = attr.cost_model.generation;
	snprintf(label, size, "%.*s", BPF_COST_LABEL_LEN,
		 *generation ? attr.cost_model.label : "");
	return 0;
}
