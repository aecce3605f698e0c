/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * target - what a request is about: a path on this host (RFC 9112, 3.2).
 *
 * The same reader serves the Destination field of COPY and MOVE, which holds
 * the same forms.
 */

#include "base/span.h"
#include "http/head.h"

#include <stdbool.h>

struct http_target {
	struct span
		host; /* with its port, of an absolute URI; SPAN_NONE: see the Host field */
	struct span path;  /* as sent, from its '/'; "/" where the URI has none */
	struct span query; /* as sent, without its '?'; SPAN_NONE if there is no '?' */
	bool star;         /* "*", the server as a whole; .path is then "/" */
};

/**
 * http_target_read - read the target of a head that was parsed whole.
 *
 * Origin form and absolute form; "*" for OPTIONS only. The host:port of CONNECT
 * is refused. Returns 0, or the status to refuse with and a sentence in *@why;
 * *@target is then left alone.
 */
[[nodiscard]] unsigned http_target_read(
	const struct http_head *head, struct http_target *target, const char **why);

/**
 * http_target_of - read a URL that a field names, as a Destination or an If tag does.
 *
 * As http_target_destination, of @url.
 */
[[nodiscard]] unsigned http_target_of(const struct http_head *head, struct span url,
	struct http_target *target, const char **why);

/**
 * http_target_destination - read the Destination field (RFC 4918, 10.3).
 *
 * An absolute path, or a URI whose host is the one this request is for: 502
 * for any other. 80 and 443 stand for no port, and the scheme is not looked
 * at: what ends TLS in front of us does not rewrite it. 400 without the field.
 */
[[nodiscard]] unsigned http_target_destination(
	const struct http_head *head, struct http_target *target, const char **why);
