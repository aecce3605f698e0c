/* SPDX-License-Identifier: MIT */
#pragma once

/* mem - memory that processes share. */

#include <stddef.h>

/**
 * mem_share - zeroed memory that this process and the children it forks see alike.
 *
 * Pages nobody touches cost nothing. Returns NULL without memory; ends with mem_unshare.
 */
[[nodiscard]] void *mem_share(size_t bytes);
void mem_unshare(void *p, size_t bytes); /* takes NULL */

/* Whether children forked from now on get @p mapped (as they do at first). */
void mem_inherit(void *p, size_t bytes, int inherit);

/* Gives the pages of @p back to the system; they read as zero again, for every process. */
void mem_release(void *p, size_t bytes);
