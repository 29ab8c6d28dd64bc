// SPDX-License-Identifier: GPL-2.0
/* The call graph of the running kernel: where it comes from, and where it is kept.
 * What is kept belongs to one build of the kernel, so it never gets old. That of
 * memory holds modules, too. It is good for each boot that has no others: what is
 * not loaded (yet) runs no programs.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>
#include "callgraph/priv.h"
#include "show/fault.h"
#include "show/types.h"

#define MAGIC "bpfwdcg3"
#define MAX_ITEMS (1U << 26)

static void clear(struct callgraph *cg)
{
	free(cg->edge_start);
	free(cg->edges);
	free(cg->indirect);
	free(cg->names);
	free(cg->strings);
	free(cg->modules);
	memset(cg, 0, sizeof(*cg));
}

void callgraph_free(struct callgraph *cg)
{
	if (!cg)
		return;
	clear(cg);
	free(cg);
}

const char *callgraph_source(const struct callgraph *cg)
{
	return cg->source;
}

size_t callgraph_functions(const struct callgraph *cg)
{
	return cg->head.n_functions;
}

size_t callgraph_calls(const struct callgraph *cg)
{
	return cg->head.n_edges;
}

size_t callgraph_known(const struct callgraph *cg)
{
	return cg->known;
}

size_t callgraph_observed(const struct callgraph *cg)
{
	return cg->observed;
}

/* ---- The cache ---- */

static int cache_dir(char *buf, size_t size)
{
	const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	int n;

	if (xdg && *xdg == '/')
		n = snprintf(buf, size, "%s/bpfwd", xdg);
	else if (!geteuid())
		n = snprintf(buf, size, "/var/cache/bpfwd");
	else
		n = snprintf(buf, size, "%s/.cache/bpfwd", home ? home : "");
	return n > 0 && (size_t)n < size ? 0 : -ENAMETOOLONG;
}

/* kind: what of a kernel it is. */
static int cache_path(const struct cg_head *head, const char *kind,
		      bool with_modules, char *buf, size_t size)
{
	size_t at;

	if (cache_dir(buf, size))
		return -ENAMETOOLONG;
	at = strlen(buf);
	if (size - at < 2 * BUILD_ID_LEN + 32)
		return -ENAMETOOLONG;
	at += sprintf(buf + at, "/%s-", kind);
	for (int i = 0; i < BUILD_ID_LEN; i++)
		at += sprintf(buf + at, "%02x", head->build_id[i]);
	if (with_modules)
		sprintf(buf + at, "-modules");
	return 0;
}

static int graph_path(const struct callgraph *cg, char *buf, size_t size)
{
	return cache_path(&cg->head, "callgraph", cg->head.with_modules, buf,
			  size);
}

struct part {
	void **data;
	size_t size;
};

#define PARTS 6

static void parts_of(struct callgraph *cg, struct part parts[PARTS])
{
	const struct cg_head *h = &cg->head;

	parts[0] = (struct part){ (void **)&cg->edge_start,
				  (h->n_nodes + 1ULL) * sizeof(u32) };
	parts[1] =
		(struct part){ (void **)&cg->edges, h->n_edges * sizeof(u32) };
	parts[2] = (struct part){ (void **)&cg->indirect,
				  h->n_nodes * sizeof(u32) };
	parts[3] = (struct part){ (void **)&cg->names,
				  h->n_names * sizeof(struct cg_name) };
	parts[4] = (struct part){ (void **)&cg->strings, h->strings_size };
	parts[5] = (struct part){ (void **)&cg->modules,
				  h->n_modules * sizeof(u64) };
}

/* Whatever the file holds, no index leads out of the arrays. */
static bool sound(const struct callgraph *cg)
{
	const struct cg_head *h = &cg->head;

	if (h->n_functions > h->n_nodes || cg->edge_start[0] ||
	    cg->edge_start[h->n_nodes] != h->n_edges ||
	    (h->n_names && !h->strings_size) ||
	    (h->strings_size && cg->strings[h->strings_size - 1]))
		return false;
	for (u32 i = 0; i < h->n_nodes; i++)
		if (cg->edge_start[i] > cg->edge_start[i + 1])
			return false;
	for (u32 i = 0; i < h->n_edges; i++)
		if (cg->edges[i] >= h->n_nodes)
			return false;
	for (u32 i = 0; i < h->n_names; i++)
		if (cg->names[i].text >= h->strings_size ||
		    cg->names[i].node >= h->n_nodes)
			return false;
	return true;
}

