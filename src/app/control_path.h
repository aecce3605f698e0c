/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * control_path - where a server's control socket is, for preforkd, which makes it, and
 * preforkctl, which looks for it: /run/preforkd for root, $XDG_RUNTIME_DIR/preforkd for
 * others, and in it NAME.sock; or beside the pidfile, and that is a link to it.
 */

#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/un.h>

struct reason;

#define CONTROL_PATH_MAX sizeof(((struct sockaddr_un *)0)->sun_path)
/* For the path of whatever is found in the directory. */
#define CONTROL_ENTRY_MAX (CONTROL_PATH_MAX + NAME_MAX + 1)

/* The directory. 0, or negative with @reason: this user has none. */
[[nodiscard]] int control_dir(char out[CONTROL_PATH_MAX], struct reason *reason);

/* The next server's socket in @d, which is @dir, or link to one: its name there, and its
 * path to @path. NULL after the last. */
[[nodiscard]] const char *control_path_next(
	DIR *d, const char *dir, char path[CONTROL_ENTRY_MAX]);

/* "/run/x.sock" for the pidfile "/run/x.pid". False if that is too long for a socket. */
[[nodiscard]] bool control_path_beside(const char *pidfile, char out[CONTROL_PATH_MAX]);

/**
 * control_path_new - a path for a server called @name, which no living server uses.
 *
 * Makes the directory if it must. 0, or negative with @reason.
 */
[[nodiscard]] int control_path_new(
	const char *name, char out[CONTROL_PATH_MAX], struct reason *reason);

/* The path at which a server called @name has a link to its socket @control, if it has one:
 * for a program that takes over from it. */
[[nodiscard]] bool control_path_kept(
	const char *name, const char *control, char out[CONTROL_PATH_MAX]);
