/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * daemon - going on in the background, after a beginning that whoever started us sees.
 *
 *   daemon_begin()      the process that was started waits; the program goes on in
 *                       another, in a session of its own, with 0, 1 and 2 at /dev/null
 *   daemon_is_up()      the first one exits with 0
 *   or the end          the first one exits with the same status
 *
 * Until then `out` and `err` lead where 1 and 2 led. The directory stays as it
 * was, so that relative paths mean on a reload what they meant at the start.
 */

struct reason;

struct daemon {
	int out, err; /* owned, CLOEXEC; -1 when they are no more */
	int up;       /* owned: the other end is the first process's */
};
#define DAEMON_NONE ((struct daemon){.out = -1, .err = -1, .up = -1})

/* Returns in the background only: 0. Or negative with @reason, and nothing has happened. */
[[nodiscard]] int daemon_begin(struct daemon *d, struct reason *reason);

void daemon_is_up(struct daemon *d);
void daemon_fini(struct daemon *d);