/* Has it all modules that are loaded? Both lists ascend. */
static bool covers_modules(const struct callgraph *cg, const u64 *modules,
			   u32 n)
{
	u32 k = 0;

	for (u32 i = 0; i < n; i++) {
		while (k < cg->head.n_modules && cg->modules[k] < modules[i])
			k++;
		if (k == cg->head.n_modules || cg->modules[k] != modules[i])
			return false;
	}
	return true;
}

/* Nobody else could have written it. */
static bool is_ours(const char *path)
{
	struct stat st;

	return !stat(path, &st) && (!st.st_uid || st.st_uid == geteuid()) &&
	       !(st.st_mode & 022);
}

/* modules: what is loaded, which it must have; none are needed: n is 0. */
static bool cache_load(struct callgraph *cg, const u64 *modules, u32 n)
{
	struct cg_head want = cg->head;
	struct part parts[PARTS];
	char path[512];
	struct stat st;
	bool ok = false;
	size_t size;
	FILE *f;

	if (graph_path(cg, path, sizeof(path)))
		return false;
	f = fopen(path, "re");
	if (!f)
		return false;
	if (fstat(fileno(f), &st) || !is_ours(path) ||
	    fread(&cg->head, sizeof(cg->head), 1, f) != 1 ||
	    memcmp(cg->head.magic, MAGIC, sizeof(cg->head.magic)) ||
	    memcmp(cg->head.build_id, want.build_id, BUILD_ID_LEN) ||
	    cg->head.with_modules != want.with_modules ||
	    cg->head.n_nodes > MAX_ITEMS || cg->head.n_edges > MAX_ITEMS ||
	    cg->head.n_names > MAX_ITEMS || cg->head.n_modules > MAX_ITEMS)
		goto out;
	parts_of(cg, parts);
	size = sizeof(cg->head);
	for (int i = 0; i < PARTS; i++)
		size += parts[i].size;
	if ((u64)st.st_size != size)
		goto out;
	for (int i = 0; i < PARTS; i++) {
		*parts[i].data = malloc(parts[i].size + 1);
		if (!*parts[i].data ||
		    fread(*parts[i].data, 1, parts[i].size, f) != parts[i].size)
			goto out;
	}
	ok = sound(cg) && covers_modules(cg, modules, n);
out:
	fclose(f);
	if (ok) {
		snprintf(cg->source, sizeof(cg->source), "%.200s (cached)",
			 path);
		return true;
	}
	clear(cg);
	cg->head = want;
	return false;
}

/* Without a cache it is just slower. */
static void cache_save(struct callgraph *cg)
{
	struct part parts[PARTS];
	char path[512], tmp[540];
	bool ok;
	FILE *f;
	int fd;

	if (cache_dir(path, sizeof(path)))
		return;
	mkdir(path, 0755);
	if (graph_path(cg, path, sizeof(path)))
		return;
	snprintf(tmp, sizeof(tmp), "%s.XXXXXX", path);
	fd = mkstemp(tmp);
	if (fd < 0)
		return;
	f = fdopen(fd, "w");
	if (!f) {
		close(fd);
		unlink(tmp);
		return;
	}
	memcpy(cg->head.magic, MAGIC, sizeof(cg->head.magic));
	parts_of(cg, parts);
	ok = fwrite(&cg->head, sizeof(cg->head), 1, f) == 1;
	for (int i = 0; i < PARTS; i++)
		ok = ok && fwrite(*parts[i].data, 1, parts[i].size, f) ==
				   parts[i].size;
	ok = !fchmod(fd, 0644) && ok;
	ok = !fclose(f) && ok;
	if (!ok || rename(tmp, path))
		unlink(tmp);
}

