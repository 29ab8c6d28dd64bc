/* SPDX-License-Identifier: GPL-2.0 */
/* Where programs are attached, in the spelling of SEC(). */
#ifndef BPFWD_HOOKS_H
#define BPFWD_HOOKS_H

#include <linux/bpf.h>
#include "progs/btfs.h"

struct hooks;

struct hooks *hooks_load(void);
void hooks_free(struct hooks *hooks);

/* The hooks of a program as a NULL-terminated list, owned by hooks. A program
 * that can be attached without a link has at least its type's SEC() name.
 */
const char *const *hooks_of(struct hooks *hooks, struct btfs *btfs,
			    const struct bpf_prog_info *info);

#endif
