/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * chunk - the chunked transfer coding (RFC 9112, 7.1), both ways.
 *
 * The decoder copies nothing: it gives out the payload as spans of the bytes
 * it was given. It is as strict as the head parser about line ends; of chunk
 * extensions it checks only that they hold no control byte.
 */

#include "base/buf.h"
#include "base/span.h"

#include <stddef.h>
#include <stdint.h>

#define HTTP_CHUNK_LINE_MAX 256u  /* bytes: a size with its extensions */
#define HTTP_TRAILER_MAX    4096u /* bytes: all trailer lines together */

enum {
	HTTP_CHUNK_DATA = 0, /* a piece of payload */
	HTTP_CHUNK_MORE,     /* all bytes are used and the body has not ended */
	HTTP_CHUNK_END,      /* the body has ended; what is left of the bytes follows it */
	HTTP_CHUNK_BAD,      /* answer 400 with .why, and close */
};

struct http_chunk {
	const char *why; /* HTTP_CHUNK_BAD: a sentence without its full stop; static */

	/* private */
	uint64_t left;        /* of the chunk's payload; while its size is read, that */
	struct buf *trailers; /* borrowed; NULL: not wanted */
	uint16_t line_n;      /* bytes of this size line, or of all trailers */
	uint8_t n_digits;
	uint8_t state;
};

/**
 * http_chunk_init - make ready for a body.
 *
 * The trailer lines, each with its CR LF, are appended to @trailers if it is
 * not NULL; it must outlive the decoder and hold HTTP_TRAILER_MAX bytes more.
 */
void http_chunk_init(struct http_chunk *chunk, struct buf *trailers);

/**
 * http_chunk_next - take the next piece of payload off the front of *@in.
 *
 * Returns HTTP_CHUNK_DATA with *@payload (never empty) pointing into what *@in
 * was; call again until it returns something else. END and BAD stay.
 */
[[nodiscard]] int http_chunk_next(
	struct http_chunk *chunk, struct span *in, struct span *payload);

/* How many of the next bytes are sure to be payload: they may be read without fear of
 * reading past the body's end. */
uint64_t http_chunk_payload_left(const struct http_chunk *chunk);

/* To write a body: a head, that many bytes and CR LF for each chunk; then HTTP_CHUNK_LAST.
 */
#define HTTP_CHUNK_HEAD_MAX 18u /* sixteen digits, CR LF */
#define HTTP_CHUNK_LAST     SPAN("0\r\n\r\n")

/* Returns how many bytes of @out were written. @n must not be 0, which would end the body.
 */
size_t http_chunk_head(char out[HTTP_CHUNK_HEAD_MAX], uint64_t n);
