/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * arena - many small allocations that are freed together, up to a stated maximum.
 *
 * What it hands out does not move, and lives until arena_fini. Start from
 * ARENA_INIT(max_bytes).
 */

#include "base/span.h"

#include <stddef.h>

struct arena_block;

struct arena {
	struct arena_block *blocks; /* owned; the newest first */
	size_t n_used;              /* of the newest block */
	size_t n_left;              /* what may still be asked of malloc, in bytes */
};

#define ARENA_INIT(max_bytes) ((struct arena){.n_left = (max_bytes)})
#define AUTO_ARENA            [[gnu::cleanup(arena_fini)]] struct arena

/* Frees everything. What is left is empty and has no room: initialise it again to reuse it.
 */
void arena_fini(struct arena *arena);

/* @n bytes, zeroed and aligned for anything. NULL past the maximum or without memory. */
[[nodiscard]] void *arena_alloc(struct arena *arena, size_t n);

/* A copy of @s, which may be empty; SPAN_NONE past the maximum or without memory. */
[[nodiscard]] struct span arena_copy(struct arena *arena, struct span s);
