/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * chars - which bytes may stand where in a message (RFC 9110, RFC 9112).
 *
 * Bytes above 0x7f are let through in targets, although RFC 3986 wants them
 * percent-encoded: people type /报告.txt to curl, which sends it as it is, and
 * no such byte can be mistaken for a delimiter.
 */

#include <stdbool.h>
#include <stdint.h>

enum {
	HTTP_CHAR_TOKEN = 1 << 0,  /* names of methods and fields */
	HTTP_CHAR_TARGET = 1 << 1, /* request target: visible, without '#' */
	HTTP_CHAR_VALUE = 1 << 2,  /* field values: visible, space, tab, above 0x7f */
	HTTP_CHAR_HOST = 1 << 3,   /* Host: name, address, brackets, port */
	HTTP_CHAR_ETAG = 1 << 4,   /* between the quotes of an entity tag */
	HTTP_CHAR_HREF = 1 << 5,   /* stands for itself in the path of a link we write */
};

extern const uint8_t http_chars[256];

static inline bool http_char_is(char c, unsigned kind)
{
	return http_chars[(unsigned char)c] & kind;
}
