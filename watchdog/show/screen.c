// SPDX-License-Identifier: GPL-2.0
/* A terminal that is drawn on, and that comes back however we end. */
#include <locale.h>
#include <ncurses.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <term.h>
#include <termios.h>
#include <unistd.h>
/* term.h takes this word for itself */
#undef lines
#include "show/screen.h"

static SCREEN *screen;
static bool colored;
static struct termios saved_termios;
static char restore[256];
static size_t restore_len;

static int restore_put(int c)
{
	if (restore_len < sizeof(restore))
		restore[restore_len++] = c;
	return c;
}

static const char *capability(const char *name)
{
	const char *text = tigetstr((char *)name);

	return text == (char *)-1 ? NULL : text;
}

static void restore_add(const char *name)
{
	const char *text = capability(name);

	if (text)
		tputs(text, 1, restore_put);
}

/* endwin() may not be called in a signal handler; these may. */
static void on_fatal(int sig)
{
	/* if that fails, nothing is left to do about it */
	(void)!write(STDOUT_FILENO, restore, restore_len);
	tcsetattr(STDIN_FILENO, TCSANOW, &saved_termios);
	raise(sig);
}

bool screen_open(bool color)
{
	static const int fatal[] = { SIGABRT, SIGSEGV, SIGBUS,
				     SIGFPE,  SIGILL,  SIGQUIT };
	struct sigaction act = { .sa_handler = on_fatal,
				 .sa_flags = SA_RESETHAND | SA_NODEFER };
	int err;

	setlocale(LC_CTYPE, "");
	if (tcgetattr(STDIN_FILENO, &saved_termios))
		return false;
	/* newterm() takes terminals that cannot move their cursor, too */
	if (setupterm(NULL, STDOUT_FILENO, &err) == ERR || !capability("cup"))
		return false;
	screen = newterm(NULL, stdout, stdin);
	if (!screen)
		return false;
	restore_add("sgr0");
	restore_add("cnorm");
	restore_add("rmkx");
	restore_add("rmcup");
	for (size_t i = 0; i < ARRAY_SIZE(fatal); i++)
		sigaction(fatal[i], &act, NULL);
	cbreak();
	noecho();
	keypad(stdscr, TRUE);
	set_escdelay(25);
	curs_set(0);
	colored = color && has_colors();
	if (colored) {
		start_color();
		use_default_colors();
		init_pair(1, COLOR_RED, -1);
	}
	return true;
}

void screen_close(void)
{
	endwin();
	delscreen(screen);
}

void screen_put(int y, int x, int attr, const char *text)
{
	if (y < 0 || y >= LINES || x < 0 || x >= COLS)
		return;
	attron(attr);
	mvaddnstr(y, x, text, COLS - x);
	attroff(attr);
}

int screen_mark(void)
{
	return colored ? COLOR_PAIR(1) : 0;
}

bool screen_ask(const char *prompt, char *buf, size_t size)
{
	size_t len = 0;
	int ch;

	curs_set(1);
	timeout(-1);
	for (;;) {
		buf[len] = '\0';
		move(LINES - 1, 0);
		clrtoeol();
		screen_put(LINES - 1, 0, A_BOLD, prompt);
		/* of a long answer its end is seen */
		addnstr(buf, COLS - 1 > getcurx(stdscr) ?
				     COLS - 1 - getcurx(stdscr) :
				     0);
		refresh();
		ch = getch();
		if (ch == '\n' || ch == '\r' || ch == KEY_ENTER)
			break;
		/* ERR: a signal told us to leave */
		if (ch == KEY_ESC || ch == ERR)
			break;
		if ((ch == KEY_BACKSPACE || ch == 127 || ch == '\b') && len)
			len--;
		else if (ch == KEY_CTRL('U'))
			len = 0;
		else if (ch >= ' ' && ch < 127 && len + 1 < size)
			buf[len++] = ch;
	}
	curs_set(0);
	return ch != KEY_ESC && ch != ERR;
}

void pager_set(struct pager *p, char *text)
{
	free(p->text);
	p->text = text;
}

static size_t line_count(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

void pager_draw(struct pager *p, int y, int lines)
{
	const char *at = p->text ? p->text : "";
	size_t n = line_count(at), most = n > (size_t)lines ? n - lines : 0;

	p->first = p->first > most ? most : p->first;
	for (size_t i = 0; *at && i < p->first + lines; i++) {
		size_t len = strcspn(at, "\n");
		char line[1024];

		snprintf(line, sizeof(line), "%.*s", (int)len, at);
		at += len + !!at[len];
		if (i >= p->first && len > p->left)
			/* heads have no blank in front */
			screen_put(y + i - p->first, 0,
				   line[0] == ' ' ? 0 : A_BOLD, line + p->left);
	}
}

bool pager_key(struct pager *p, int ch, int lines)
{
	size_t step = 1;

	switch (ch) {
	case KEY_NPAGE:
	case ' ':
		step = lines;
		/* fall through */
	case 'j':
	case KEY_DOWN:
		p->first += step;
		return true;
	case KEY_PPAGE:
		step = lines;
		/* fall through */
	case 'k':
	case KEY_UP:
		p->first -= p->first < step ? p->first : step;
		return true;
	case 'g':
	case KEY_HOME:
		p->first = 0;
		return true;
	case 'G':
	case KEY_END:
		p->first = SIZE_MAX / 2;
		return true;
	case 'l':
	case KEY_RIGHT:
		p->left += 8;
		return true;
	case 'h':
	case KEY_LEFT:
		p->left -= p->left < 8 ? p->left : 8;
		return true;
	}
	return false;
}
