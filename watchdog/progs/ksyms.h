/* SPDX-License-Identifier: GPL-2.0 */
/* Names of addresses in the kernel. */
#ifndef BPFWD_KSYMS_H
#define BPFWD_KSYMS_H

#include "show/types.h"

/* Names n addresses, in names[]: each to be freed, its number where it has no name.
 * 0 or -errno.
 */
int ksyms_name(const u64 *addrs, size_t n, char **names);

#endif
