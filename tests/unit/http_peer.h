/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * http_peer - another HTTP parser (libhttp-parser), to hold ours against.
 *
 * Behind a header of its own because both sides call their enumerators HTTP_GET.
 */

#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_peer {
	const char *method;
	struct span target;
	struct {
		struct span name, value;
	} fields[128];
	size_t n_fields;
	bool chunked, keep_alive, has_length;
	uint64_t length;
	char body[4096];
	size_t n_body;
	bool head_ended, message_ended;
	size_t n_bytes; /* used */
};

/* Reads one head. False if the other parser refuses it; else .n_bytes is its length. */
bool http_peer_head(struct span bytes, struct http_peer *peer);

/* Reads one request with its body. False if the other parser refuses it. */
bool http_peer_request(struct span bytes, struct http_peer *peer);
