/* SPDX-License-Identifier: MIT */

#include "service/drive/checksum.h"

#include "base/util.h"

#include <assert.h>
#include <openssl/evp.h>

static const EVP_MD *md_of(enum http_digest_kind kind)
{
	switch (kind) {
	case HTTP_DIGEST_MD5: return EVP_md5();
	case HTTP_DIGEST_SHA1: return EVP_sha1();
	case HTTP_DIGEST_SHA256: return EVP_sha256();
	case HTTP_DIGEST_SHA512: return EVP_sha512();
	case HTTP_DIGEST_N_KINDS: break;
	}
	__builtin_unreachable();
}

bool checksum_init(struct checksum *sum, const struct http_digests *want, unsigned also)
{
	*sum = (struct checksum){.want = *want, .got.has = want->has | also};
	for (enum http_digest_kind kind = 0; kind < HTTP_DIGEST_N_KINDS; kind++) {
		if (!(sum->got.has & BIT(kind)))
			continue;
		sum->contexts[kind] = EVP_MD_CTX_new();
		if (!sum->contexts[kind]
			|| EVP_DigestInit_ex(sum->contexts[kind], md_of(kind), NULL) != 1)
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
