/* SPDX-License-Identifier: MIT */
#pragma once

/* leave - how the launcher ends: as the script did, as the script itself, or with a
 * sentence. */

#include <stdbool.h>

#define LEAVE_USAGE  255 /* the command line was wrong */
#define LEAVE_FAILED 127 /* anything else of the launcher's own */

/**
 * leave_as - end as the process did that wait(2) said @status of.
 *
 * Killed by a signal: so is the launcher, without a core. With @compat only of
 * INT, TERM, HUP, PIPE and KILL; for others the known implementation says so
 * and ends with 127 (docs/decisions/0008).
 */
[[gnu::noreturn]] void leave_as(int status, bool compat);

/* Becomes @command, which is what the script's caller would have run without us. */
[[gnu::noreturn]] void leave_cold(char **command);

/* Writes "prefork-interp: <sentence>" to standard error, in one write. */
[[gnu::format(printf, 1, 2)]] void leave_say(const char *fmt, ...);
