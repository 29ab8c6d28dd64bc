/* SPDX-License-Identifier: GPL-2.0 */
/* Loaded programs: selecting them as bpftool does, and what is known of each.
 */
#ifndef BPFWD_PROG_H
#define BPFWD_PROG_H

#include <linux/bpf.h>
#include "show/fault.h"

struct place;
struct holder;

struct prog {
	struct bpf_prog_info info;
	u32 info_len; /* what the kernel filled; older ones fill less */
	char *name; /* the full one, from BTF where it has it */
	bool name_cut; /* only the kernel's first 15 characters are known */
	char tag[2 * BPF_TAG_SIZE + 1];
	char type[32];
	const char *const *hooks; /* NULL-terminated, never NULL itself */
	const struct place *places; /* where it is attached, each for itself */
	size_t n_places;
	/* with PROGS_HOLDERS: */
	const struct holder *holders; /* processes, then pins */
	size_t n_holders;
	char *owner; /* the most telling one */
	/* with PROGS_TIMES, see run_times.h; NULL: none was timed */
	u64 *times;
	u32 n_times;
};

/* PROG := id N | name N | tag T | pinned PATH | N, a bare number being an id and
 * a bare word a name
 */
struct prog_sel;

/* Takes PROGs from the front of argv while it can and says how many words. A
 * NULL selection means all programs. 0 or an exit status.
 */
int prog_sel_parse(struct prog_sel **sel, int argc, char **argv, int *used,
		   struct fault *f);
void prog_sel_free(struct prog_sel *sel);

struct progs;

enum { PROGS_HOOKS = 1, PROGS_HOLDERS = 2 /* and hooks */, PROGS_TIMES = 8 };

/* The selected programs that are loaded now, by ascending id. Exit status 5 if
 * a PROG matches none.
 */
int progs_load(struct progs **progs, const struct prog_sel *sel, int what,
	       struct fault *f);
void progs_free(struct progs *progs);
size_t progs_count(const struct progs *progs);
const struct prog *progs_get(const struct progs *progs, size_t i);
/* By id, NULL if it is not there. */
const struct prog *progs_find(const struct progs *progs, u32 id);

/* For commands that change programs: refuses more than one per PROG unless all
 * is set. 0 or an exit status.
 */
int progs_one_each(const struct progs *progs, const struct prog_sel *sel,
		   bool all, struct fault *f);

#endif
