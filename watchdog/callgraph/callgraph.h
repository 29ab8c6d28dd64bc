/* SPDX-License-Identifier: GPL-2.0 */
/* Which functions, tracepoints and other hooks of the running kernel can be reached
 * from which, by direct calls: read from its own machine code.
 */
#ifndef BPFWD_CALLGRAPH_H
#define BPFWD_CALLGRAPH_H

#include "show/fault.h"
#include "show/types.h"

struct callgraph;

/* From the cache, else from the vmlinux that belongs to the running kernel, else
 * from its memory (/proc/kcore). vmlinux: this file and no other; NULL: look for
 * it. 0 or an exit status.
 */
int callgraph_load(struct callgraph **cg, const char *vmlinux, struct fault *f);
void callgraph_free(struct callgraph *cg);
/* Opens the kernel's memory for all later loads of a process that is about to give
 * up CAP_SYS_RAWIO. Where that is not possible, what is in the cache is left.
 */
void callgraph_keep_memory(void);
/* Another number: other modules are loaded than before. */
u64 callgraph_modules(void);

/* Where it comes from, for the user: "vmlinux /boot/vmlinux-6.12 (cached)". */
const char *callgraph_source(const struct callgraph *cg);
size_t callgraph_functions(const struct callgraph *cg);
size_t callgraph_calls(const struct callgraph *cg);

/* Of them, calls through pointers that a table knows, */
size_t callgraph_known(const struct callgraph *cg);
/* and that callgraph_observe() has seen. */
size_t callgraph_observed(const struct callgraph *cg);
/* Follows calls of the kernel for a while, or until *stop is set, and keeps those
 * that the graph does not have for later ones. globs: of functions that are called,
 * none: all. *n: how many. 0 or an exit status.
 */
int callgraph_observe(struct callgraph *cg, char *const *globs, int n_globs,
		      u64 for_ns, const volatile int *stop, size_t *n,
		      struct fault *f);

/* What is reached from some functions in at most depth calls, 0: in any number. */
struct reach;

/* *missing: the first root that this kernel does not have, NULL: it has all. -ENOENT: it
 * has none.
 */
int callgraph_reach(const struct callgraph *cg, char *const *roots, u32 n,
		    u32 depth, struct reach **reach, const char **missing);
void reach_free(struct reach *reach);
/* As the kernel's policy takes it: names of functions, hooks of tracepoints, other
 * hooks and families of them, ascending, each ends with 0. NULL: no memory.
 */
char *reach_members(const struct reach *reach, u32 *n, size_t *size);
/* Is this hook in it? SEC() spelling, perhaps with an offset. */
bool reach_has(const struct reach *reach, const char *hook);
/* "a -> b -> c" from a root to the hook's function, malloc()ed; NULL: not in it. */
char *reach_path(const struct reach *reach, const char *hook);
size_t reach_functions(const struct reach *reach);
size_t reach_tracepoints(const struct reach *reach);
/* Other hooks, a family of them is one. */
size_t reach_hooks(const struct reach *reach);
/* Calls through pointers in its functions: where they lead is not known. */
u64 reach_indirect(const struct reach *reach);

#endif
