/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * media - what kind of file a name says it is, as a Content-Type.
 *
 * The knowledge is shared-mime-info's, in the text of its globs2 file; without
 * it a few types that browsers insist on are built in. Text types come with
 * "; charset=utf-8". Contents are never looked at.
 */

#include "base/span.h"

struct http_media;

/* The longest type there is, with its charset: RFC 6838 has 127 bytes for either name. */
#define HTTP_MEDIA_MAX (2 * 127u + 1 + 15)

/**
 * http_media_new - make a table from the lines of globs2: weight:type:glob[:flags].
 *
 * Taken are globs that are a whole name or "*.ending"; other globs and lines
 * that are none are passed over, and types of more than HTTP_MEDIA_MAX bytes or
 * with bytes that no field's value has. The text is not needed afterwards. Returns 0
 * with *@media owned by the caller, or -ENOMEM.
 */
[[nodiscard]] int http_media_new(struct span globs2, struct http_media **media);

void http_media_free(struct http_media *media);

/**
 * http_media_of - the type of a file with that @name (not a path).
 *
 * A whole name counts before an ending, a longer ending before a shorter, and
 * of equals the one with the greater weight. @media may be NULL.
 * "application/octet-stream" if nothing is known. Lives as long as @media.
 */
struct span http_media_of(const struct http_media *media, struct span name);
