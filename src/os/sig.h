/* SPDX-License-Identifier: MIT */
#pragma once

/* sig - signals as something to read. There are no handlers in this program. */

#include <stddef.h>

/**
 * sig_open - block @signals, and read them from a descriptor instead.
 *
 * SIGPIPE is blocked as well, and never read: a write to a closed pipe is an
 * error like others. Returns the descriptor (non-blocking, CLOEXEC, yours) or -errno.
 */
[[nodiscard]] int sig_open(const int *signals, size_t n);

/* Blocks @signals, and nobody reads them. */
void sig_block(const int *signals, size_t n);

/* The next signal; 0 when there is none. */
int sig_next(int fd);
