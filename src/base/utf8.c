/* SPDX-License-Identifier: MIT */

#include "base/utf8.h"

/* Whether @c continues a character; @low and @high narrow the second byte (RFC 3629 section
 * 4). */
static bool within(char c, unsigned char low, unsigned char high)
{
	return (unsigned char)c >= low && (unsigned char)c <= high;
}

size_t utf8_step(struct span s)
{
	if (!s.n)
		return 0;

	unsigned char first = (unsigned char)s.p[0];
	unsigned char low = 0x80, high = 0xbf;
	size_t len;

	if (first < 0x80)
		return 1;
	if (first >= 0xc2 && first <= 0xdf)
		len = 2;
	else if (first >= 0xe0 && first <= 0xef)
		len = 3;
	else if (first >= 0xf0 && first <= 0xf4)
		len = 4;
	else
		return 0;
	if (s.n < len)
		return 0;

	if (first == 0xe0)
		low = 0xa0; /* or it is overlong */
	else if (first == 0xed)
		high = 0x9f; /* or it is a surrogate */
	else if (first == 0xf0)
		low = 0x90; /* overlong */
	else if (first == 0xf4)
		high = 0x8f; /* past U+10FFFF */

	if (!within(s.p[1], low, high))
		return 0;
	for (size_t i = 2; i < len; i++) {
		if (!within(s.p[i], 0x80, 0xbf))
			return 0;
	}
	return len;
}

bool utf8_valid(struct span s)
{
	while (s.n) {
		size_t len = utf8_step(s);

		if (!len)
			return false;
		s = span_from(s, len);
	}
	return true;
}
