/* SPDX-License-Identifier: GPL-2.0 */
/* This machine, as far as costs depend on it: they hold for one kernel build on one
 * type of processor with one microcode. And whether the kernel's cost model is of it.
 */
#ifndef BPFWD_MACHINE_H
#define BPFWD_MACHINE_H

#include <linux/bpf.h>
#include "show/types.h"

#define MACHINE_TEXT_LEN 128

struct machine {
	char cpu[MACHINE_TEXT_LEN], microcode[32];
	char kernel[MACHINE_TEXT_LEN], build[MACHINE_TEXT_LEN];
};

void machine_here(struct machine *m);
/* In what one is not this one: "kernel 6.12.0 (here 6.12.1), ..."; false if it is. */
bool machine_differs(const struct machine *m, char *how, size_t size);
/* What the kernel keeps of a model's origin: its date, kernel and processor. */
void machine_label(const struct machine *m, const char *date,
		   char label[BPF_COST_LABEL_LEN]);

/* The model that the kernel estimates with. */
struct model_use {
	bool loaded; /* no: the built-in one */
	bool stale; /* of another kernel or processor, or nobody knows of which */
	u64 generation;
	char text[128]; /* for the reader, one line */
};

/* -errno: this kernel makes no estimates */
int model_in_use(struct model_use *use);

/* "built-in", "calibrated" or "stale" */
const char *model_source(const struct model_use *use);
/* The same, of the model that a bound was made with. */
const char *estimate_source(const struct bpf_prog_info *info,
			    const struct model_use *use);

#endif
