// SPDX-License-Identifier: GPL-2.0
/* The cost model of the kernel: the command BPF_COST_MODEL. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "kernel/kwd.h"
#include "kernel/kwd_model.h"

static const struct refusal {
	u32 reason;
	const char *text;
} refusals[] = {
	{ BPF_COST_BAD_KIND, "the kernel knows no entry of this kind" },
	{ BPF_COST_BAD_ID, "the kernel knows no such helper" },
	{ BPF_COST_BAD_MAP_TYPE, "the kernel knows no such map type" },
	{ BPF_COST_BAD_FLAGS, "the kernel knows no such flag" },
	{ BPF_COST_BAD_NAME,
	  "the kernel has no such kfunc or class of instructions" },
	{ BPF_COST_BAD_ORDER, "best is larger than worst" },
	{ BPF_COST_BAD_RANGE, "a cost is larger than 1000 s" },
	{ BPF_COST_BAD_UNIT, "an instruction has no units" },
	{ BPF_COST_DUPLICATE, "there are two entries for it" },
	{ BPF_COST_NO_CLASS, "there is no line 'insn default'" },
	{ BPF_COST_NO_HELPER, "there is no line 'helper default'" },
	{ BPF_COST_NO_KFUNC, "there is no line 'kfunc default'" },
};

static int model_command(union bpf_attr *attr)
{
	return kwd_bpf(BPF_COST_MODEL, attr, sizeof(*attr));
}

const char *kwd_model_reason(u32 reason)
{
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++)
		if (refusals[i].reason == reason)
			return refusals[i].text;
	return "the kernel refuses it";
}

int kwd_model_fault(struct fault *f, int err, const char *what)
{
	if (err == -EINVAL || err == -EOPNOTSUPP) {
		fault_set(f, EXIT_LACKS, ENOSYS,
			  "cannot %s: this kernel does not estimate", what);
		fault_why(f, "it lacks the patches or CONFIG_BPF_WATCHDOG");
		return fault_hint(f, "bpfwd doctor; `calibrate run` and files "
				     "work on any kernel");
	}
	if (err == -EPERM) {
		fault_set(f, EXIT_LACKS, err, "cannot %s", what);
		fault_why(f, "this needs CAP_SYS_ADMIN");
		return fault_hint(f, "run it as root");
	}
	return fault_set(f, EXIT_FAILED, err, "cannot %s", what);
}

int kwd_model_set(struct kwd_model *m)
{
	union bpf_attr attr = {};
	int err;

	attr.cost_model.op = BPF_COST_SET;
	attr.cost_model.entry_size = sizeof(*m->entries);
	attr.cost_model.nr_entries = m->n;
	attr.cost_model.entries = (uintptr_t)m->entries;
	snprintf(attr.cost_model.label, sizeof(attr.cost_model.label), "%.*s",
		 BPF_COST_LABEL_LEN - 1, m->label);
	err = model_command(&attr);
	m->generation = attr.cost_model.generation;
	m->bad_reason = err == -EINVAL ? attr.cost_model.bad_reason : 0;
	m->bad_entry = attr.cost_model.bad_entry;
	return err;
}

int kwd_model_get(struct kwd_model *m)
{
	union bpf_attr attr = {};
	int err;

	*m = (struct kwd_model){
		.entries = calloc(BPF_COST_MAX_ENTRIES, sizeof(*m->entries)),
	};
	attr.cost_model.op = BPF_COST_GET;
	attr.cost_model.entry_size = sizeof(*m->entries);
	attr.cost_model.nr_entries = BPF_COST_MAX_ENTRIES;
	attr.cost_model.entries = (uintptr_t)m->entries;
	err = m->entries ? model_command(&attr) : -ENOMEM;
	if (err) {
		kwd_model_free(m);
		return err;
	}
	m->n = attr.cost_model.nr_entries < BPF_COST_MAX_ENTRIES ?
		       attr.cost_model.nr_entries :
		       BPF_COST_MAX_ENTRIES;
	m->generation = attr.cost_model.generation;
	snprintf(m->label, sizeof(m->label), "%.*s", BPF_COST_LABEL_LEN,
		 m->generation ? attr.cost_model.label : "");
	return 0;
}

void kwd_model_free(struct kwd_model *m)
{
	free(m->entries);
	m->entries = NULL;
	m->n = 0;
}

int kwd_model_reset(struct fault *f)
{
	union bpf_attr attr = {};
	int err;

	attr.cost_model.op = BPF_COST_RESET;
	attr.cost_model.entry_size = sizeof(struct bpf_cost_entry);
	err = model_command(&attr);
	return err ? kwd_model_fault(f, err, "reset the cost model") : 0;
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

/* Of the entry for it, else of the one for all that have none. */
static u64 entry_worst(const struct kwd_model *m, u32 kind, u32 id,
		       const char *name)
{
	u64 others = 0;

	for (u32 i = 0; i < m->n; i++) {
		const struct bpf_cost_entry *e = &m->entries[i];

		if (e->kind != kind || e->worst == UINT64_MAX ||
		    (e->map_type && e->map_type != BPF_MAP_TYPE_HASH))
			continue;
		if (e->id == id && !strcmp(e->name, name))
			return e->worst;
		if (!e->id && !e->name[0])
			others = e->worst;
	}
	return others;
}

u64 kwd_model_small_program(void)
{
	struct kwd_model m;
	u64 ps;

	if (kwd_model_get(&m))
		return 0;
	ps = entry_worst(&m, BPF_COST_INSN, 0, "entry") +
	     100 * entry_worst(&m, BPF_COST_INSN, 0, "alu") +
	     entry_worst(&m, BPF_COST_HELPER, BPF_FUNC_map_lookup_elem, "") +
	     entry_worst(&m, BPF_COST_HELPER, BPF_FUNC_map_update_elem, "");
	kwd_model_free(&m);
	return ps / 1000;
}
