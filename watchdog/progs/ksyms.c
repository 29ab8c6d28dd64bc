// SPDX-License-Identifier: GPL-2.0
/* Names of addresses in the kernel. /proc/kallsyms is long: it is read when
 * something is asked that it was not read for.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "progs/ksyms.h"

/* A probe sits at the entry, or behind what the compiler puts there. */
#define NEAR 16

struct ksym {
	u64 addr, at; /* at: where its name starts, 0: it has none */
	char *name;
};

static struct ksym *known; /* ascending */
static size_t n_known;

/* The first one at or behind addr. */
static size_t ksym_from(u64 addr)
{
	size_t low = 0, high = n_known;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (known[mid].addr < addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static const struct ksym *ksym_known(u64 addr)
{
	size_t i = ksym_from(addr);

	return i < n_known && known[i].addr == addr ? &known[i] : NULL;
}

static int ksym_compare(const void *a, const void *b)
{
	u64 x = ((const struct ksym *)a)->addr,
	    y = ((const struct ksym *)b)->addr;

	return x < y ? -1 : x > y;
}

static int ksyms_read(void)
{
	FILE *f = fopen("/proc/kallsyms", "re");
	char *line = NULL;
	size_t size = 0;

	if (!f)
		return -errno;
	while (getline(&line, &size, f) > 0) {
		char *end, *name;
		u64 addr = strtoull(line, &end, 16);

		if (!addr || end[0] != ' ' || !strchr("tTwW", end[1]))
			continue;
		name = end + 3;
		name[strcspn(name, "\t\n")] = '\0';
		for (size_t i = ksym_from(addr);
		     i < n_known && known[i].addr - addr < NEAR; i++) {
			if (known[i].at >= addr)
				continue;
			free(known[i].name);
			known[i].name = strdup(name);
			known[i].at = addr;
		}
	}
	free(line);
	fclose(f);
	return 0;
}

int ksyms_name(const u64 *addrs, size_t n, char **names)
{
	size_t fresh = 0;
	int err;

	for (size_t i = 0; i < n; i++)
		fresh += !ksym_known(addrs[i]);
	if (fresh) {
		struct ksym *all =
			reallocarray(known, n_known + n, sizeof(*all));

		if (!all)
			return -ENOMEM;
		known = all;
		fresh = n_known;
		for (size_t i = 0; i < n; i++)
			if (!ksym_known(addrs[i]))
				known[fresh++] =
					(struct ksym){ .addr = addrs[i] };
		n_known = fresh;
		qsort(known, n_known, sizeof(*known), ksym_compare);
		err = ksyms_read();
		if (err)
			return err;
	}
	for (size_t i = 0; i < n; i++) {
		const struct ksym *sym = ksym_known(addrs[i]);

		if (sym->name)
			names[i] = strdup(sym->name);
		else if (asprintf(&names[i], "0x%llx",
				  (unsigned long long)addrs[i]) < 0)
			names[i] = NULL;
	}
	return 0;
}
