/* SPDX-License-Identifier: GPL-2.0 */
/* The cost model of the kernel: the command BPF_COST_MODEL. */
#ifndef BPFWD_KWD_MODEL_H
#define BPFWD_KWD_MODEL_H

#include "model.h"

/* What loading left out or changed. */
struct kwd_loaded {
	u64 generation;
	size_t entries, foreign; /* kfuncs that this kernel does not have */
	u32 cpus; /* that contention was counted in for */
};

/* Replaces the kernel's model by this one, or changes nothing. What the kernel
 * refuses is said with the line of the file. 0 or an exit status.
 */
int kwd_model_set(const struct model *m, struct kwd_loaded *loaded,
		  struct fault *f);
/* The kernel's model, as it was loaded. 0 or an exit status. */
int kwd_model_get(struct model *m, u64 *generation, struct fault *f);
int kwd_model_reset(struct fault *f);
/* "2026-11-24 QEMU", empty for the built-in one; -errno */
int kwd_model_label(char *label, size_t size, u64 *generation);

#endif
