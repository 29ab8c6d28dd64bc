/* SPDX-License-Identifier: GPL-2.0 */
/* A cost model on its way into the kernel and back. */
#ifndef BPFWD_LOAD_H
#define BPFWD_LOAD_H

#include "calibrate/model.h"
#include "show/fault.h"

/* What loading left out or changed. */
struct model_loaded {
	u64 generation;
	size_t entries, foreign; /* kfuncs that this kernel does not have */
	u32 cpus; /* that contention was counted in for */
};

/* Replaces the kernel's model by this one, or changes nothing. What the kernel
 * refuses is said with the line of the file. 0 or an exit status.
 */
int model_load(const struct model *m, struct model_loaded *loaded,
	       struct fault *f);
/* The kernel's model, as it was loaded. 0 or an exit status. */
int model_loaded(struct model *m, u64 *generation, struct fault *f);

#endif
