/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * encode - an answer made smaller as it is made: gzip or zstd, where the client asks.
 *
 * For listings, which say nearly the same ten thousand times over. One encoder
 * an answer, of a fixed size (gzip 256 KiB, zstd 1 MiB), whatever its length.
 */

#include "base/buf.h"
#include "http/head.h"

enum encode_kind { ENCODE_NONE, ENCODE_GZIP, ENCODE_ZSTD };

/* What Accept-Encoding prefers; zstd, which is faster and smaller, before gzip, and either
 * before nothing, where they weigh the same. */
enum encode_kind encode_choose(const struct http_head *head);

/* The name in Content-Encoding. */
struct span encode_name(enum encode_kind kind);

struct encoder;

/* Not of ENCODE_NONE. NULL without memory. */
struct encoder *encoder_new(enum encode_kind kind);
void encoder_free(struct encoder *encoder);

/* Appends to @out what there is of @piece by now, which may be nothing, and after the last
 * piece all the rest. False if that failed. */
[[nodiscard]] bool encoder_put(
	struct encoder *encoder, struct span piece, bool is_last, struct buf *out);
