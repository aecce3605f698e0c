/* SPDX-License-Identifier: MIT */
#pragma once

/* heritage - the descriptors a child is to have, besides 0, 1 and 2. Every other is closed
 * in it. */

#include "os/proc.h"

#include <assert.h>
#include <stddef.h>

struct heritage {
	int fds[PROC_KEEP_MAX]; /* borrowed */
	size_t n;
};

/* Adds @fd; -1 and the standard three are passed over. */
static inline void heritage_add(struct heritage *h, int fd)
{
	if (fd <= 2)
		return;
	assert(h->n < PROC_KEEP_MAX);
	h->fds[h->n++] = fd;
}
