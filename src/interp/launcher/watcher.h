/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * watcher - tells a server of the known implementation that its socket is gone.
 *
 * Our own servers watch for themselves; this is for its module, whose wire
 * wants such a process. It ends when its standard input ends, which is when no
 * server is left, or when the socket's name is gone or names another; then its
 * standard error ends, and by that the server knows.
 */

#include "interp/launcher/place.h"

/* Starts one, as a process of its own session. Borrows all; 0 or -errno. */
[[nodiscard]] int watcher_start(
	const struct place *place, const struct place_socket *own, int in, int err);
