/* SPDX-License-Identifier: GPL-2.0 */
/* Measuring what helpers, kfuncs and instructions cost on this machine: programs
 * are generated from a table, run by BPF_PROG_TEST_RUN, and time themselves.
 */
#ifndef BPFWD_CALIB_H
#define BPFWD_CALIB_H

#include <bpf/btf.h>
#include <linux/bpf.h>
#include "calibrate/model.h"
#include "show/fault.h"

/* Calls per program run, runs per round, rounds: 10 x 1,000 calls in all. */
#define CALIB_LOOP 100
#define CALIB_RUNS 10
#define CALIB_ROUNDS 10
#define CALIB_BUF 8192
/* What a call is taken to cost that is known to be short, if it is not measured, and each of its units. */
#define CALIB_UNKNOWN_NS 100000
#define CALIB_UNKNOWN_UNIT_NS 10

/* What a program is, and so how it is run. */
enum calib_type {
	CALIB_SYSCALL,
	CALIB_TC,
	CALIB_XDP,
	CALIB_RAW_TP,
	CALIB_CGROUP_SKB,
	CALIB_LWT_XMIT,
	CALIB_FENTRY,
	CALIB_FEXIT,
	CALIB_SOCK_OPS,
	CALIB_SOCKOPT,
	CALIB_PERF,
	CALIB_TYPES,
};

/* One row per helper or kfunc, or per way to call it: ways with the same name
 * are merged, so that best and worst cover all of them. Statements, separated
 * by semicolons, are
 *
 *   [DST =] NAME(ARG, ...)[?]      DST: r9, s0, s1    ?: NULL is a failure
 *   [fp-N] = NUMBER                a stack slot of 8 bytes
 *
 * ARG: a number, ctx, r9, s0, s1, fp-N (address), &buf+N (8 KiB of memory), &ro+N
 * (constant memory), &format (%n bytes, the last of them 0), @KIND (a map, see env.c), %i (number of the turn), %n
 * (the size that is varied), %user (address of user memory), %empty (of an
 * empty string there), %callback (a function
 * that returns 0), %busy_callback (one that saves registers, too), %percpu (a variable). fp-8 holds the number of the call, fp-16 0.
 */
struct calib_row {
	const char *name; /* with "/maptype" where it matters */
	enum calib_type type;
	const char *call; /* what is timed */
	const char *pre, *post; /* before and after each call */
	const char *once, *done; /* before and after all calls of a run */
	const u32 *sizes; /* for %n, ascending, ends with 0 */
	u32 key; /* bytes of the map's key, units like those of %n */
	const char *also; /* what else `call` times; the time is shared */
	int flags;
};

enum {
	CALIB_KFUNC = 1,
	CALIB_MAY_FAIL = 2, /* an error is what the call is to return */
	CALIB_VOID = 4, /* returns nothing */
	CALIB_SHARED = 8, /* CPUs get in each other's way */
	CALIB_DEEP = 16, /* the stack of user space is as deep as any */
};

extern const struct calib_row calib_rows[], calib_kfunc_rows[];
extern const size_t calib_n_rows, calib_n_kfunc_rows;

/* Helpers and kfuncs that are not measured, what they are taken to cost, and why. */
struct calib_default {
	const char *name;
	enum model_kind kind;
	u64 worst_ns, per_unit_ns;
	const char *reason;
};

extern const struct calib_default calib_defaults[];
extern const size_t calib_n_defaults;

/* Helpers and kfuncs that nothing bounds, as in the kernel's built-in model. */
extern const struct model_entry calib_endless[];
extern const size_t calib_n_endless;

/* Those that are unbounded as long as they are not measured. */
extern const struct model_entry calib_unknown[];
extern const size_t calib_n_unknown;

/* What calls cost at least that state or arguments decide on, as in that model. */
extern const struct model_entry calib_at_least[];
extern const size_t calib_n_at_least;

bool calib_kfunc_known(const char *name);

/* Where maps and kfuncs are looked up while a program is generated. */
struct calib_env;

struct calib_env *calib_env_new(struct fault *f);
void calib_env_free(struct calib_env *env);
/* NULL: the kernel has none */
struct btf *calib_env_btf(struct calib_env *env);
/* The id of a type in it, -ENOENT */
int calib_find_type(struct calib_env *env, const char *name, u32 kind);
/* -errno, or a descriptor that env keeps */
int calib_map(struct calib_env *env, const char *kind, u32 size);
void calib_maps_close(struct calib_env *env);
/* All samples that were sent to @perf_read. */
void calib_samples_read(struct calib_env *env);
/* The maps of `from`, in another environment. */
void calib_maps_share(struct calib_env *env, const struct calib_env *from);
/* the map that holds results and buffer, and its memory */
int calib_results(struct calib_env *env);
/* a map of constants: a format, names, and 2 KiB of 'x' from 512 on */
int calib_constants(struct calib_env *env);

/* Layout of the results: one time per call, then numbers, then the buffer. */
struct calib_mem {
	u64 ns[CALIB_LOOP];
	u64 base; /* number of the first call of this run */
	u64 failed; /* calls that returned NULL or an error */
	u64 last_error;
	u64 total_ns; /* of the whole loop */
	char buf[CALIB_BUF];
};

struct calib_mem *calib_mem(struct calib_env *env);

