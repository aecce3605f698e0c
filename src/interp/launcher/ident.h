/* SPDX-License-Identifier: MIT */
#pragma once

/* ident - which server a call belongs to: a name made of all that makes servers differ. */

#include <limits.h>
#include <stdbool.h>

struct args;

#define IDENT_DIGITS 64u /* without the NUL */

/**
 * ident_of - the identity of this command line here and now, in hexadecimal digits.
 *
 * Ours covers the interpreter as found in PATH, its arguments, the script's real
 * path, the name it was called by and the way that leads from there, the user,
 * the root directory, -L, -E and -G, and the variables interpreters read when
 * they start. It does not cover the working directory of a call by an absolute
 * name, which is sent with each call, nor the files' inodes: the server itself
 * sees to it that it is not stale (docs/decisions/0008).
 * With @compat it is the other implementation's.
 *
 * Returns 0, or -errno when the interpreter or the script is not to be found.
 */
[[nodiscard]] int ident_of(
	const struct args *args, bool compat, char out[IDENT_DIGITS + 1]);

/* @path behind the working directory, unless it is absolute. False if that is gone, or it does
 * not fit. */
[[nodiscard]] bool ident_absolute(const char *path, char out[PATH_MAX]);
