/* SPDX-License-Identifier: MIT */

#include "dav/headers.h"

#include "base/num.h"

bool headers_depth(struct span value, enum depth *out)
{
	if (span_eq(value, SPAN("0")))
		*out = DEPTH_0;
	else if (span_eq(value, SPAN("1")))
		*out = DEPTH_1;
	else if (span_ieq(value, SPAN("infinity")))
		*out = DEPTH_INFINITY;
	else
		return false;
	return true;
}

bool headers_overwrite(struct span value, bool *out)
{
	if (!span_ieq(value, SPAN("T")) && !span_ieq(value, SPAN("F")))
		return false;
	*out = span_ieq(value, SPAN("T"));
	return true;
}

/* "Second-N" or "Infinite". */
static bool one_timeout(struct span value, uint32_t *out)
{
	static const struct span prefix = SPAN("Second-");
	uint64_t seconds;

	if (span_ieq(value, SPAN("Infinite"))) {
		*out = HEADERS_TIMEOUT_INFINITE;
		return true;
	}
	if (value.n < prefix.n || !span_ieq(span_of(value.p, prefix.n), prefix)
		|| !num_u64(span_from(value, prefix.n), &seconds))
		return false;
	*out = seconds < HEADERS_TIMEOUT_INFINITE ? (uint32_t)seconds
						  : HEADERS_TIMEOUT_INFINITE;
	return true;
}

bool headers_timeout(struct span value, uint32_t *out)
{
	struct span rest = value, piece;

	while (span_cut(&rest, ',', &piece)) {
		if (one_timeout(span_trim(piece), out))
			return true;
	}
	return false;
}

bool headers_lock_token(struct span value, struct span *out)
{
	struct span token = span_trim(value);

	if (token.n >= 2 && token.p[0] == '<' && token.p[token.n - 1] == '>')
		token = span_of(token.p + 1, token.n - 2);

	size_t colon = span_find(token, ':');
	if (colon == 0 || colon == token.n)
		return false;
	for (size_t i = 0; i < token.n; i++) {
		if ((unsigned char)token.p[i] <= ' ' || strchr("<>\x7f", token.p[i]))
			return false;
	}
	*out = token;
	return true;
}
