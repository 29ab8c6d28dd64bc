// SPDX-License-Identifier: GPL-2.0
/* Calls through pointers, as far as they were seen: the function tracer tells the
 * caller of each function that runs, with its own ring, for a while. What the code
 * does not show is kept beside the call graph, and becomes part of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tracefs.h>
#include <unistd.h>
#include "callgraph/priv.h"
#include "show/duration.h"
#include "show/types.h"

#define MAX_SEEN 200000

static int observe_compare(const void *a, const void *b)
{
	const struct cg_pair *x = a, *y = b;

	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	return x->to < y->to ? -1 : x->to > y->to;
}

static void sort(struct cg_pairs *p)
{
	size_t kept = 0;

	if (!p->n)
		return;
	qsort(p->all, p->n, sizeof(*p->all), observe_compare);
	for (size_t i = 0; i < p->n; i++)
		if (!kept || observe_compare(&p->all[i], &p->all[kept - 1]))
			p->all[kept++] = p->all[i];
	p->n = kept;
}

int cg_pairs_add(struct cg_pairs *p, u32 from, u32 to)
{
	struct cg_pair *all;

	if (p->n == p->size) {
		/* most are there already: make room by that first */
		sort(p);
		if (p->n > MAX_SEEN)
			return -E2BIG;
	}
	if (p->n >= p->size / 2 && p->n + 1 >= p->size) {
		all = reallocarray(p->all, 2 * p->size + 65536, sizeof(*all));
		if (!all)
			return -ENOMEM;
		p->all = all;
		p->size = 2 * p->size + 65536;
	}
	p->all[p->n++] = (struct cg_pair){ from, to };
	return 0;
}

/* The only function of this name, false: none, or several. */
static bool find_node(const struct callgraph *cg, const char *name, u32 *node)
{
	u32 at = cg_find_name(cg, name);

	if (at == cg->head.n_names ||
	    strcmp(cg->strings + cg->names[at].text, name))
		return false;
	*node = cg->names[at].node;
	return (at + 1 == cg->head.n_names ||
		strcmp(cg->strings + cg->names[at + 1].text, name)) &&
	       *node < cg->head.n_functions;
}

static bool has_edge(const struct callgraph *cg, u32 from, u32 to)
{
	for (u32 i = cg->edge_start[from]; i < cg->edge_start[from + 1]; i++)
		if (cg->edges[i] == to)
			return true;
	return false;
}

u32 cg_pairs_merge(struct callgraph *cg, struct cg_pairs *p)
{
	u32 n_nodes = cg->head.n_nodes, *start, *edges, n = 0, added = 0;
	size_t k = 0;

	sort(p);
	start = calloc(n_nodes + 1ULL, sizeof(*start));
	edges = calloc(cg->head.n_edges + p->n + 1, sizeof(*edges));
	if (!start || !edges) {
		free(start);
		free(edges);
		return 0;
	}
	for (u32 i = 0; i < n_nodes; i++) {
		start[i] = n;
		for (u32 e = cg->edge_start[i]; e < cg->edge_start[i + 1]; e++)
			edges[n++] = cg->edges[e];
		for (; k < p->n && p->all[k].from == i; k++) {
			if (has_edge(cg, i, p->all[k].to))
				continue;
			edges[n++] = p->all[k].to;
			added++;
		}
	}
	start[n_nodes] = n;
	free(cg->edge_start);
	free(cg->edges);
	cg->edge_start = start;
	cg->edges = edges;
	cg->head.n_edges = n;
	return added;
}

void cg_add_observed(struct callgraph *cg, const char *path)
{
	FILE *f = fopen(path, "re");
	struct cg_pairs p = {};
	char from[256], to[256];
	u32 a, b;

	/* "CALLER CALLEE"; what this kernel does not have is not meant */
	while (f && fscanf(f, "%255s %255s", from, to) == 2)
		if (find_node(cg, from, &a) && find_node(cg, to, &b) &&
		    cg_pairs_add(&p, a, b))
			break;
	if (f)
		fclose(f);
	if (p.n)
		cg->observed = cg_pairs_merge(cg, &p);
	free(p.all);
}

/* "  cat-1 [000] ..... 1.5: vfs_read <-ksys_read" */
static int observe_take_line(const struct callgraph *cg, char *line,
			     struct cg_pairs *p)
{
	char *arrow = strstr(line, " <-"), *callee;
	u32 from, to;

	if (!arrow)
		return 0;
	*arrow = '\0';
	callee = strrchr(line, ' ');
	arrow += 3;
	arrow[strcspn(arrow, " +\n")] = '\0';
	if (!callee || !find_node(cg, arrow, &from) ||
	    !find_node(cg, callee + 1, &to) || from == to ||
	    has_edge(cg, from, to))
		return 0;
	return cg_pairs_add(p, from, to);
}

