/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * lock - one WebDAV lock, and how it is written to a file. Pure.
 *
 * On disk it is a line of words and behind it two runs of bytes:
 *
 *   urn:uuid:... exclusive infinity 1790000000 3600 0 5 21
 *   alice<D:owner>Alice</D:owner>
 *
 * token, scope, depth, when it ends (seconds since 1970), what was granted, the
 * inode of the file it made (0: none), the lengths of the two runs.
 */

#include "base/buf.h"
#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

#define LOCK_TOKEN_MAX 46u /* bytes, with the NUL: "urn:uuid:" and a UUID */
#define LOCK_USER_MAX  255u
#define LOCK_OWNER_MAX 4096u

struct lock {
	char token[LOCK_TOKEN_MAX];
	bool is_shared; /* or exclusive */
	bool is_deep;   /* Depth: infinity */
	int64_t ends_sec;
	uint32_t granted_sec;
	uint64_t made_inode; /* the empty file that LOCK made where nothing was; 0 */
	struct span user;    /* who took it; nobody else's requests may use it */
	struct span owner;   /* an <owner> element for others to see; empty for none */
};

/* Writes a token that nobody can guess. */
void lock_new_token(char out[LOCK_TOKEN_MAX]);

static inline struct span lock_token(const struct lock *lock)
{
	return span_str(lock->token);
}

/* Appends @lock to a file's bytes. */
void lock_put(struct buf *out, const struct lock *lock);

/* Takes the next lock off the front of *@rest, into which its spans point. False at the
 * end, and where the bytes are none of ours: then nothing more can be read of them. */
bool lock_next(struct span *rest, struct lock *out);
