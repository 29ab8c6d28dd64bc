// SPDX-License-Identifier: GPL-2.0
/* Which modules are loaded: each is known by its name, its size and its build id. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "callgraph/priv.h"
#include "show/types.h"

#define FNV_OFFSET 14695981039346656037ULL
#define FNV_PRIME 1099511628211ULL

static u64 hash_bytes(u64 hash, const void *bytes, size_t n)
{
	for (const unsigned char *b = bytes; n--; b++)
		hash = (hash ^ *b) * FNV_PRIME;
	return hash;
}

/* One that has no build id is known by its name and size only. */
static u64 add_build_id(u64 hash, const char *name)
{
	char path[256], note[128];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path),
		 "/sys/module/%.128s/notes/.note.gnu.build-id", name);
	f = fopen(path, "re");
	if (!f)
		return hash;
	n = fread(note, 1, sizeof(note), f);
	fclose(f);
	return hash_bytes(hash, note, n);
}

static int modules_compare(const void *a, const void *b)
{
	const u64 *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

u64 *cg_modules(u32 *n)
{
	FILE *f = fopen("/proc/modules", "re");
	u64 *all = malloc(sizeof(*all)), *more;
	char name[128];
	long size;

	*n = 0;
	while (f && all && fscanf(f, "%127s %ld%*[^\n]", name, &size) == 2) {
		u64 hash = hash_bytes(FNV_OFFSET, name, strlen(name));

		hash = hash_bytes(hash, &size, sizeof(size));
		more = reallocarray(all, *n + 2ULL, sizeof(*all));
		if (!more) {
			free(all);
			all = NULL;
			break;
		}
		all = more;
		all[(*n)++] = add_build_id(hash, name);
	}
	if (f)
		fclose(f);
	if (all)
		qsort(all, *n, sizeof(*all), modules_compare);
	return all;
}

u64 callgraph_modules(void)
{
	u32 n;
	u64 *all = cg_modules(&n), hash = FNV_OFFSET;

	if (all)
		hash = hash_bytes(hash, all, n * sizeof(*all));
	free(all);
	return hash;
}
