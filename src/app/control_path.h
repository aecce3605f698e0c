/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * control_path - where a server's control socket is, for preforkd, which makes it, and
 * preforkctl, which looks for it: /run/preforkd for root, $XDG_RUNTIME_DIR/preforkd for
 * others, and in it NAME.sock; or beside the pidfile.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/un.h>

struct reason;

#define CONTROL_PATH_MAX sizeof(((struct sockaddr_un *)0)->sun_path)

/* The directory. 0, or negative with @reason: this user has none. */
[[nodiscard]] int control_dir(char out[CONTROL_PATH_MAX], struct reason *reason);

/* "/run/x.sock" for the pidfile "/run/x.pid". False if that is too long for a socket. */
[[nodiscard]] bool control_path_beside(const char *pidfile, char out[CONTROL_PATH_MAX]);

/**
 * control_path_new - a path for a server called @name, which no living server uses.
 *
 * Makes the directory if it must. 0, or negative with @reason.
 */
[[nodiscard]] int control_path_new(
	const char *name, char out[CONTROL_PATH_MAX], struct reason *reason);
