/* SPDX-License-Identifier: GPL-2.0 */
/* A terminal that is drawn on, and that comes back however we end. */
#ifndef BPFWD_SCREEN_H
#define BPFWD_SCREEN_H

#include <ncurses.h>
#include "show/types.h"

#define KEY_ESC 27
#define KEY_CTRL(c) ((c) - '@')

/* False: this terminal can do too little. */
bool screen_open(bool color);
void screen_close(void);

/* Never beyond the right edge: the rest would begin the next line. */
void screen_put(int y, int x, int attr, const char *text);
/* A value over its limit, where there is colour. */
int screen_mark(void);
/* One line from the user, on the last line of the screen; false if it was given up. */
bool screen_ask(const char *prompt, char *buf, size_t size);

/* A text longer than the screen. */
struct pager {
	char *text; /* malloc()ed */
	size_t first; /* line at the top */
	size_t left; /* column at the left */
};

/* Takes the text; where it stood it stays. */
void pager_set(struct pager *p, char *text);
void pager_draw(struct pager *p, int y, int lines);
/* False: the key is none of its own. */
bool pager_key(struct pager *p, int ch, int lines);

#endif
