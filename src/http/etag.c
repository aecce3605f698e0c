/* SPDX-License-Identifier: MIT */

#include "http/etag.h"

#include "http/chars.h"

/* A tag at the front of @s; returns how many bytes it has, 0 if there is none. */
static size_t tag_at(struct span s, struct http_etag *etag)
{
	bool weak = span_starts(s, SPAN("W/"));
	struct span quoted = span_from(s, weak ? 2 : 0);
	if (!quoted.n || quoted.p[0] != '"')
		return 0;

	struct span inside = span_from(quoted, 1);
	size_t n = http_chars_run(inside, HTTP_CHAR_ETAG);
	if (n == inside.n || inside.p[n] != '"')
		return 0;

	*etag = (struct http_etag){.opaque = span_of(inside.p, n), .weak = weak};
	return (weak ? 2 : 0) + n + 2;
}

bool http_etag_read(struct span s, struct http_etag *etag)
{
	struct http_etag found;

	if (!s.n || tag_at(s, &found) != s.n)
		return false;
	*etag = found;
	return true;
}

bool http_etag_next(struct span *rest, struct http_etag *etag)
{
	while (rest->n) {
		struct span s = span_trim(*rest);
		struct http_etag found;
		size_t n = tag_at(s, &found);
		size_t more = span_find(span_from(s, n), ',');
		bool alone = n && span_trim(span_of(s.p + n, more)).n == 0;

		*rest = span_from(s, n + more + 1);
		if (alone) {
			*etag = found;
			return true;
		}
	}
	return false;
}

bool http_etag_equal_strong(struct http_etag a, struct http_etag b)
{
	return !a.weak && !b.weak && http_etag_equal_weak(a, b);
}

bool http_etag_equal_weak(struct http_etag a, struct http_etag b)
{
	return a.opaque.p && b.opaque.p && span_eq(a.opaque, b.opaque);
}
