/* curses.c - the live view. Built with ncurses where pkg-config finds it (tools/ncurses.mk). */
#include "frame.h"

#include "../common/common.h"

#ifndef OPT4_NCURSES

#pragma message("ncurses was not found: `opt4 top` is built without its live view; install libncurses-dev, make again")

int top_live(void)
{
	return fail("top: built without ncurses, so without the live view; use opt4 top --once, or install libncurses-dev "
		    "and build anew");
}

#else

#include <curses.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TICK_MS 1000

/* The frame's lines from `skip` on, those that do not fit cut. The title stays; returns how many lines are below. */
static int show(const char *text, int skip)
{
	int row = 1, line = 0;

	erase();
	attron(A_REVERSE);
	mvhline(0, 0, ' ', COLS);
	mvaddnstr(0, 1, "opt4 top", COLS - 1);
	if (COLS > 40)
		mvaddstr(0, COLS - 24, "q quits, arrows scroll");
	attroff(A_REVERSE);
	for (const char *p = text; *p; line++) {
		int n = (int)strcspn(p, "\n");
		bool heading = !strncmp(p, "WORKER", 6);

		if (line >= skip && row < LINES) {
			if (heading)
				attron(A_BOLD);
			mvaddnstr(row++, 0, p, n < COLS ? n : COLS);
			if (heading)
				attroff(A_BOLD);
		}
		p += n + (p[n] == '\n');
	}
	refresh();
	return line - skip - (LINES - 1);
}

/* Turns until q is pressed or no job is left. */
static void turn(struct top_frame *f, struct top_frame *before)
{
	int skip = 0, key = 0;

	while (key != 'q' && key != 'Q') {
		char *text = NULL;
		size_t len;
		FILE *out = open_memstream(&text, &len);

		if (!out)
			return;
		top_text(f, before, COLS, out);
		fclose(out);
		int below = show(text, skip);
		free(text);
		if (!f->live)
			return;
		key = getch();            /* waits TICK_MS */
		if (key == KEY_DOWN && below > 0)
			skip++;
		else if (key == KEY_UP && skip)
			skip--;
		if (key == ERR) {
			*before = *f;
			top_look(f);
		}
	}
}

int top_live(void)
{
	struct top_frame *f = calloc(2, sizeof(*f));

	if (!f)
		return fail("top: no memory; free some");
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		free(f);
		return fail("top: not a terminal; use opt4 top --once, or --prometheus");
	}
	setlocale(LC_CTYPE, "");
	SCREEN *screen = newterm(NULL, stdout, stdin);
	if (!screen) {
		free(f);
		return fail("top: the terminal '%s' is not known here; set TERM, or use opt4 top --once", getenv("TERM") ? getenv("TERM") : "");
	}
	cbreak();
	noecho();
	curs_set(0);
	keypad(stdscr, TRUE);
	timeout(TICK_MS);
	top_look(f);
	f[1] = *f;
	turn(f, f + 1);
	endwin();
	delscreen(screen);
	if (!f->live)              /* what is left of it stays on the screen */
		top_text(f, f + 1, 80, stdout);
	free(f);
	return 0;
}

#endif
