/* SPDX-License-Identifier: MIT */
#pragma once

/* accept - what the client would rather have (RFC 9110, 12.4 and 12.5). */

#include "http/head.h"

#include <stdbool.h>

/**
 * http_accept_weight - how much an Accept-like field wants @what, in thousandths.
 *
 * @what is "text/html", "gzip" and the like. The most specific item counts:
 * itself, then "text" with a star, then a star alone. 0 if none matches, the field is
 * missing, or it says so with q=0. A q that is no number counts as 0.
 */
unsigned http_accept_weight(
	const struct http_head *head, enum http_field_id id, struct span what);

/* Whether a person looks: the client names text/html, which programs do not. */
bool http_accept_html(const struct http_head *head);
