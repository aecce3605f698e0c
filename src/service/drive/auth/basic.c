/* SPDX-License-Identifier: MIT */

#include "service/drive/auth/basic.h"

#include <stdint.h>

static int sextet(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Without padding: @in holds the letters alone. Returns the bytes, or -1. */
static long decode(struct span in, char out[BASIC_MAX])
{
	uint32_t bits = 0;
	unsigned n_bits = 0;
	size_t n = 0;

	if (in.n % 4 == 1 || in.n / 4 * 3 + in.n % 4 > BASIC_MAX)
		return -1;
	for (size_t i = 0; i < in.n; i++) {
		int six = sextet(in.p[i]);
		if (six < 0)
			return -1;

		bits = bits << 6 | (unsigned)six;
		n_bits += 6;
		if (n_bits >= 8) {
			n_bits -= 8;
			out[n++] = (char)(bits >> n_bits);
		}
	}
	if (bits & ((1u << n_bits) - 1))
		return -1; /* two spellings of the same bytes */
	return (long)n;
}

bool basic_decode(struct span value, struct basic *out)
{
	struct span scheme = SPAN("Basic ");

	out->name = out->password = SPAN_NONE;
	if (value.n < scheme.n || !span_ieq(span_of(value.p, scheme.n), scheme))
		return false;

	struct span coded = span_trim(span_from(value, scheme.n));
	size_t padding = 0;
	while (padding < 2 && coded.n && coded.p[coded.n - 1] == '=') {
		coded.n--;
		padding++;
	}
	bool padded = !padding || (coded.n + padding) % 4 == 0;
	long n = padded ? decode(coded, out->bytes) : -1;

	struct span rest = span_of(out->bytes, n > 0 ? (size_t)n : 0);
	size_t colon = span_find(rest, ':');
	if (n < 0 || colon == rest.n) {
		basic_wipe(out);
		return false;
	}
	out->name = span_of(rest.p, colon);
	out->password = span_from(rest, colon + 1);
	return true;
}

void basic_wipe(struct basic *basic)
{
	explicit_bzero(basic, sizeof(*basic));
}
