/* SPDX-License-Identifier: GPL-2.0 */
/* Where programs are attached, in the spelling of SEC(). */
#ifndef BPFWD_HOOKS_H
#define BPFWD_HOOKS_H

#include "progs/btfs.h"
#include "progs/place.h"
#include "progs/prog.h"

struct hooks;

/* Where these programs are. Who only shows hooks need not look into maps and
 * processes as long as each program is found elsewhere; `all` looks everywhere.
 */
struct hooks *hooks_load(struct btfs *btfs, const struct prog *progs, size_t n,
			 bool all);
void hooks_free(struct hooks *hooks);

/* The hooks of a program as a NULL-terminated list, each once, owned by hooks. A
 * program that can be attached without a link has at least its type's SEC() name.
 */
const char *const *hooks_of(struct hooks *hooks,
			    const struct bpf_prog_info *info);
/* Each place for itself. */
const struct place *hooks_places(const struct hooks *hooks, u32 prog_id,
				 size_t *n);

#endif
