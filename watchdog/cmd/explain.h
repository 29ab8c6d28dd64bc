/* SPDX-License-Identifier: GPL-2.0 */
/* The worst path of a program by source line, for who prints it elsewhere. */
#ifndef BPFWD_EXPLAIN_H
#define BPFWD_EXPLAIN_H

#include <stdio.h>
#include "kernel/machine.h"
#include "progs/btfs.h"

struct btf;

struct explainer {
	struct btfs *btfs;
	struct btf *vmlinux; /* for names of kfuncs; NULL: unknown */
	struct model_use model; /* that bounds are made with */
	u64 budget_ns; /* of programs without one of their own, 0: unknown */
};

int explainer_open(struct explainer *x);
void explainer_close(struct explainer *x);
/* As `bpfwd explain` prints it. 0, -ENOSYS: this kernel does not estimate, or -errno. */
int explainer_write(const struct explainer *x, FILE *to, int fd,
		    const char *name, const char *where);

#endif
