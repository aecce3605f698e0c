/* SPDX-License-Identifier: MIT */

#include "service/drive/auth/memo.h"

#include "os/random.h"

#include <openssl/evp.h>
#include <stdlib.h>

#define KEY_BYTES    32u
#define DIGEST_BYTES 64u /* BLAKE2b-512; SHA-256 takes 1.7 times as long here */
#define KEPT_BYTES   32u /* of it: 2^128 tries for an accident */

struct entry {
	unsigned char digest[KEPT_BYTES];
	const struct user *user; /* NULL: free */
	uint64_t until_ns;
};

struct memo {
	EVP_MD *md;      /* owned */
	EVP_MD_CTX *ctx; /* owned; used again and again */
	unsigned char key[KEY_BYTES];
	struct entry rows[MEMO_ROWS][MEMO_IN_ROW];
};

struct memo *memo_new(void)
{
	struct memo *memo = calloc(1, sizeof(*memo));

	if (!memo)
		return NULL;
	random_bytes(memo->key, sizeof(memo->key));
	memo->md = EVP_MD_fetch(NULL, "BLAKE2B-512", NULL);
	memo->ctx = EVP_MD_CTX_new();
	if (!memo->md || !memo->ctx || !EVP_DigestInit_ex(memo->ctx, memo->md, NULL)) {
		memo_free(memo);
		return NULL;
	}
	return memo;
}

void memo_free(struct memo *memo)
{
	if (!memo)
		return;
	EVP_MD_CTX_free(memo->ctx);
	EVP_MD_free(memo->md);
	explicit_bzero(memo, sizeof(*memo));
	free(memo);
}

/* The row where @value belongs, or NULL if OpenSSL fails; its keyed hash in @digest. */
static struct entry *row_of(
	struct memo *memo, struct span value, unsigned char digest[DIGEST_BYTES])
{
	/* No digest set anew: OpenSSL then skips looking it up, most of its cost. */
	if (!EVP_DigestInit_ex(memo->ctx, NULL, NULL)
		|| !EVP_DigestUpdate(memo->ctx, memo->key, sizeof(memo->key))
		|| !EVP_DigestUpdate(memo->ctx, value.p, value.n)
		|| !EVP_DigestFinal_ex(memo->ctx, digest, NULL))
		return NULL;
	return memo->rows[digest[DIGEST_BYTES - 1] % MEMO_ROWS];
}

const struct user *memo_find(struct memo *memo, struct span value, uint64_t now_ns)
{
	unsigned char digest[DIGEST_BYTES];
	struct entry *row = row_of(memo, value, digest);

	for (size_t i = 0; row && i < MEMO_IN_ROW; i++) {
		/* Not in constant time: the digest is keyed, so nobody chooses it. */
		if (row[i].user && now_ns < row[i].until_ns
			&& memcmp(row[i].digest, digest, KEPT_BYTES) == 0)
			return row[i].user;
	}
	return NULL;
}

void memo_put(
	struct memo *memo, struct span value, const struct user *user, uint64_t now_ns)
{
	unsigned char digest[DIGEST_BYTES];
	struct entry *row = row_of(memo, value, digest);
	struct entry *oldest = row;

	if (!row)
		return; /* remembering is a help, not a duty */
	for (size_t i = 0; i < MEMO_IN_ROW; i++) {
		bool same = row[i].user && !memcmp(row[i].digest, digest, KEPT_BYTES);

		if (same || row[i].until_ns < oldest->until_ns)
			oldest = &row[i];
		if (same)
			break;
	}
	memcpy(oldest->digest, digest, KEPT_BYTES);
	oldest->user = user;
	oldest->until_ns = now_ns + MEMO_LIFE_NS;
}

void memo_clear(struct memo *memo)
{
	explicit_bzero(memo->rows, sizeof(memo->rows));
}
