/* SPDX-License-Identifier: MIT */
#pragma once

/* command - which program is run: the setting `command`, taken apart and found. */

#include "base/words.h"

#include <limits.h>

struct reason;

struct command {
	struct words words;
	char path[PATH_MAX]; /* of the program, absolute */
};

/**
 * command_find - find what @text says, as a shell would (PATH), and see that it can be run.
 *
 * Returns 0 with *@out for command_fini; or negative with @reason and nothing to free.
 */
[[nodiscard]] int command_find(
	const char *text, struct command *out, struct reason *reason);
void command_fini(struct command *command);
