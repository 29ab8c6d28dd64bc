/* SPDX-License-Identifier: GPL-2.0 */
/* The words that every file of the tool uses. */
#ifndef BPFWD_TYPES_H
#define BPFWD_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t u64;
typedef uint32_t u32;

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif
