/* SPDX-License-Identifier: GPL-2.0 */
/* The cost model: what instructions, helpers and kfuncs cost on one machine. A
 * text file, one entry per line, sorted by key. Costs are kept in picoseconds.
 */
#ifndef BPFWD_MODEL_H
#define BPFWD_MODEL_H

#include "kernel/machine.h"
#include "show/fault.h"

#define MODEL_VERSION 2
#define MODEL_NAME_LEN 64
#define MODEL_TEXT_LEN 128
#define MODEL_CPUS_MAX 8
/* as the kernel's BPF_COST_MAX: 1000 s */
#define MODEL_PS_MAX 1000000000000000ULL
/* a worst that nothing bounds */
#define MODEL_UNBOUNDED UINT64_MAX

enum model_kind { MODEL_HELPER, MODEL_INSN, MODEL_KFUNC };

/* The name of the entry for helpers, kfuncs or classes that have none of their own. */
#define MODEL_DEFAULT "default"

/* The classes of instructions that are measured. A kernel may have more. */
enum model_class {
	CLASS_ENTRY, /* of a program, with its return */
	CLASS_CALL, /* of a function of the program, with its return */
	CLASS_ALU,
	CLASS_MUL,
	CLASS_DIV,
	CLASS_LOAD,
	CLASS_STORE,
	CLASS_ATOMIC,
	CLASS_JUMP,
	CLASS_CTX,
	CLASS_PROBE,
	CLASS_PACKET,
	CLASS_MAY_GOTO,
	MODEL_CLASSES,
};

struct model_entry {
	enum model_kind kind;
	char name[MODEL_NAME_LEN];
	char map[24]; /* map type, empty: any */
	u64 best_ps, worst_ps;
	u64 per_unit_ps; /* in worst; per byte or element */
	u64 best_per_unit_ps;
	/* what follows is for the reader, and is not loaded */
	bool measured;
	u64 mean_ps;
	u32 fit_error_permille; /* largest distance of a mean from the line */
	u32 difference_permille; /* between passes, of the mean of all calls */
	u32 widened; /* 1: measured again, still off, contains all that was seen */
	u32 calls, outliers;
	u64 outlier_max_ps;
	/* cost on n CPUs at once / cost on one, in percent; 0: not measured */
	u32 cpus_pct[MODEL_CPUS_MAX + 1];
	char reason[MODEL_TEXT_LEN]; /* of a default */
	int line; /* in its file */
	/* while it is measured: of calls of all sizes; between two sizes; calls that took
	 * longer than the worst
	 */
	u64 all_mean_ps, steepest_ps;
	u32 beyond;
};

struct model {
	char path[256];
	struct machine of;
	char date[32], clock[32];
	/* in percent: calls that took no longer than what is said of them, and
	 * by how much passes and fits were allowed to be off, and are
	 */
	char quantile[16], max_error[16], error[16];
	u32 cpus, passes;
	struct model_entry *entries;
	size_t n;
};

/* Reads a file and checks all of it: nothing is taken from a file with an error.
 * 0 or an exit status, the fault naming file, line and reason.
 */
int model_read(struct model *m, const char *path, struct fault *f);
/* To a file by way of a temporary one, or to stdout for "-". */
int model_write(const struct model *m, const char *path, struct fault *f);
void model_free(struct model *m);
/* Appends; 0 or -ENOMEM. */
int model_add(struct model *m, const struct model_entry *e);
void model_sort(struct model *m);
const struct model_entry *model_find(const struct model *m,
				     const struct model_entry *key);
/* "helper bpf_map_update_elem/hash" */
const char *model_key(const struct model_entry *e, char *buf, size_t size);
/* This machine, its clock and CPUs, and the date. */
void model_stamp(struct model *m);

/* How many times as much does a call cost on so many CPUs at once as on one? Beyond what was
 * measured by a law, which measurements are above by so many percent at most; -1: there are not
 * enough to say. law.c
 */
double model_contended(const struct model_entry *e, u32 cpus);
double model_contention_above(const struct model_entry *e);

/* ps to "12.345" ns and back; -EINVAL, -ERANGE */
#define NS_LEN 32
const char *model_ns(u64 ps, char buf[NS_LEN]);
int model_ns_parse(const char *s, u64 *ps);

/* What there are names for; model_names.c. */
bool model_helper_id(const char *name, u32 *id);
const char *model_helper_name(u32 id);
bool model_map_type(const char *name, u32 *type);
const char *model_map_name(u32 type);
bool model_kfunc_known(const char *name);
bool model_class_known(const char *name);
const char *model_class_name(enum model_class class);

#endif
