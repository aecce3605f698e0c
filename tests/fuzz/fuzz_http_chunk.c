/* SPDX-License-Identifier: MIT */

/* Any bytes are a chunked body, and decode the same whole and byte by byte. */

#include "base/buf.h"
#include "http/chunk.h"

#include <assert.h>
#include <stdbool.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int decode(struct span in, size_t step, struct buf *payload, struct buf *trailers)
{
	struct http_chunk chunk;
	struct span piece;
	int rc = HTTP_CHUNK_MORE;

	http_chunk_init(&chunk, trailers);
	while (in.n && rc == HTTP_CHUNK_MORE) {
		struct span part = span_of(in.p, in.n < step ? in.n : step);

		in = span_from(in, part.n);
		while ((rc = http_chunk_next(&chunk, &part, &piece)) == HTTP_CHUNK_DATA) {
			assert(piece.n);
			buf_put_span(payload, piece);
		}
	}
	assert((rc == HTTP_CHUNK_BAD) == (chunk.why != NULL));
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_of((const char *)data, size);
	AUTO_BUF payload = BUF_INIT(size), slow_payload = BUF_INIT(size);
	AUTO_BUF trailers = BUF_INIT(HTTP_TRAILER_MAX),
		 slow_trailers = BUF_INIT(HTTP_TRAILER_MAX);

	int rc = decode(in, size, &payload, &trailers);
	assert(rc == decode(in, 1, &slow_payload, &slow_trailers));
	assert(span_eq(buf_span(&payload), buf_span(&slow_payload)));
	assert(span_eq(buf_span(&trailers), buf_span(&slow_trailers)));
	assert(!payload.failed && !trailers.failed);
	return 0;
}
