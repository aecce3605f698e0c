/* SPDX-License-Identifier: MIT */

#include "http/range.h"

#include "base/num.h"
#include "http/list.h"

#include <assert.h>

/* Digits, at least one; what does not fit becomes the largest number. */
static bool read_position(struct span s, uint64_t *out)
{
	uint64_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		if (__builtin_mul_overflow(n, 10, &n)
			|| __builtin_add_overflow(n, (uint64_t)(s.p[i] - '0'), &n))
			n = UINT64_MAX;
	}
	*out = n;
	return s.n > 0;
}

/* "-n": the last n bytes. An empty file has no last bytes to describe with Content-Range,
 * and yet the range is not beyond its end: everything, which is nothing, is sent. */
static int read_suffix(struct span digits, uint64_t size, struct http_range *range)
{
	uint64_t n;

	if (!read_position(digits, &n))
		return HTTP_RANGE_IGNORE;
	if (n == 0)
		return HTTP_RANGE_OUTSIDE;
	if (size == 0)
		return HTTP_RANGE_IGNORE;
	n = n < size ? n : size;
	*range = (struct http_range){.from = size - n, .n = n};
	return HTTP_RANGE_SOME;
}

static int read_one(struct span item, uint64_t size, struct http_range *range)
{
	size_t dash = span_find(item, '-');
	struct span first = span_of(item.p, dash), last = span_from(item, dash + 1);
	uint64_t from, to = UINT64_MAX;

	if (dash == item.n)
		return HTTP_RANGE_IGNORE;
	if (!first.n)
		return read_suffix(last, size, range);
	if (!read_position(first, &from) || (last.n && !read_position(last, &to))
		|| to < from)
		return HTTP_RANGE_IGNORE;
	if (from >= size)
		return HTTP_RANGE_OUTSIDE;

	to = to < size ? to : size - 1;
	*range = (struct http_range){.from = from, .n = to - from + 1};
	return HTTP_RANGE_SOME;
}

/* What follows "bytes=", or SPAN_NONE; units are compared without case. */
static struct span after_unit(struct span value)
{
	static const struct span unit = SPAN("bytes=");

	if (value.n < unit.n || !span_ieq(span_of(value.p, unit.n), unit))
		return SPAN_NONE;
	return span_from(value, unit.n);
}

int http_range_read(struct span value, uint64_t size, struct http_ranges *ranges)
{
	struct http_ranges found = {.n = 0};
	struct span rest = after_unit(value), item;
	uint64_t total = 0;
	unsigned n_items = 0;

	while (http_list_next(&rest, &item)) {
		struct http_range range;
		int rc = read_one(item, size, &range);

		if (rc == HTTP_RANGE_IGNORE || ++n_items > HTTP_RANGES_MAX)
			return HTTP_RANGE_IGNORE;
		if (rc == HTTP_RANGE_OUTSIDE)
			continue;
		if (range.n > size - total)
			return HTTP_RANGE_IGNORE;
		total += range.n;
		found.at[found.n++] = range;
	}
	if (!n_items)
		return HTTP_RANGE_IGNORE;
	if (!found.n)
		return HTTP_RANGE_OUTSIDE;
	*ranges = found;
	return HTTP_RANGE_SOME;
}

void http_range_put(struct buf *out, struct http_range range, uint64_t size)
{
	buf_put_span(out, SPAN("bytes "));
	buf_put_u64(out, range.from);
	buf_put_byte(out, '-');
	buf_put_u64(out, range.from + range.n - 1);
	buf_put_byte(out, '/');
	buf_put_u64(out, size);
}

void http_range_put_outside(struct buf *out, uint64_t size)
{
	buf_put_span(out, SPAN("bytes */"));
	buf_put_u64(out, size);
}

void http_range_put_part(struct buf *out, struct span boundary, struct span type,
	struct http_range range, uint64_t size)
{
	buf_put_span(out, SPAN("\r\n--"));
	buf_put_span(out, boundary);
	buf_put_span(out, SPAN("\r\nContent-Type: "));
	buf_put_span(out, type);
	buf_put_span(out, SPAN("\r\nContent-Range: "));
	http_range_put(out, range, size);
	buf_put_span(out, SPAN("\r\n\r\n"));
}

void http_range_put_end(struct buf *out, struct span boundary)
{
	buf_put_span(out, SPAN("\r\n--"));
	buf_put_span(out, boundary);
	buf_put_span(out, SPAN("--\r\n"));
}

/* The heads are written to be measured: so the length cannot differ from what is sent. */
uint64_t http_range_multipart_length(const struct http_ranges *ranges, struct span boundary,
	struct span type, uint64_t size)
{
	char text[HTTP_MULTIPART_HEAD_MAX];
	uint64_t length = 0;

	for (unsigned i = 0; i < ranges->n; i++) {
		struct buf head = BUF_FIXED(text);

		http_range_put_part(&head, boundary, type, ranges->at[i], size);
		assert(!head.failed);
		length += head.n + ranges->at[i].n;
	}

	struct buf end = BUF_FIXED(text);
	http_range_put_end(&end, boundary);
	return length + end.n;
}
