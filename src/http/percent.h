/* SPDX-License-Identifier: MIT */
#pragma once

/* percent - the bytes that URLs write as % and two hex digits (RFC 3986, 2.1). */

#include "base/num.h"
#include "base/span.h"

/* The byte that the '%' at @at of @s stands for; -1 if no two hex digits follow it. */
static inline int http_percent_byte(struct span s, size_t at)
{
	uint64_t byte;

	if (s.n - at < 3 || !num_hex_u64(span_of(s.p + at + 1, 2), &byte))
		return -1;
	return (int)byte;
}
