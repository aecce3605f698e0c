/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * inherit - what a program that is about to be exec'd finds open, and expects of signals.
 *
 * For the child between fork and exec: nothing here allocates.
 */

#include <stddef.h>

#define INHERIT_MAX 16u

/**
 * inherit_only - leave 0, 1, 2 and the @n descriptors at @fds open, and nothing else.
 *
 * Each is moved to a number of at least @first, and @fds gets the new ones; they
 * stay open across exec. The numbers from 3 to below @first then lead to
 * /dev/null, so that what the program opens is numbered above. Where the limit
 * on descriptors forbids that, they stay low and nothing is filled.
 * Returns the first number that was not filled: @first, or 3; or -errno.
 */
[[nodiscard]] int inherit_only(int *fds, size_t n, int first);

/* Makes @number lead to /dev/null, open across exec. 0 or -errno. */
[[nodiscard]] int inherit_null(int number);

/* Makes @number lead where @fd does, open across exec. 0 or -errno. */
[[nodiscard]] int inherit_as(int fd, int number);

/* All signals at their defaults, and none blocked. */
void inherit_no_signals(void);