/* BTF for programs with a callback. */
struct calib_btf {
	int fd;
	u32 main_id, callback_id;
};

struct calib_btf calib_btf(const struct calib_env *env);

struct calib_code {
	struct bpf_insn insns[4096];
	int n;
	int callback; /* instruction where it starts, 0: none */
	char error[160]; /* why it could not be generated */
};

/* With `empty`, all but the call: what the measuring itself costs. */
int calib_generate(struct calib_env *env, const struct calib_row *row, u32 size,
		   bool empty, struct calib_code *code);

/* Loads a program and can run it. */
struct calib_prog {
	int fd, link;
	enum calib_type type;
	bool deep; /* see CALIB_DEEP */
	struct calib_mem *mem;
};

/* -errno; log gets the end of the verifier's log */
int calib_load(struct calib_env *env, enum calib_type type,
	       const struct calib_code *code, struct calib_prog *prog,
	       char *log, size_t log_size);
int calib_run(const struct calib_prog *prog);
void calib_unload(struct calib_prog *prog);

/* What BPF_PROG_TEST_RUN cannot run; hooks.c. A descriptor or 0, or -errno */
int calib_hook_cgroup(int prog_fd, enum bpf_attach_type attach);
int calib_hook_perf(int prog_fd);
int calib_hook_listen(void);
int calib_hook_getsockopt(void);
int calib_hook_sample(int event, volatile u64 *last);
void calib_hooks_leave(void);

/* Interrupts so far, on all CPUs. */
u64 calib_interrupts(void);

/* What was seen of many calls, in ns. */
struct calib_sample {
	u64 best, worst, sum, calls, runs, outliers, outlier_max;
	u64 beyond; /* calls that took longer than the worst */
	u64 *kept; /* until it is settled: of each call that is not left out */
};

/* So many of a thousand calls are within the worst, of instructions, which no state makes
 * longer, and of runs from entry to return.
 */
#define CALIB_CALLS_PERMILLE 990
#define CALIB_INSNS_PERMILLE 900
#define CALIB_RUNS_PERMILLE 999

int calib_by_value(const void *a, const void *b); /* of u64 */
/* Generates a row's program and loads it, else says why not. -errno */
int calib_load_row(struct calib_env *env, const struct calib_row *row, u32 size,
		   bool empty, struct calib_prog *prog, char *why,
		   size_t why_size);
/* Takes the times of one run into the sample, less the overhead, and leaves out
 * those that its interrupts fell into.
 */
void calib_take_run(struct calib_sample *s, const u64 *ns, u64 overhead,
		    u64 interrupts);
/* All runs are taken: so many of a thousand calls are within the worst. */
void calib_settle(struct calib_sample *s, u32 permille);
/* The middle of what a program measures: all that is not the call. */
int calib_overhead(struct calib_env *env, const struct calib_prog *p,
		   u64 *overhead);

#define CALIB_PASSES_MAX 9
struct calib_opts {
	bool quick; /* one round, and no contention */
	const char *only; /* glob of names, NULL: all */
	u32 passes, max_error_pct;
	bool exact; /* the clock counts instructions: all is the call's */
	const struct model *again; /* only what it has, NULL: all */
	int verbose;
	void (*say)(void *arg, const char *name, const char *what);
	void *arg;
};

/* Is there a helper or kfunc of this kind? NULL: yes. */
bool calib_knows(const char *glob);
/* Each adds its entries; 0 or -errno with the fault set. What cannot be
 * measured here becomes a default with the reason.
 */
int calib_measure_calls(struct calib_env *env, const struct calib_opts *opts,
			struct model *m, struct fault *f);
int calib_measure_insns(struct calib_env *env, const struct calib_opts *opts,
			struct model *m, struct fault *f);
/* Those of the class of entries, and what a cold start takes; entry.c. -errno */
int calib_measure_entry(struct calib_env *env, const struct calib_opts *opts,
			struct model_entry *e, const struct model_entry *alu);
/* Widens a class by what was seen of one member, in ps. */
void calib_add_sample(struct model_entry *e, const struct calib_sample *s);
int calib_measure_cpus(struct calib_env *env, const struct calib_opts *opts,
		       struct model *m, struct fault *f);

/* All of it, in as many passes as asked for; passes.c says what becomes of entries
 * that the passes do not agree on. 0 or an exit status.
 */
int calib_measure(struct calib_env *env, const struct calib_opts *opts,
		  struct model *m, struct fault *f);
/* Makes unbounded what the kernel's model has no bound for, measured or not. -errno */
int calib_keep_unbounded(struct model *m);
/* As dear as in the kernel's model what no call that is measured shows, or what is not
 * measured; and as deep the chains of one type of hash as those of another.
 */
void calib_keep_state(struct model *m);
/* Has the kernel's built-in model no bound for it? */
bool calib_unbounded(const struct model_entry *e);

/* Widens an entry by another, in one of their numbers. */
#define LESS(to, e, f) ((to)->f = (e)->f < (to)->f ? (e)->f : (to)->f)
#define MORE(to, e, f) ((to)->f = (e)->f > (to)->f ? (e)->f : (to)->f)
/* Widens an entry by another of the same: what both saw is inside. Means are the caller's. */
void calib_widen(struct model_entry *to, const struct model_entry *e);

#endif
