// SPDX-License-Identifier: GPL-2.0
/* What was seen of things, look by look: for graphs of one line, and histograms. */
#include <langinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "show/history.h"

struct history {
	struct history_of *all, *next; /* next is being made of all */
	size_t n, n_next, room, old;
};

struct history *history_new(void)
{
	return calloc(1, sizeof(struct history));
}

void history_free(struct history *h)
{
	if (!h)
		return;
	free(h->all);
	free(h->next);
	free(h);
}

void history_begin(struct history *h)
{
	h->n_next = h->old = 0;
}

static size_t bucket_of(u64 ns)
{
	size_t i = 0;

	while (i + 1 < HISTORY_BUCKETS && ns >> (i + 1))
		i++;
	return i;
}

void history_add(struct history *h, u32 key, double value, u64 runs, u64 ns)
{
	struct history_of *of;

	if (h->n_next == h->room) {
		size_t room = 2 * h->room + 64;

		of = reallocarray(h->next, room, sizeof(*of));
		if (of)
			h->next = of;
		of = of ? reallocarray(h->all, room, sizeof(*of)) : NULL;
		if (!of)
			return; /* then there is no graph of it */
		h->all = of;
		h->room = room;
	}
	while (h->old < h->n && h->all[h->old].key < key)
		h->old++;
	of = &h->next[h->n_next++];
	if (h->old < h->n && h->all[h->old].key == key)
		*of = h->all[h->old];
	else
		*of = (struct history_of){ .key = key };
	of->values[of->n++ % HISTORY_LOOKS] = value;
	if (runs)
		of->runs[bucket_of(ns)] += runs;
}

void history_end(struct history *h)
{
	struct history_of *was = h->all;

	h->all = h->next;
	h->next = was;
	h->n = h->n_next;
}

static int by_key(const void *key, const void *member)
{
	u32 a = *(const u32 *)key, b = ((const struct history_of *)member)->key;

	return a < b ? -1 : a > b;
}

const struct history_of *history_find(const struct history *h, u32 key)
{
	return h->n ? bsearch(&key, h->all, h->n, sizeof(*h->all), by_key) :
		      NULL;
}

static size_t kept(const struct history_of *of)
{
	return of->n < HISTORY_LOOKS ? of->n : HISTORY_LOOKS;
}

/* The i-th last one. */
static double back(const struct history_of *of, size_t i)
{
	return of->values[(of->n - 1 - i) % HISTORY_LOOKS];
}

double history_most(const struct history_of *of)
{
	double most = 0;

	for (size_t i = 0; i < kept(of); i++)
		most = back(of, i) > most ? back(of, i) : most;
	return most;
}

const char *history_spark(const struct history_of *of, int width, char *buf,
			  size_t size)
{
	static const char *const blocks[] = { " ", "▁", "▂", "▃", "▄",
					      "▅", "▆", "▇", "█" };
	static const char *const ascii[] = { " ", ".", ":", "-", "=",
					     "+", "*", "#", "@" };
	const char *const *levels =
		strcmp(nl_langinfo(CODESET), "UTF-8") ? ascii : blocks;
	size_t n = of ? kept(of) : 0, len = 0;
	double most = 0;

	n = n > (size_t)width ? (size_t)width : n;
	for (size_t i = 0; i < n; i++)
		most = back(of, i) > most ? back(of, i) : most;
	buf[0] = '\0';
	while (n-- && len + 4 < size) {
		double share = most > 0 ? back(of, n) / most : 0;
		/* whatever is not nothing is seen */
		int level = share > 0 ? 1 + (int)(share * 7.999) : 0;

		len += snprintf(buf + len, size - len, "%s",
				levels[level > 8 ? 8 : level]);
	}
	return buf;
}
