/* SPDX-License-Identifier: MIT */
#pragma once

/* pipe - a pair of ends, named for what they are. */

#include <stddef.h>

/* Both non-blocking and CLOEXEC, the caller's. 0; or -errno with both as they were. */
[[nodiscard]] int pipe_open(int *read_end, int *write_end);

/* The same, with room for @n_bytes in whole pages, which a user may have no more of: -EPERM. */
[[nodiscard]] int pipe_open_large(size_t n_bytes, int *read_end, int *write_end);

/* As pipe_open, but that the writing end blocks: for a program that expects no other. */
[[nodiscard]] int pipe_open_output(int *read_end, int *write_end);
