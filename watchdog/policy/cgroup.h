/* SPDX-License-Identifier: GPL-2.0 */
/* Control groups of version 2 by their paths. */
#ifndef BPFWD_POLICY_CGROUP_H
#define BPFWD_POLICY_CGROUP_H

#include "show/types.h"

/* The id of the one at a path below where they are mounted; 0: there is none. */
u64 cgroup_find(const char *path);

#endif
