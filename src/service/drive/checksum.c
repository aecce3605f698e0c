/* SPDX-License-Identifier: MIT */

#include "service/drive/checksum.h"

#include "base/util.h"

#include <assert.h>
#include <openssl/evp.h>

void checksum_learn(struct checksum_ways *ways)
{
	static const char *const names[HTTP_DIGEST_N_KINDS] = {
		[HTTP_DIGEST_MD5] = "MD5",
		[HTTP_DIGEST_SHA1] = "SHA1",
		[HTTP_DIGEST_SHA256] = "SHA256",
		[HTTP_DIGEST_SHA512] = "SHA512",
	};

	for (enum http_digest_kind kind = 0; kind < HTTP_DIGEST_N_KINDS; kind++)
		ways->of[kind] = EVP_MD_fetch(NULL, names[kind], NULL);
}

void checksum_forget(struct checksum_ways *ways)
{
	for (enum http_digest_kind kind = 0; kind < HTTP_DIGEST_N_KINDS; kind++) {
		EVP_MD_free(ways->of[kind]);
		ways->of[kind] = NULL;
	}
}

bool checksum_init(struct checksum *sum, const struct checksum_ways *ways,
	const struct http_digests *want, unsigned also)
{
	*sum = (struct checksum){.want = *want, .got.has = want->has | also};
	for (enum http_digest_kind kind = 0; kind < HTTP_DIGEST_N_KINDS; kind++) {
		if (!(sum->got.has & BIT(kind)))
			continue;
		sum->contexts[kind] = EVP_MD_CTX_new();
		if (!ways->of[kind] || !sum->contexts[kind]
			|| EVP_DigestInit_ex(sum->contexts[kind], ways->of[kind], NULL)
				   != 1)
			return false;
	}
	return true;
}

void checksum_fini(struct checksum *sum)
{
	for (enum http_digest_kind kind = 0; kind < HTTP_DIGEST_N_KINDS; kind++) {
		EVP_MD_CTX_free(sum->contexts[kind]);
		sum->contexts[kind] = NULL;
	}
}

void checksum_add(struct checksum *sum, struct span piece)
{
	for (enum http_digest_kind kind = 0; kind < HTTP_DIGEST_N_KINDS; kind++)
		if (sum->contexts[kind])
			(void)EVP_DigestUpdate(sum->contexts[kind], piece.p,
				piece.n); /* cannot fail once begun; if it did, it would
					     not hold */
}

bool checksum_holds(struct checksum *sum)
{
	bool holds = true;

	static_assert(HTTP_DIGEST_MAX >= EVP_MAX_MD_SIZE);
	for (enum http_digest_kind kind = 0; kind < HTTP_DIGEST_N_KINDS; kind++) {
		unsigned char *got = sum->got.value[kind];

		if (sum->contexts[kind]
			&& EVP_DigestFinal_ex(sum->contexts[kind], got, NULL) != 1)
			return false;
		if (sum->want.has & BIT(kind))
			holds &= memcmp(got, sum->want.value[kind], http_digest_size(kind))
				 == 0;
	}
	return holds;
}
