/* SPDX-License-Identifier: MIT */
#pragma once

/* pipe - a pair of ends, named for what they are. */

/* Both non-blocking and CLOEXEC, the caller's. 0; or -errno with both as they were. */
[[nodiscard]] int pipe_open(int *read_end, int *write_end);

/* The same, but that the writing end blocks: for a program that expects no other. */
[[nodiscard]] int pipe_open_output(int *read_end, int *write_end);
