/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * hazards - what set-up left that a fork does not copy well: named, on standard error.
 *
 * A thread does not exist in the copies, and what it had locked stays locked; a
 * connection's bytes go to whichever copy reads first; a file lock is shared by
 * all copies or by none. None of it is forbidden: the script may know better.
 */

#include <stdbool.h>

struct managed;

void hazards_warn(const char *script, const struct managed *managed);

/* Whether a lock is held through @fd. */
bool hazards_is_locked(int fd);
