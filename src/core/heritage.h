/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * heritage - what a child is to have: descriptors, besides 0, 1 and 2, and memory that processes
 * share (os/mem.h). Every other descriptor is closed in it, and other such memory is not there.
 */

#include "os/mem.h"
#include "os/proc.h"

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>

enum { HERITAGE_MEMORY_MAX = 8 };

struct heritage {
	int fds[PROC_KEEP_MAX]; /* borrowed */
	size_t n;
	struct {
		void *p; /* borrowed */
		size_t bytes;
	} memory[HERITAGE_MEMORY_MAX];
	size_t n_memory;
};

/* Adds @fd; -1 and the standard three are passed over. */
static inline void heritage_add(struct heritage *h, int fd)
{
	if (fd <= 2)
		return;
	assert(h->n < PROC_KEEP_MAX);
	h->fds[h->n++] = fd;
}

/* Adds memory; NULL is passed over. */
static inline void heritage_add_memory(struct heritage *h, void *p, size_t bytes)
{
	if (!p)
		return;
	assert(h->n_memory < HERITAGE_MEMORY_MAX);
	h->memory[h->n_memory].p = p;
	h->memory[h->n_memory++].bytes = bytes;
}

/* Whether children forked from now on get the memory in it. */
static inline void heritage_open(const struct heritage *h, bool open)
{
	for (size_t i = 0; i < h->n_memory; i++)
		mem_inherit(h->memory[i].p, h->memory[i].bytes, open);
}
