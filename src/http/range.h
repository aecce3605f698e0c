/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * range - parts of a file: the Range field, Content-Range in both directions,
 * and the multipart/byteranges body (RFC 9110, section 14).
 */

#include "base/buf.h"
#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

#define HTTP_RANGES_MAX 16u

struct http_range {
	uint64_t from;
	uint64_t n; /* bytes, not 0 */
};

struct http_ranges {
	struct http_range at[HTTP_RANGES_MAX]; /* in the order they were asked for */
	unsigned n;
};

enum {
	HTTP_RANGE_SOME = 0, /* 206 with these */
	HTTP_RANGE_IGNORE,   /* 200 with everything: not a range we understand or accept */
	HTTP_RANGE_OUTSIDE,  /* 416: no byte that was asked for exists */
};

/**
 * http_range_read - which bytes of a file of @size bytes the Range field asks for.
 *
 * More than HTTP_RANGES_MAX ranges, or ranges that together are longer than
 * the file, are ignored: serving the whole is cheaper than what they would
 * cost. Ranges beyond the end are left out as long as one is not.
 * *@ranges is set for HTTP_RANGE_SOME only.
 */
[[nodiscard]] int http_range_read(
	struct span value, uint64_t size, struct http_ranges *ranges);

/* Content-Range's values: "bytes 0-4/10", and "bytes *" "/10" for a 416. */
void http_range_put(struct buf *out, struct http_range range, uint64_t size);
void http_range_put_outside(struct buf *out, uint64_t size);

/*
 * A multipart/byteranges body is: for each range its head and its bytes, then
 * the end. @boundary and @type have at most HTTP_MULTIPART_TEXT_MAX bytes each.
 */
#define HTTP_MULTIPART_TEXT_MAX 128u
#define HTTP_MULTIPART_HEAD_MAX 512u

void http_range_put_part(struct buf *out, struct span boundary, struct span type,
	struct http_range range, uint64_t size);
void http_range_put_end(struct buf *out, struct span boundary);

/* How many bytes that whole body has, exactly. */
uint64_t http_range_multipart_length(const struct http_ranges *ranges, struct span boundary,
	struct span type, uint64_t size);
