// SPDX-License-Identifier: GPL-2.0
/* A table on the screen: a cursor that stays on its row, columns that scroll. */
#include <stdlib.h>
#include <string.h>
#include "show/grid.h"
#include "show/screen.h"

#define GAP 2 /* between two columns */

/* The cursor stays on its row where the table moved. */
static void find_cursor(struct grid *g)
{
	const struct col *key = table_col(g->table, g->key);
	size_t n = table_rows(g->table);

	for (size_t r = 0; g->at && r < n; r++)
		if (table_val(g->table, r, key)->num == g->at)
			g->row = r;
	if (g->row >= n)
		g->row = n ? n - 1 : 0;
	g->at = n ? table_val(g->table, g->row, key)->num : 0;
}

void grid_refresh(struct grid *g)
{
	size_t n = table_shown(g->table);
	int *widths = reallocarray(g->widths, n + 1, sizeof(*widths));

	find_cursor(g);
	if (!widths)
		return;
	g->widths = widths;
	for (size_t i = 0; i < n; i++)
		widths[i] = table_width(g->table, i);
	widths[n] = g->extra.least;
}

void grid_free(struct grid *g)
{
	free(g->widths);
}

/* So many columns stay at the left: not if they leave no room for the others. */
static size_t fixed_columns(const struct grid *g)
{
	size_t n = 0;
	int x = 0;

	while (n < g->fixed && n < table_shown(g->table)) {
		x += g->widths[n] + GAP;
		if (x > COLS / 2)
			break;
		n++;
	}
	return n;
}

static void draw_text(int y, int x, int width, bool left, int attr,
		      const char *text)
{
	int len = strlen(text);

	screen_put(y, left || len > width ? x : x + width - len, attr, text);
}

static void draw_extra(struct grid *g, int y, int x, int rows)
{
	int width = COLS - x > g->extra.most ? g->extra.most : COLS - x;
	const struct col *key = table_col(g->table, g->key);
	char buf[512];

	screen_put(y, x, A_REVERSE, g->extra.head);
	for (int i = 0; i < rows; i++) {
		u64 id = table_val(g->table, g->first + i, key)->num;

		screen_put(y + 1 + i, x, 0,
			   g->extra.text(g->extra.arg, id, width, buf,
					 sizeof(buf)));
	}
}

static void draw_column(struct grid *g, size_t nth, int y, int x, int rows)
{
	bool left = table_left(g->table, nth), mark;
	char buf[TABLE_CELL_LEN];

	draw_text(y, x, g->widths[nth], left, A_REVERSE,
		  table_head(g->table, nth, buf));
	for (int i = 0; i < rows; i++) {
		size_t r = g->first + i;
		const char *text = table_cell(g->table, r, nth, &mark, buf);
		int attr = r == g->row ? A_BOLD | A_UNDERLINE : 0;

		draw_text(y + 1 + i, x, g->widths[nth], left,
			  attr | (mark ? screen_mark() : 0), text);
	}
}

/* Whole columns only: half a number is another number. */
static void draw_columns(struct grid *g, int y, int rows)
{
	size_t n = table_shown(g->table), fixed = fixed_columns(g), i = 0;
	size_t last = n - fixed + !!g->extra.text;
	bool some = false;
	int x = 0;

	g->left = g->left >= last ? last - 1 : g->left;
	for (; i < n + !!g->extra.text; i++) {
		if (i == fixed)
			i += g->left;
		if (i >= fixed && some && x + g->widths[i] > COLS)
			break;
		if (i == n)
			draw_extra(g, y, x, rows);
		else
			draw_column(g, i, y, x, rows);
		some |= i >= fixed;
		x += g->widths[i] + GAP;
	}
	if (g->left)
		screen_put(y, 0, A_REVERSE | A_BOLD, "<");
	if (i < n)
		screen_put(y, COLS - 1, A_REVERSE | A_BOLD, ">");
}

void grid_draw(struct grid *g, int y, int lines)
{
	size_t n = table_rows(g->table), room = lines > 1 ? lines - 1 : 0;
	size_t rows;

	if (g->row < g->first)
		g->first = g->row;
	if (room && g->row >= g->first + room)
		g->first = g->row - room + 1;
	rows = n - g->first < room ? n - g->first : room;
	attron(A_REVERSE);
	mvhline(y, 0, ' ', COLS);
	attroff(A_REVERSE);
	if (g->widths)
		draw_columns(g, y, rows);
}

static bool grid_move(struct grid *g, ssize_t row)
{
	ssize_t n = table_rows(g->table);

	row = row >= n ? n - 1 : row;
	g->row = row < 0 ? 0 : row;
	g->at = n ? table_val(g->table, g->row, table_col(g->table, g->key))
				->num :
		    0;
	return true;
}

bool grid_key(struct grid *g, int ch, int lines)
{
	ssize_t row = g->row, page = lines > 2 ? lines - 1 : 1;

	switch (ch) {
	case 'j':
	case KEY_DOWN:
		return grid_move(g, row + 1);
	case 'k':
	case KEY_UP:
		return grid_move(g, row - 1);
	case KEY_NPAGE:
		return grid_move(g, row + page);
	case KEY_PPAGE:
		return grid_move(g, row - page);
	case 'g':
	case KEY_HOME:
		return grid_move(g, 0);
	case 'G':
	case KEY_END:
		return grid_move(g, table_rows(g->table));
	case 'l':
	case KEY_RIGHT:
		g->left++;
		return true;
	case 'h':
	case KEY_LEFT:
		g->left -= !!g->left;
		return true;
	}
	return false;
}
