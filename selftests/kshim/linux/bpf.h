/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the kernel's kernel/bpf/runtime/estimate.c, those that it shares the work with, and
 * run_samples.c need of the kernel, for a build in user space. They are meant to depend on
 * nothing else.
 */
#ifndef KSHIM_BPF_H
#define KSHIM_BPF_H

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include_next <linux/bpf.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef struct {
	int64_t counter;
} atomic64_t;

typedef struct {
	int counter;
} atomic_t;

/* There is one thread. */
#define atomic_read(v) ((v)->counter)
#define atomic_inc_return(v) ((v)->counter = (int)((u32)(v)->counter + 1))
#define atomic_sub(n, v) ((v)->counter = (int)((u32)(v)->counter - (n)))
#define atomic64_inc(v) ((v)->counter++)
#define ilog2(n) (63 - __builtin_clzll(n))
#define likely(cond) (cond)

#define U32_MAX UINT32_MAX
#define U64_MAX UINT64_MAX
#define BIT(n) (1UL << (n))
#define min(a, b) ((a) < (b) ? (a) : (b))
#define max(a, b) ((a) > (b) ? (a) : (b))

#define GFP_KERNEL_ACCOUNT 0
#define kvcalloc(n, size, gfp) calloc(n, size)
#define kvmalloc_array(n, size, gfp) malloc((n) * (size))
#define kvrealloc(p, size, gfp) realloc(p, size)
#define kvfree free
#define array_size(n, size) ((n) * (size))
#define cond_resched() ((void)0)
#define WARN_ON_ONCE(cond) ((cond) ? (abort(), true) : false)

static inline size_t size_add(size_t a, size_t b)
{
	size_t sum;

	return __builtin_add_overflow(a, b, &sum) ? SIZE_MAX : sum;
}

static inline size_t size_mul(size_t a, size_t b)
{
	size_t product;

	return __builtin_mul_overflow(a, b, &product) ? SIZE_MAX : product;
}

#endif
