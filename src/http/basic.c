/* SPDX-License-Identifier: MIT */

#include "http/basic.h"

#include "base/base64.h"

#include <string.h>

static bool has_control(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return true;
	}
	return false;
}

bool http_basic_read(struct span authorization, struct http_basic *basic)
{
	static const struct span scheme = SPAN("Basic ");
	size_t n;

	if (authorization.n < scheme.n
		|| !span_ieq(span_of(authorization.p, scheme.n), scheme))
		return false;

	struct span encoded = span_trim(span_from(authorization, scheme.n));
	if (BASE64_DECODED_MAX(encoded.n) > sizeof(basic->text)
		|| !base64_decode(encoded, basic->text, &n))
		return false;

	struct span text = span_of(basic->text, n);
	size_t colon = span_find(text, ':');
	if (colon == n || has_control(text))
		return false;
	basic->user = span_of(text.p, colon);
	basic->password = span_from(text, colon + 1);
	return true;
}

void http_basic_wipe(struct http_basic *basic)
{
	explicit_bzero(basic, sizeof(*basic));
}
