/* SPDX-License-Identifier: GPL-2.0 */
/* Which processes hold a program, by its descriptors and those of its links. */
#ifndef BPFWD_OWNER_H
#define BPFWD_OWNER_H

#include "show/types.h"

struct owners;

struct owners *owners_load(void);
void owners_free(struct owners *owners);
/* "comm[pid]", with " +N" for N further ones; NULL: nobody known. */
const char *owners_of(const struct owners *owners, u32 prog_id);

#endif
