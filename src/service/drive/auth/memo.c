/* SPDX-License-Identifier: MIT */

#include "service/drive/auth/memo.h"

#include "base/sip.h"
#include "os/random.h"

#include <stdbool.h>
#include <stdlib.h>

struct tag {
	uint64_t halves[2];
};

struct entry {
	struct tag tag;
	const struct user *user; /* NULL: free */
	uint64_t until_ns;
};

struct memo {
	struct sip_key keys[2];
	struct entry rows[MEMO_ROWS][MEMO_IN_ROW];
};

struct memo *memo_new(void)
{
	struct memo *memo = calloc(1, sizeof(*memo));

	if (memo)
		random_bytes(memo->keys, sizeof(memo->keys));
	return memo;
}

void memo_free(struct memo *memo)
{
	if (!memo)
		return;
	explicit_bzero(memo, sizeof(*memo));
	free(memo);
}

static struct tag tag_of(const struct memo *memo, struct span value)
{
	return (struct tag){
		{sip_hash(&memo->keys[0], value), sip_hash(&memo->keys[1], value)}};
}

/* Not in constant time: the tags are keyed, so nobody chooses them. */
static bool same(const struct tag *a, const struct tag *b)
{
	return a->halves[0] == b->halves[0] && a->halves[1] == b->halves[1];
}

static struct entry *row_of(struct memo *memo, const struct tag *tag)
{
	return memo->rows[tag->halves[0] % MEMO_ROWS];
}

const struct user *memo_find(struct memo *memo, struct span value, uint64_t now_ns)
{
	const struct tag tag = tag_of(memo, value);
	const struct entry *row = row_of(memo, &tag);

	for (size_t i = 0; i < MEMO_IN_ROW; i++) {
		if (row[i].user && now_ns < row[i].until_ns && same(&row[i].tag, &tag))
			return row[i].user;
	}
	return NULL;
}

void memo_put(
	struct memo *memo, struct span value, const struct user *user, uint64_t now_ns)
{
	const struct tag tag = tag_of(memo, value);
	struct entry *row = row_of(memo, &tag);
	struct entry *oldest = row;

	for (size_t i = 0; i < MEMO_IN_ROW; i++) {
		if (row[i].user && same(&row[i].tag, &tag)) {
			oldest = &row[i];
			break;
		}
		if (row[i].until_ns < oldest->until_ns)
			oldest = &row[i];
	}
	*oldest = (struct entry){tag, user, now_ns + MEMO_LIFE_NS};
}

void memo_clear(struct memo *memo)
{
	explicit_bzero(memo->rows, sizeof(memo->rows));
}
