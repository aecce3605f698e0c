/* SPDX-License-Identifier: MIT */
#pragma once

/* ask - a password from the person at the terminal, or one line of a pipe. */

#include <stddef.h>

struct reason;

#define ASK_MAX 512u /* bytes with the NUL; what crypt(3) takes */

/**
 * ask_password - a new password for @name into @out.
 *
 * Where standard input is a terminal it is asked there, twice and without
 * echo, the questions on standard error; else the first line of standard
 * input is taken. Empty, overlong and (at a terminal) unequal ones are refused.
 *
 * Returns 0; or negative with @reason, and @out wiped.
 */
[[nodiscard]] int ask_password(const char *name, char out[ASK_MAX], struct reason *reason);
