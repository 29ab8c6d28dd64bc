/* SPDX-License-Identifier: GPL-2.0 */
/* What names the BTF of a program: its SHA-256, as the kernel's policy has it. */
#ifndef BPFWD_DIGEST_H
#define BPFWD_DIGEST_H

#include "show/types.h"

#define DIGEST_SIZE 32

void sha256(const void *data, size_t size, unsigned char digest[DIGEST_SIZE]);
/* Of the data of a BTF object as it was loaded, in hexadecimal digits; NULL: it cannot be
 * read. It is read once.
 */
const char *btf_digest(u32 btf_id);

#endif