static int observe_follow(const struct callgraph *cg,
			  struct tracefs_instance *ring, u64 for_ns,
			  const volatile int *stop, struct cg_pairs *p)
{
	int fd = tracefs_instance_file_open(ring, "trace_pipe",
					    O_RDONLY | O_NONBLOCK),
	    err = 0;
	static char buf[1 << 16];
	size_t len = 0;
	u64 start = clock_ns(CLOCK_MONOTONIC);

	if (fd < 0)
		return -errno;
	while (!err && !*stop) {
		char *line = buf, *eol;
		ssize_t n;

		if (clock_ns(CLOCK_MONOTONIC) - start >= for_ns)
			break;
		n = read(fd, buf + len, sizeof(buf) - 1 - len);
		if (n < 0 && errno == EAGAIN) {
			poll(&(struct pollfd){ fd, POLLIN, 0 }, 1, 50);
			continue;
		}
		if (n <= 0)
			break;
		len += n;
		buf[len] = '\0';
		while (!err && (eol = strchr(line, '\n'))) {
			*eol = '\0';
			err = observe_take_line(cg, line, p);
			line = eol + 1;
		}
		len -= line - buf;
		/* a line that does not end is none */
		len = len == sizeof(buf) - 1 ? 0 : len;
		memmove(buf, line, len);
	}
	close(fd);
	return err;
}

static int save(const struct callgraph *cg, const struct cg_pairs *p,
		const char *path)
{
	u32 *name = calloc(cg->head.n_nodes + 1ULL, sizeof(*name));
	FILE *f = name ? fopen(path, "ae") : NULL;
	int err = 0;

	if (!f) {
		err = name ? -errno : -ENOMEM;
		free(name);
		return err;
	}
	for (u32 i = 0; i < cg->head.n_names; i++)
		name[cg->names[i].node] = cg->names[i].text;
	for (size_t i = 0; i < p->n; i++)
		fprintf(f, "%s %s\n", cg->strings + name[p->all[i].from],
			cg->strings + name[p->all[i].to]);
	free(name);
	return fclose(f) ? -errno : 0;
}

/* 0, -EINVAL: *bad matches no function that can be traced, or -ENODEV. */
static int trace(struct tracefs_instance *ring, char *const *globs, int n_globs,
		 const char **bad)
{
	for (int i = 0; i < n_globs; i++) {
		char word[128];

		/* with its end, so that an error is that of this write */
		snprintf(word, sizeof(word), "%s\n", globs[i]);
		*bad = globs[i];
		if (strlen(globs[i]) + 2 > sizeof(word) ||
		    tracefs_instance_file_append(ring, "set_ftrace_filter",
						 word) < 0)
			return -EINVAL;
	}
	return tracefs_instance_file_write(ring, "current_tracer", "function") <
			       0 ?
		       -ENODEV :
		       0;
}

int callgraph_observe(struct callgraph *cg, char *const *globs, int n_globs,
		      u64 for_ns, const volatile int *stop, size_t *n,
		      struct fault *f)
{
	struct tracefs_instance *ring;
	const char *bad = NULL;
	struct cg_pairs p = {};
	char name[32];
	int err;

	snprintf(name, sizeof(name), "bpfwd-observe-%d", getpid());
	tracefs_set_loglevel(TEP_LOG_NONE);
	ring = tracefs_instance_create(name);
	if (!ring)
		return fault_set(f,
				 errno == EPERM || errno == EACCES ?
					 EXIT_LACKS :
					 EXIT_FAILED,
				 errno, "no trace ring of our own");
	err = trace(ring, globs, n_globs, &bad);
	if (!err)
		err = observe_follow(cg, ring, for_ns, stop, &p);
	tracefs_instance_file_write(ring, "current_tracer", "nop");
	tracefs_instance_destroy(ring);
	tracefs_instance_free(ring);
	sort(&p);
	*n = p.n;
	if (!err)
		err = save(cg, &p, cg->observed_path);
	free(p.all);
	if (err == -EINVAL)
		return fault_set(f, EXIT_USAGE, err,
				 "no function to trace is called '%s'", bad);
	if (err == -ENODEV) {
		fault_set(f, EXIT_LACKS, err, "calls cannot be observed");
		return fault_why(f, "the kernel has no function tracer "
				    "(CONFIG_FUNCTION_TRACER)");
	}
	return err ? fault_set(f, EXIT_FAILED, err,
			       "cannot observe calls, or keep them in %s",
			       cg->observed_path) :
		     0;
}
