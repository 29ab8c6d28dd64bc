/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Kill everywhere: programs of others, such as the kernel's own BPF selftests,
 * are loaded, run, and ended at each of their calls and anywhere else.
 */
#ifndef CORPUS_H
#define CORPUS_H

#include "harness/test_util.h"

#define CORPUS_MAX_PROGS 512 /* of an object */
#define CORPUS_MAX_CALLS 8192 /* different calls of all programs of an object */

enum {
	KILL_AT_CALLS = 1 << 0,
	KILL_ANYWHERE = 1 << 1,
};

struct corpus_opts {
	const char *dir; /* objects to load */
	const char *names; /* a file with their names, one a line; NULL: all */
	const char *glob; /* of their names; NULL: all */
	const char *
		rows; /* results are appended to it, and what is there is skipped */
	const char *classes; /* the same for call targets and classes */
	const char
		*bounds; /* what runs take and their bounds, instead of kills */
	unsigned int rounds; /* with other contents of maps and variables */
	unsigned int kills; /* KILL_* */
	unsigned int sweep_ms; /* for the calls of a program, in a round */
	unsigned int anywhere_ms; /* for each program and round */
	bool attach; /* drive programs through their hooks as well */
};

struct corpus_prog {
	char name[64];
	__u32 type; /* enum bpf_prog_type */
	bool loaded, driven;
	bool cut_short; /* not ended at each call, for lack of time */
	__u32 terminable; /* enum bpf_terminable, when it was loaded */
	__u32 calls; /* CALL instructions */
	int may_loop; /* 1, 0; -1: not known */
	__u64 at_calls,
		at_calls_distinct; /* kill points; distinct by call number and address */
	__u64 anywhere, anywhere_distinct; /* distinct by address */
};

struct corpus_call {
	char target[64]; /* what is called: a symbol, or "pc+N" */
	char class[8];
	char program[64];
	__u32 sites;
};

/* What the process of an object tells; it may crash. */
struct corpus_object {
	__u32 nr_progs, nr_calls;
	bool opened;
	struct corpus_prog progs[CORPUS_MAX_PROGS];
	struct corpus_call calls[CORPUS_MAX_CALLS];
};

struct corpus_totals {
	unsigned int objects, opened,
		died; /* died: a crash or no end in time */
	unsigned int programs, loaded, driven, can_overrun, terminable;
	unsigned int cut_short,
		missed; /* driven without a kill point: too short, and no call is reached */
	unsigned int reasons[64]; /* by enum bpf_terminable, of those that load */
	__u64 at_calls, at_calls_distinct, anywhere, anywhere_distinct;
	unsigned int splats, leaks;
};

/* corpus.c: all objects. With @scan, the kernel log is read after each. */
void corpus_run(const struct corpus_opts *opts, bool scan,
		struct corpus_totals *totals);
void corpus_print(const struct corpus_totals *totals);
/* A part of the kernel's own BPF selftests; all of them: scripts/test-all.sh. */
struct corpus_opts corpus_subset(void);
int corpus_main(const struct corpus_opts *opts);

/* Objects that nothing refers to, and are younger than the last call; shows some of them. */
unsigned int kmemleak(bool show);

/* object.c: in a process of its own. */
void corpus_do_object(const struct corpus_opts *opts, const char *path,
		      struct corpus_object *result);
/* object.c: has runs counted, until this process is gone. */
void corpus_count_runs(void);
/* seed.c: fills maps and variables, so that programs take other branches. */
void corpus_seed(struct bpf_object *obj, unsigned int round);

/* kill.c */
void corpus_kill(const struct corpus_opts *opts, struct bpf_object *obj,
		 struct bpf_program *prog, struct corpus_prog *row);

/* bounds.c: a line for it in the file, if it runs. */
void corpus_bounds(const struct corpus_opts *opts, const char *object,
		   struct bpf_object *obj, struct bpf_program *prog,
		   struct corpus_prog *row);

/*
 * call_table.c: are the classes in the file those of call_classes.tsv, or in
 * call_classes.except with a reason? Others count as failures.
 */
void call_table_compare(const char *file);
/* Has each row of the table that is marked DANGER a line in danger.tsv? */
void call_table_check_danger(const char *classes);

/* drive.c: the ways in which a program can be made to run. */
struct drive;
struct drive *drive_open(struct bpf_program *prog, bool attach);
void drive_close(struct drive *d);
unsigned int drive_ways(const struct drive *d);
/* Where the kernel can, @repeat times in a row. */
void drive_run(struct drive *d, unsigned int way, unsigned int repeat);

#endif
