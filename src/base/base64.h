/* SPDX-License-Identifier: MIT */
#pragma once

/* base64 - RFC 4648's base 64, standard alphabet, with padding. */

#include "base/buf.h"
#include "base/span.h"

#include <stdbool.h>

/* How many bytes @n characters can become at most. */
#define BASE64_DECODED_MAX(n) ((n) / 4 * 3)

/**
 * base64_decode - decode all of @s into @out, which holds BASE64_DECODED_MAX(s.n) bytes.
 *
 * Strict: whole groups of four, padding where it belongs and nowhere else, no
 * white space, no bits set that no byte needs; so there is one text for any
 * bytes. False if it is not that; @out may then hold a part.
 */
[[nodiscard]] bool base64_decode(struct span s, char *out, size_t *n_out);

void base64_encode(struct buf *out, struct span bytes);
