/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * ctl_screen - a text that is shown again and again in the same place.
 *
 * Where the output is no terminal every text follows the one before.
 */

#include "base/span.h"

#include <stdbool.h>
#include <termios.h>

struct ctl_screen {
	bool has_keys; /* the input is a terminal, whose keys come one by one */
	struct termios before;
};

/* Makes the terminal's keys come at once, unseen, Ctrl-C too: ctl_screen_end puts it back. */
void ctl_screen_begin(struct ctl_screen *screen);
void ctl_screen_end(struct ctl_screen *screen);

/* Shows @text, of which no line is longer than the terminal is wide, and as many as there is
 * room for. False if it could not be written. */
[[nodiscard]] bool ctl_screen_show(struct span text);

/* Waits that long for a key, which is taken, or for the end of the input: true if it came. */
bool ctl_screen_key(const struct ctl_screen *screen, int for_ms);
