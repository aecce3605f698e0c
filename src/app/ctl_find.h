/* SPDX-License-Identifier: MIT */
#pragma once

/* ctl_find - finds the server that preforkctl is to talk to, and talks to it. */

#include <jansson.h>

struct reason;

/**
 * ctl_ask - send @line and read the answer.
 *
 * @socket is a path, or the name of a server, or NULL for the one server there
 * is. Returns 0 with *@answer for json_decref; or negative with @reason.
 */
[[nodiscard]] int ctl_ask(
	const char *socket, const char *line, json_t **answer, struct reason *reason);
