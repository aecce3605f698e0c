/* SPDX-License-Identifier: MIT */

#include "service/drive/digests.h"

#include "base/util.h"
#include "http/resp.h"
#include "service/drive/drive.h"
#include "service/drive/policy.h"
#include "service/drive/request.h"

#include <assert.h>

/* As they are kept: a byte with the BITs of the kinds, then each, in the order of the
 * enumeration, which lies on disks. */
static_assert(HTTP_DIGEST_N_KINDS <= 8);
static_assert(HTTP_DIGEST_MD5 == 0 && HTTP_DIGEST_SHA1 == 1 && HTTP_DIGEST_SHA256 == 2
	      && HTTP_DIGEST_SHA512 == 3);
static_assert(FS_DIGESTS_MAX >= 1 + 16 + 20 + 32 + 64);

unsigned digests_computed(const struct request *r)
{
	unsigned kinds =
		r->drive->policy->checksums == POLICY_SHA256 ? BIT(HTTP_DIGEST_SHA256) : 0;

	/* ownCloud's clients send one and ask for either. */
	if (http_head_has(&r->head, HTTP_H_OC_CHECKSUM))
		kinds |= BIT(HTTP_DIGEST_MD5) | BIT(HTTP_DIGEST_SHA1);
	return kinds;
}

void digests_pack(const struct http_digests *digests, struct fs_digests *out)
{
	out->n = 0;
	if (!digests->has)
		return;
	out->bytes[out->n++] = (char)digests->has;
	for (enum http_digest_kind kind = 0; kind < HTTP_DIGEST_N_KINDS; kind++) {
		if (!(digests->has & BIT(kind)))
			continue;
		memcpy(out->bytes + out->n, digests->value[kind], http_digest_size(kind));
		out->n += http_digest_size(kind);
	}
}

void digests_unpack(const struct fs_digests *kept, struct http_digests *out)
{
	struct span rest = span_from(fs_digests_span(kept), 1);
	unsigned has = kept->n > 0 ? (unsigned char)kept->bytes[0] : 0;

	out->has = 0;
	for (enum http_digest_kind kind = 0; kind < HTTP_DIGEST_N_KINDS; kind++) {
		size_t n = http_digest_size(kind);

		if (!(has & BIT(kind)))
			continue;
		if (rest.n < n)
			return;
		memcpy(out->value[kind], rest.p, n);
		out->has |= BIT(kind);
		rest = span_from(rest, n);
	}
}

static void put_field(struct buf *head, const char *name,
	const struct http_digests *digests, unsigned which)
{
	if (!which)
		return;
	buf_put_str(head, name);
	http_digest_put(head, digests, which);
	buf_put_str(head, "\r\n");
}

void digests_put(struct request *r, struct buf *head, const struct http_digests *digests)
{
	/* Unasked, what RFC 9530 calls active, and no more than one. */
	unsigned active = digests->has & BIT(HTTP_DIGEST_SHA256)
				  ? BIT(HTTP_DIGEST_SHA256)
				  : digests->has & BIT(HTTP_DIGEST_SHA512);

	put_field(head, "Repr-Digest: ", digests,
		http_digest_wanted(
			&r->head, HTTP_H_WANT_REPR_DIGEST, digests->has, active));
	/* The content is all of the representation in that one answer alone. */
	if (r->answer.status == 200 && r->answer.has_body)
		put_field(head, "Content-Digest: ", digests,
			http_digest_wanted(
				&r->head, HTTP_H_WANT_CONTENT_DIGEST, digests->has, 0));
}
