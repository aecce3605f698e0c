/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * chars - which bytes may stand where in a message (RFC 9110, RFC 9112).
 *
 * Bytes above 0x7f are let through in targets, although RFC 3986 wants them
 * percent-encoded: people type /报告.txt to curl, which sends it as it is, and
 * no such byte can be mistaken for a delimiter.
 */

#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	HTTP_CHAR_TOKEN = 1 << 0,  /* names of methods and fields */
	HTTP_CHAR_TARGET = 1 << 1, /* request target: visible, without '#' */
	HTTP_CHAR_VALUE = 1 << 2,  /* field values: visible, space, tab, above 0x7f */
	HTTP_CHAR_HOST = 1 << 3,   /* Host: name, address, brackets, port */
	HTTP_CHAR_ETAG = 1 << 4,   /* between the quotes of an entity tag */
};

extern const uint8_t http_chars[256];

static inline bool http_char_is(char c, unsigned kind)
{
	return http_chars[(unsigned char)c] & kind;
}

/* How many bytes at the front of @s are of that kind. */
static inline size_t http_chars_run(struct span s, unsigned kind)
{
	size_t n = 0;

	while (n < s.n && http_char_is(s.p[n], kind))
		n++;
	return n;
}

/* The same as http_chars_run for HTTP_CHAR_TARGET and HTTP_CHAR_VALUE, eight at a time. */
size_t http_chars_target(struct span s);
size_t http_chars_value(struct span s);
