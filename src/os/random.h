/* SPDX-License-Identifier: MIT */
#pragma once

/* random - bytes nobody can guess, from the kernel. */

#include <stddef.h>

/* Fills @n (at most 256) bytes; waits for the kernel's entropy just after boot, never
 * fails. */
void random_bytes(void *out, size_t n);
