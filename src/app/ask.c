/* SPDX-License-Identifier: MIT */

#include "app/ask.h"

#include "base/reason.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define CTRL_C '\x03'

/* Reads up to the end of a line, byte by byte: what follows is not ours to take. */
static int read_line(int fd, char out[ASK_MAX], struct reason *reason)
{
	size_t n = 0;

	for (;;) {
		char c;
		ssize_t got = TEMP_FAILURE_RETRY(read(fd, &c, 1));

		if (got < 0)
			return reason_errno(reason, "cannot read the password");
		if (got == 0 || c == '\n')
			break;
		if (c == CTRL_C && isatty(fd))
			return reason_set(reason, "given up; nothing was changed");
		if (c == '\0')
			return reason_set(reason, "a password holds no NUL byte");
		if (n == ASK_MAX - 1)
			return reason_set(
				reason, "a password has at most %u bytes", ASK_MAX - 1);
		out[n++] = c;
	}
	out[n] = '\0';
	return n ? 0 : reason_set(reason, "a password is not empty");
}

static int prompt(
	const char *what, const char *name, char out[ASK_MAX], struct reason *reason)
{
	(void)fprintf(stderr, "%s %s: ", what, name);
	int rc = read_line(STDIN_FILENO, out, reason);
	(void)fprintf(stderr, "\n"); /* in place of the one that was not echoed */
	return rc;
}

static int ask_twice(const char *name, char out[ASK_MAX], struct reason *reason)
{
	char again[ASK_MAX];
	int rc = prompt("New password for", name, out, reason);

	if (rc)
		return rc;
	rc = prompt("The same again for", name, again, reason);
	if (!rc && strcmp(out, again) != 0)
		rc = reason_set(reason, "the two are not the same; nothing was changed");
	explicit_bzero(again, sizeof(again));
	return rc;
}

static int ask_terminal(const char *name, char out[ASK_MAX], struct reason *reason)
{
	struct termios before, quiet;

	if (tcgetattr(STDIN_FILENO, &before) < 0)
		return reason_errno(reason, "cannot ask at this terminal");

	/* Keys that would end or stop us before the echo is back are taken as bytes. */
	quiet = before;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ISIG);
	quiet.c_cc[VEOL] = CTRL_C;
	if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet) < 0)
		return reason_errno(reason, "cannot turn the terminal's echo off");
	int rc = ask_twice(name, out, reason);
	(void)tcsetattr(
		STDIN_FILENO, TCSAFLUSH, &before); /* nothing better is left to try */
	return rc;
}

int ask_password(const char *name, char out[ASK_MAX], struct reason *reason)
{
	int rc = isatty(STDIN_FILENO) ? ask_terminal(name, out, reason)
				      : read_line(STDIN_FILENO, out, reason);

	if (rc)
		explicit_bzero(out, ASK_MAX);
	return rc;
}
