/* SPDX-License-Identifier: GPL-2.0 */
/* Shared by callgraph*.c: the graph in arrays that are also its cache file. */
#ifndef BPFWD_CALLGRAPH_PRIV_H
#define BPFWD_CALLGRAPH_PRIV_H

#include "callgraph/callgraph.h"
#include "show/fault.h"
#include "show/types.h"

#define BUILD_ID_LEN 20

/* Nodes are functions, then tracepoints and hooks, the names of which begin with
 * CG_TRACEPOINT and CG_HOOK. A function may have several names.
 */
#define CG_TRACEPOINT "tp:"
#define CG_HOOK "hook:"

struct cg_name {
	u32 text; /* offset in strings */
	u32 node;
};

struct cg_head {
	char magic[8];
	unsigned char build_id[BUILD_ID_LEN];
	u32 with_modules; /* 0: of the kernel's file alone */
	u32 n_nodes, n_functions, n_names, n_edges, strings_size, n_modules;
};

struct callgraph {
	struct cg_head head;
	u32 *edge_start; /* n_nodes + 1 */
	u32 *edges; /* n_edges: nodes */
	u32 *indirect; /* n_nodes: calls through pointers */
	struct cg_name *names; /* n_names, by text and then by node */
	char *strings;
	u64 *modules; /* n_modules: what each is known by, ascending */
	char source[256];
	char observed_path[512];
	size_t observed, known; /* edges that no code shows */
};

/* Edges, in a list that grows. */
struct cg_pair {
	u32 from, to;
};

struct cg_pairs {
	struct cg_pair *all;
	size_t n, size;
};

/* A function of the kernel that runs programs of some hooks, or families of hooks.
 * It is there in a kernel that is built with CONFIG_<config>.
 */
struct cg_hook {
	const char *function, *config;
	const char *hooks[18]; /* up to NULL */
};

const struct cg_hook *cg_hooks(size_t *n);
/* Is a symbol this function, or a part of it that the compiler made? */
bool cg_is_function(const char *symbol, const char *function);

/* What leaves a function, or goes elsewhere in it. */
struct cg_branch {
	bool indirect, call; /* through a pointer; and it is a call */
	u64 to; /* if it is not indirect */
};
typedef void (*cg_take_branch)(void *arg, const struct cg_branch *branch);

/* False: this bpfwd was built without what decodes instructions. */
bool cg_can_decode(void);
/* All branches of a function's code, in order; without @bytes there are none. */
void cg_decode(const unsigned char *bytes, u64 size, u64 addr,
	       cg_take_branch take, void *arg);

/* Fills all but build_id, modules and source. 0 or an exit status. */
int cg_read_elf(struct callgraph *cg, const char *path, struct fault *f);
int cg_read_kcore(struct callgraph *cg, struct fault *f);
/* What is loaded now, ascending; *n: how many. NULL: no memory. */
u64 *cg_modules(u32 *n);
/* Adds the calls that were observed earlier, if there are any. */
void cg_add_observed(struct callgraph *cg, const char *path);
/* Adds those of the table of pointers that everybody goes through. */
void cg_add_known(struct callgraph *cg);
/* 0 or -errno. */
int cg_pairs_add(struct cg_pairs *p, u32 from, u32 to);
/* Adds those that the graph does not have; how many. Without memory: none. */
u32 cg_pairs_merge(struct callgraph *cg, struct cg_pairs *p);
/* Is what a function calls no part of what has called it? */
bool cg_is_stop(const char *function);
/* The first name that is not less. */
u32 cg_find_name(const struct callgraph *cg, const char *text);
/* The first name at or behind one that is this function, or a part of it; or that begins with
 * what is before a star. n_names: there is none.
 */
u32 cg_next_named(const struct callgraph *cg, const char *name, u32 from);
/* Of an ELF file's notes; of the running kernel with path NULL. -ENOENT: none. */
int cg_build_id(const char *path, unsigned char id[BUILD_ID_LEN]);

#endif
