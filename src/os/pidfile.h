/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * pidfile - a file with this process's number, locked as long as the process lives.
 *
 * The lock and not the file says that a server runs, so what a dead one has
 * left is in nobody's way. It belongs to the open file: a successor that is
 * passed the descriptor has it too.
 */

#include <limits.h>

struct reason;

struct pidfile {
	int fd;              /* owned, CLOEXEC; -1 for none */
	char path[PATH_MAX]; /* absolute */
};
#define PIDFILE_NONE ((struct pidfile){.fd = -1})

/* Makes, locks and writes it. 0; or negative with @reason, which names who has it. */
[[nodiscard]] int pidfile_open(struct pidfile *p, const char *path, struct reason *reason);

/* Takes over a locked one from another process, which is still named in it. 0 or -errno. */
[[nodiscard]] int pidfile_adopt(struct pidfile *p, int fd);

/* Names this process in it. */
void pidfile_write(const struct pidfile *p);

void pidfile_abandon(struct pidfile *p); /* it is another process's now */
void pidfile_remove(struct pidfile *p);
