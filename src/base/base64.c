/* SPDX-License-Identifier: MIT */

#include "base/base64.h"

static const char alphabet[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* 64 for a byte outside the alphabet. */
static unsigned value_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (unsigned)(c - 'A');
	if (c >= 'a' && c <= 'z')
		return (unsigned)(c - 'a' + 26);
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0' + 52);
	return c == '+' ? 62 : c == '/' ? 63 : 64;
}

/* Four characters, of which the last @n_pad are padding, to 3 - @n_pad bytes. */
static bool decode_group(const char *in, unsigned n_pad, char *out)
{
	unsigned bits = 0;

	for (unsigned i = 0; i < 4 - n_pad; i++) {
		unsigned value = value_of(in[i]);

		if (value == 64)
			return false;
		bits |= value << (18 - 6 * i);
	}
	if (bits & ((1u << (8 * n_pad)) - 1))
		return false;
	for (unsigned i = 0; i < 3 - n_pad; i++)
		out[i] = (char)(bits >> (16 - 8 * i));
	return true;
}

bool base64_decode(struct span s, char *out, size_t *n_out)
{
	if (s.n % 4)
		return false;

	unsigned n_pad = span_ends(s, SPAN("==")) ? 2 : span_ends(s, SPAN("=")) ? 1 : 0;
	size_t n = 0;
	for (size_t i = 0; i < s.n; i += 4, n += 3) {
		if (!decode_group(s.p + i, i + 4 == s.n ? n_pad : 0, out + n))
			return false;
	}
	*n_out = n - n_pad;
	return true;
}

void base64_encode(struct buf *out, struct span bytes)
{
	for (size_t i = 0; i < bytes.n; i += 3) {
		size_t left = bytes.n - i;
		unsigned bits = (unsigned)(unsigned char)bytes.p[i] << 16;

		if (left > 1)
			bits |= (unsigned)(unsigned char)bytes.p[i + 1] << 8;
		if (left > 2)
			bits |= (unsigned char)bytes.p[i + 2];
		char group[] = {alphabet[bits >> 18], alphabet[bits >> 12 & 63],
			left > 1 ? alphabet[bits >> 6 & 63] : '=',
			left > 2 ? alphabet[bits & 63] : '='};
		buf_put(out, group, sizeof(group));
	}
}
