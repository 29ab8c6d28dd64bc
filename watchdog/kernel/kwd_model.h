/* SPDX-License-Identifier: GPL-2.0 */
/* The cost model of the kernel: the command BPF_COST_MODEL. */
#ifndef BPFWD_KWD_MODEL_H
#define BPFWD_KWD_MODEL_H

#include <linux/bpf.h>
#include "show/fault.h"

struct kwd_model {
	struct bpf_cost_entry *entries;
	u32 n;
	char label[BPF_COST_LABEL_LEN + 1]; /* empty: the built-in one */
	u64 generation;
	/* why the kernel refuses it, and which entry; 0: it does not say */
	u32 bad_reason, bad_entry;
};

/* Replaces the kernel's model by this one, or changes nothing. -errno */
int kwd_model_set(struct kwd_model *m);
/* The kernel's model, as it was loaded. -errno */
int kwd_model_get(struct kwd_model *m);
void kwd_model_free(struct kwd_model *m);
/* What a small program takes at worst by the kernel's model: one that looks up an
 * element of a map, updates one, and has a hundred instructions. ns, 0: not known
 */
u64 kwd_model_small_program(void);
/* What is wrong with an entry, in words. */
const char *kwd_model_reason(u32 reason);
/* Fills the fault for what these return; returns its exit status. */
int kwd_model_fault(struct fault *f, int err, const char *what);
/* 0 or an exit status. */
int kwd_model_reset(struct fault *f);
/* "2026-11-24 QEMU", empty for the built-in one; -errno */
int kwd_model_label(char *label, size_t size, u64 *generation);

#endif
