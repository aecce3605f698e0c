/* SPDX-License-Identifier: MIT */

#include "service/drive/auth/basic.h"

#include "base/base64.h"

#include <string.h>

bool basic_decode(struct span value, struct basic *out)
{
	static const struct span scheme = SPAN("Basic ");
	size_t n;

	out->name = out->password = SPAN_NONE;
	if (value.n < scheme.n || !span_ieq(span_of(value.p, scheme.n), scheme))
		return false;

	struct span coded = span_trim(span_from(value, scheme.n));
	if (BASE64_DECODED_MAX(coded.n) > sizeof(out->bytes))
		return false;
	bool decoded = base64_decode(coded, out->bytes, &n);
	struct span text = span_of(out->bytes, decoded ? n : 0);
	size_t colon = span_find(text, ':');
	if (colon == text.n) {
		basic_wipe(out);
		return false;
	}
	out->name = span_of(text.p, colon);
	out->password = span_from(text, colon + 1);
	return true;
}

void basic_wipe(struct basic *basic)
{
	explicit_bzero(basic, sizeof(*basic));
}
