/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * memo - Authorization values that were right a moment ago, so that a request
 * does not cost a password hash.
 *
 * A fixed number of entries, each for MEMO_LIFE_NS; the oldest of a row makes
 * room. What is kept of a value are two SipHash-2-4 of it under two keys, random
 * and this process's own, together a keyed hash of 128 bits. What that has to
 * withstand:
 *
 * - Who sends values and hears yes or no, or how long it took: without the keys
 *   the hash of a value is as good as a random number, so each try is taken for
 *   one of the entries with a chance of 2^-120, and teaches nothing.
 * - Who reads entries but not the keys: they are random numbers, too. There is
 *   no password in them, and nothing to try passwords against.
 * - Who reads all of this process's memory: passwords could be tried at the speed
 *   of the hash. A slower one, if it is fit to be computed for every request,
 *   is no help against that; and the input of the connections is there as well,
 *   with the values as they came.
 *
 * A hash whose collisions nobody finds who does know the key is not needed: whose
 * value is put has given the right password.
 */

#include "base/span.h"
#include "base/util.h"

#include <stdint.h>

struct user;

#define MEMO_LIFE_NS (600 * NS_PER_SEC) /* then the password is hashed once more */
#define MEMO_ROWS    64u
#define MEMO_IN_ROW  4u

struct memo;

/* NULL without memory. */
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
