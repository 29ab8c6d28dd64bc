/* SPDX-License-Identifier: GPL-2.0 */
/* A table on the screen: a cursor that stays on its row, columns that scroll. */
#ifndef BPFWD_GRID_H
#define BPFWD_GRID_H

#include "show/table.h"

/* A column behind all others that is no value of the table. */
struct grid_extra {
	const char *head;
	int least, most; /* cells */
	const char *(*text)(void *arg, u64 key, int width, char *buf,
			    size_t size);
	void *arg;
};

struct grid {
	struct table *table;
	const char *key; /* the column that tells rows apart */
	size_t fixed; /* so many columns stay where they are, if there is room */
	struct grid_extra extra;
	u64 at; /* key of the row under the cursor, 0: none */
	size_t row, first; /* its number, and the first one on the screen */
	size_t left; /* so many of the others are scrolled away */
	int *widths; /* of each shown column, the last one is the extra's */
};

/* After the table was filled again. */
void grid_refresh(struct grid *g);
void grid_free(struct grid *g);
/* A line of heads, and as many rows as fit into the others. */
void grid_draw(struct grid *g, int y, int lines);
/* False: the key is none of its own. */
bool grid_key(struct grid *g, int ch, int lines);

#endif
