/* SPDX-License-Identifier: MIT */
#pragma once

/* etag - entity tags, alone and in lists (RFC 9110, 8.8.3). */

#include "base/span.h"

#include <stdbool.h>

struct http_etag {
	struct span opaque; /* between the quotes; SPAN_NONE: there is no tag */
	bool weak;
};

#define HTTP_ETAG_NONE ((struct http_etag){0})

/* Reads a tag that is all of @s. False, and *@etag alone, if it is none. */
[[nodiscard]] bool http_etag_read(struct span s, struct http_etag *etag);

/**
 * http_etag_next - take the next tag off the front of *@rest, a comma-separated list.
 *
 * Unlike in other lists a backslash in the quotes is a byte like any other.
 * What is not a tag is passed over, up to the next comma. False at the end.
 */
bool http_etag_next(struct span *rest, struct http_etag *etag);

/* RFC 9110, 8.8.3.2. No tag equals nothing; a weak one equals nothing strongly. */
bool http_etag_equal_strong(struct http_etag a, struct http_etag b);
bool http_etag_equal_weak(struct http_etag a, struct http_etag b);
