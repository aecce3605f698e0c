/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * memo - Authorization values that were right a moment ago, so that a request
 * does not cost a password hash.
 *
 * What is kept is a keyed hash of the value, the key random and this process's
 * own: memory that leaks, leaks no password and nothing to try passwords
 * against. A fixed number of entries, each for MEMO_LIFE_NS; the oldest of a
 * row makes room. A hit costs about 0.4 us (BLAKE2b, keyed by prefix).
 */

#include "base/span.h"
#include "base/util.h"

#include <stdint.h>

struct user;

#define MEMO_LIFE_NS (600 * NS_PER_SEC) /* then the password is hashed once more */
#define MEMO_ROWS    64u
#define MEMO_IN_ROW  4u

struct memo;

/* NULL without memory, or without the digest. */
[[nodiscard]] struct memo *memo_new(void);

void memo_free(struct memo *memo); /* NULL is fine */

/* Whose @value this is, if memo_put had it and neither time nor others removed it; else
 * NULL. */
const struct user *memo_find(struct memo *memo, struct span value, uint64_t now_ns);

/* Remembers that @value is @user's. */
void memo_put(
	struct memo *memo, struct span value, const struct user *user, uint64_t now_ns);

/* Forgets all: before the users it points at are freed. */
void memo_clear(struct memo *memo);
