/* SPDX-License-Identifier: MIT */

#include "service/drive/lock/lock.h"

#include "base/num.h"
#include "os/file.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define TOKEN_PREFIX "urn:uuid:"

void lock_new_token(char out[LOCK_TOKEN_MAX])
{
	char a[FILE_UNIQUE_MAX], b[FILE_UNIQUE_MAX];

	file_unique(a);
	file_unique(b);
	/* 122 random bits; the other six say version 4, variant 1 (RFC 9562, 5.4). */
	int n = snprintf(out, LOCK_TOKEN_MAX, TOKEN_PREFIX "%.8s-%.4s-4%.3s-%c%.3s-%.12s",
		a, a + 8, a + 12, "89ab"[b[0] & 3], b + 1, b + 4);
	assert(n == LOCK_TOKEN_MAX - 1);
}

void lock_put(struct buf *out, const struct lock *lock)
{
	buf_printf(out, "%s %s %s %" PRId64 " %" PRIu32 " %" PRIu64 " %zu %zu\n",
		lock->token, lock->is_shared ? "shared" : "exclusive",
		lock->is_deep ? "infinity" : "0", lock->ends_sec, lock->granted_sec,
		lock->made_inode, lock->user.n, lock->owner.n);
	buf_put_span(out, lock->user);
	buf_put_span(out, lock->owner);
}

/* The next word of a line, which is one of two: *@is_second says which. */
static bool take_either(
	struct span *line, struct span first, struct span second, bool *is_second)
{
	struct span word;

	if (!span_cut(line, ' ', &word))
		return false;
	*is_second = span_eq(word, second);
	return *is_second || span_eq(word, first);
}

static bool take_number(struct span *line, uint64_t most, uint64_t *out)
{
	struct span word;

	return span_cut(line, ' ', &word) && num_u64(word, out) && *out <= most;
}

static bool take_token(struct span *line, char out[LOCK_TOKEN_MAX])
{
	struct span word;

	if (!span_cut(line, ' ', &word) || word.n != LOCK_TOKEN_MAX - 1
		|| !span_starts(word, SPAN(TOKEN_PREFIX)))
		return false;
	memcpy(out, word.p, word.n);
	out[word.n] = '\0';
	return strspn(out + sizeof(TOKEN_PREFIX) - 1, "0123456789abcdef-")
	       == LOCK_TOKEN_MAX - sizeof(TOKEN_PREFIX);
}

static struct span take_run(struct span *rest, size_t n)
{
	struct span run = span_of(rest->p, n);

	*rest = span_from(*rest, n);
	return run;
}

bool lock_next(struct span *rest, struct lock *out)
{
	size_t n_line = span_find(*rest, '\n');
	struct span line = span_of(rest->p, n_line);
	uint64_t ends, granted, made, n_user, n_owner;

	if (n_line == rest->n || !take_token(&line, out->token)
		|| !take_either(&line, SPAN("exclusive"), SPAN("shared"), &out->is_shared)
		|| !take_either(&line, SPAN("0"), SPAN("infinity"), &out->is_deep)
		|| !take_number(&line, INT64_MAX, &ends)
		|| !take_number(&line, UINT32_MAX, &granted)
		|| !take_number(&line, UINT64_MAX, &made)
		|| !take_number(&line, LOCK_USER_MAX, &n_user)
		|| !take_number(&line, LOCK_OWNER_MAX, &n_owner) || line.p)
		return false;

	struct span runs = span_from(*rest, n_line + 1);
	if (runs.n < n_user + n_owner)
		return false;
	out->ends_sec = (int64_t)ends;
	out->granted_sec = (uint32_t)granted;
	out->made_inode = made;
	out->user = take_run(&runs, n_user);
	out->owner = take_run(&runs, n_owner);
	*rest = runs;
	return true;
}
