/* SPDX-License-Identifier: GPL-2.0 */
/* BTF objects of the kernel by id, each loaded once. */
#ifndef BPFWD_BTFS_H
#define BPFWD_BTFS_H

#include "show/types.h"

struct btf;
struct btfs;

struct btfs *btfs_new(void);
void btfs_free(struct btfs *btfs);
/* One of them, NULL if it cannot be loaded. */
const struct btf *btfs_get(struct btfs *btfs, u32 obj_id);
/* The name of a type, NULL if there is none. */
const char *btfs_name(struct btfs *btfs, u32 obj_id, u32 type_id);
/* A string by its offset, NULL if there is none. */
const char *btfs_string(struct btfs *btfs, u32 obj_id, u32 offset);

#endif
