/* SPDX-License-Identifier: MIT */

#include "app/ctl_screen.h"

#include <poll.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define TO_CORNER   "\033[H"
#define CLEAR_LINE  "\033[K" /* from here to its end */
#define CLEAR_BELOW "\033[J"

void ctl_screen_begin(struct ctl_screen *screen)
{
	struct termios quiet;

	*screen = (struct ctl_screen){0};
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)
		|| tcgetattr(STDIN_FILENO, &screen->before) < 0)
		return;
	/* A key that would end us before the terminal is as it was is a key as any other. */
	quiet = screen->before;
	quiet.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG);
	screen->has_keys = tcsetattr(STDIN_FILENO, TCSANOW, &quiet) == 0;
}

void ctl_screen_end(struct ctl_screen *screen)
{
	if (screen->has_keys) /* what else was typed is not for the shell either */
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &screen->before);
}

/* How many of the bytes of @line fit: a character that is cut would upset the terminal. */
static size_t fitting(struct span line, size_t n_columns)
{
	size_t n_chars = 0;

	for (size_t i = 0; i < line.n; i++) {
		bool begins = ((unsigned char)line.p[i] & 0xc0) != 0x80;

		if (begins && ++n_chars > n_columns)
			return i;
	}
	return line.n;
}

static size_t n_lines(struct span text)
{
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++)
		n += text.p[i] == '\n';
	return n;
}

bool ctl_screen_show(struct span text)
{
	struct winsize size = {0};
	struct span line;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || !size.ws_row || !size.ws_col)
		return fwrite(text.p, 1, text.n, stdout) == text.n && fflush(stdout) == 0;

	size_t n = n_lines(text), room = size.ws_row;
	/* The cursor stands below the last line, and what has no room is said there. */
	size_t n_shown = n < room ? n : room - 1;

	(void)fputs(TO_CORNER, stdout);
	for (size_t i = 0; i < n_shown && span_cut(&text, '\n', &line); i++)
		(void)printf(
			"%.*s" CLEAR_LINE "\n", (int)fitting(line, size.ws_col), line.p);
	(void)fputs(CLEAR_BELOW, stdout);
	if (n > n_shown)
		(void)printf("(%zu more)", n - n_shown);
	return fflush(stdout) == 0;
}

bool ctl_screen_key(const struct ctl_screen *screen, int for_ms)
{
	struct pollfd pfd = {.fd = STDIN_FILENO, .events = POLLIN};
	char key;

	if (poll(&pfd, 1, for_ms) == 0)
		return false;
	if (screen->has_keys)
		(void)read(STDIN_FILENO, &key, 1); /* or it has gone; there is an end */
	return true;
}
