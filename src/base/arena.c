/* SPDX-License-Identifier: MIT */

#include "base/arena.h"

#include "base/util.h"

#include <stdalign.h>
#include <stdlib.h>

#define BLOCK_BYTES 2048u /* a usual request body's worth */

struct arena_block {
	struct arena_block *next;
	size_t n_bytes;
	alignas(max_align_t) char bytes[];
};

void arena_fini(struct arena *arena)
{
	for (struct arena_block *b = arena->blocks, *next; b; b = next) {
		next = b->next;
		free(b);
	}
	*arena = ARENA_INIT(0);
}

static struct arena_block *add_block(struct arena *arena, size_t n)
{
	size_t n_bytes = MIN(MAX(n, BLOCK_BYTES), arena->n_left);

	if (n_bytes < n)
		return NULL;

	struct arena_block *block = calloc(1, sizeof(*block) + n_bytes);
	if (!block)
		return NULL;
	block->n_bytes = n_bytes;
	block->next = arena->blocks;
	arena->blocks = block;
	arena->n_used = 0;
	arena->n_left -= n_bytes;
	return block;
}

/* @align is a power of two. */
static void *take(struct arena *arena, size_t n, size_t align)
{
	struct arena_block *block = arena->blocks;
	size_t at = (arena->n_used + align - 1) & ~(align - 1);

	if (!block || at > block->n_bytes || n > block->n_bytes - at) {
		block = add_block(arena, n);
		at = 0;
	}
	if (!block)
		return NULL;
	arena->n_used = at + n;
	return block->bytes + at;
}

void *arena_alloc(struct arena *arena, size_t n)
{
	return take(arena, n, alignof(max_align_t));
}

struct span arena_copy(struct arena *arena, struct span s)
{
	char *p = take(arena, s.n, 1);

	if (!p)
		return SPAN_NONE;
	if (s.n)
		memcpy(p, s.p, s.n);
	return span_of(p, s.n);
}
