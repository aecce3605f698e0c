/* SPDX-License-Identifier: MIT */
#pragma once

/* mem - memory that processes share. A child has it if mem_inherit said so when it was forked. */

#include <stddef.h>

/**
 * mem_share - zeroed memory that this process and those it forks it to see alike.
 *
 * Pages nobody touches cost nothing. Returns NULL without memory; ends with mem_unshare.
 */
[[nodiscard]] void *mem_share(size_t bytes);
void mem_unshare(void *p, size_t bytes); /* takes NULL */

/**
 * mem_share_by_fd - the same, and *@fd (owned, CLOEXEC) by which another program may share it.
 *
 * Its length is sealed: who has mapped it need not fear for it.
 */
[[nodiscard]] void *mem_share_by_fd(size_t bytes, int *fd);

/* The memory another program shares by @fd, which stays the caller's; NULL if it is not such
 * memory of @bytes. */
[[nodiscard]] void *mem_attach(int fd, size_t bytes);

/* Whether children forked from now on get @p mapped (at first not). */
void mem_inherit(void *p, size_t bytes, int inherit);

/* Gives the pages of @p back to the system; they read as zero again, for every process. */
void mem_release(void *p, size_t bytes);