/* ---- Sources ---- */

/* Where distributions put them. */
static const struct {
	const char *before, *after; /* the release */
} vmlinux_paths[] = {
	{ "/boot/vmlinux-", "" },
	{ "/usr/lib/debug/boot/vmlinux-", "" },
	{ "/usr/lib/debug/lib/modules/", "/vmlinux" },
	{ "/lib/modules/", "/vmlinux" },
	{ "/lib/modules/", "/build/vmlinux" },
};

static bool belongs(const char *path, const unsigned char id[BUILD_ID_LEN])
{
	unsigned char its[BUILD_ID_LEN];

	return !cg_build_id(path, its) && !memcmp(its, id, BUILD_ID_LEN);
}

static bool find_vmlinux(char *path, size_t size,
			 const unsigned char id[BUILD_ID_LEN])
{
	struct utsname uts;

	uname(&uts);
	for (size_t i = 0; i < ARRAY_SIZE(vmlinux_paths); i++) {
		snprintf(path, size, "%s%s%s", vmlinux_paths[i].before,
			 uts.release, vmlinux_paths[i].after);
		if (belongs(path, id))
			return true;
	}
	return false;
}

static int from_elf(struct callgraph *cg, const char *path, struct fault *f)
{
	if (cg_read_elf(cg, path, f))
		return f->exit;
	snprintf(cg->source, sizeof(cg->source), "%.200s", path);
	cache_save(cg);
	return 0;
}

/* The code in memory, or what was kept of it. */
static int from_memory(struct callgraph *cg, bool known, struct fault *f)
{
	u64 *modules = cg_modules(&cg->head.n_modules);
	u32 n = cg->head.n_modules;

	if (!modules)
		return fault_set(f, EXIT_FAILED, ENOMEM, "no call graph");
	cg->head.with_modules = 1;
	if (known && cache_load(cg, modules, n)) {
		free(modules);
		return 0;
	}
	cg->modules = modules;
	if (cg_read_kcore(cg, f)) {
		fault_why(f, "there is no vmlinux of the running kernel, and "
			     "/proc/kcore cannot be read");
		return fault_hint(f, "--vmlinux FILE, or install the kernel's "
				     "debug package");
	}
	snprintf(cg->source, sizeof(cg->source), "/proc/kcore");
	if (known)
		cache_save(cg);
	return 0;
}

static int graph_load(struct callgraph *cg, const char *vmlinux,
		      struct fault *f)
{
	char path[256];
	int err = cg_build_id(NULL, cg->head.build_id);

	if (vmlinux && access(vmlinux, R_OK))
		return fault_set(f, EXIT_FAILED, errno, "cannot read %s",
				 vmlinux);
	if (!err && vmlinux && !belongs(vmlinux, cg->head.build_id)) {
		fault_set(f, EXIT_FAILED, EINVAL,
			  "%s is not that of the running kernel", vmlinux);
		return fault_why(f, "their build ids differ");
	}
	if (err && vmlinux)
		return cg_read_elf(cg, vmlinux, f);
	if (!err && cache_load(cg, NULL, 0))
		return 0;
	if (vmlinux)
		return from_elf(cg, vmlinux, f);
	if (!err && find_vmlinux(path, sizeof(path), cg->head.build_id))
		return from_elf(cg, path, f);
	return from_memory(cg, !err, f);
}

int callgraph_load(struct callgraph **out, const char *vmlinux, struct fault *f)
{
	struct callgraph *cg = calloc(1, sizeof(*cg));

	*out = NULL;
	if (!cg)
		return fault_set(f, EXIT_FAILED, ENOMEM, "no call graph");
	if (graph_load(cg, vmlinux, f)) {
		callgraph_free(cg);
		return f->exit;
	}
	/* by names, so for the graphs of both sources */
	if (!cache_path(&cg->head, "observed", false, cg->observed_path,
			sizeof(cg->observed_path)) &&
	    is_ours(cg->observed_path))
		cg_add_observed(cg, cg->observed_path);
	cg_add_known(cg);
	*out = cg;
	return 0;
}
