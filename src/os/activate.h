/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * activate - listening sockets that whoever started this program has opened for it.
 *
 * As sd_listen_fds(3) has it: LISTEN_FDS of them, from descriptor 3 on, if
 * LISTEN_PID is this process; LISTEN_FDNAMES has their names, with colons between.
 */

#include <stddef.h>

struct reason;

enum { ACTIVATE_MAX = 64, ACTIVATE_NAME_MAX = 64 };

struct activated {
	int fd;                       /* CLOEXEC, non-blocking, the caller's */
	char name[ACTIVATE_NAME_MAX]; /* cut; empty where none was given */
};

/**
 * activate_take - the sockets, which nobody else is told of: the variables are unset.
 *
 * Returns how many; or negative with @reason, if one of them is no stream socket
 * that listens.
 */
[[nodiscard]] int activate_take(struct activated out[ACTIVATE_MAX], struct reason *reason);
