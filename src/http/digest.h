/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * digest - checksums of contents: those a client sends along with a body, in all its ways,
 * and those we answer.
 *
 *   Content-Digest, Repr-Digest   sha-256=:base64:, md5=:base64:    RFC 9530
 *   Digest                        SHA-256=base64, MD5=base64        RFC 3230
 *   Content-MD5                   base64                            RFC 2616
 *   OC-Checksum                   SHA1:hex MD5:hex                  ownCloud
 *   Upload-Checksum               sha1 base64                       tus
 *
 * A request body here is the whole file and not encoded, so they all speak of
 * the same bytes. Algorithms we do not have are passed over. Pure: nothing is
 * computed.
 */

#include "base/buf.h"
#include "http/head.h"

#include <stdbool.h>

enum http_digest_kind {
	HTTP_DIGEST_MD5,
	HTTP_DIGEST_SHA1,
	HTTP_DIGEST_SHA256,
	HTTP_DIGEST_SHA512,
	HTTP_DIGEST_N_KINDS,
};

#define HTTP_DIGEST_MAX 64u /* bytes */

/* In bytes. */
size_t http_digest_size(enum http_digest_kind kind);

struct http_digests {
	unsigned has; /* BITs of enum http_digest_kind */
	unsigned char value[HTTP_DIGEST_N_KINDS][HTTP_DIGEST_MAX];
};

/**
 * http_digest_read - gather what @head says of its body.
 *
 * False, with *@out of no use, where a value is none of its algorithm's, or two
 * contradict each other: answer 400.
 */
[[nodiscard]] bool http_digest_read(const struct http_head *head, struct http_digests *out);

/**
 * http_digest_wanted - which one of those in @has to answer with (RFC 9530, 4).
 *
 * That @field (Want-Repr-Digest, Want-Content-Digest) gives the most weight.
 * Returns its BIT; 0 where the field is there and wants none of them. Without
 * the field, @otherwise.
 */
unsigned http_digest_wanted(const struct http_head *head, enum http_field_id field,
	unsigned has, unsigned otherwise);

/* The value of Repr-Digest or Content-Digest for those BITs in @which, all of which @digests has. */
void http_digest_put(struct buf *out, const struct http_digests *digests, unsigned which);

/* All of them, as ownCloud writes them: "SHA1:... MD5:...". */
void http_digest_put_owncloud(struct buf *out, const struct http_digests *digests);
