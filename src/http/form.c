/* SPDX-License-Identifier: MIT */

#include "http/form.h"

#include "http/percent.h"

bool http_form_next(struct span *rest, struct span *name, struct span *value)
{
	struct span pair;

	while (span_cut(rest, '&', &pair)) {
		if (!pair.n)
			continue;
		size_t equals = span_find(pair, '=');
		*name = span_of(pair.p, equals);
		*value = equals < pair.n ? span_from(pair, equals + 1) : SPAN_NONE;
		return true;
	}
	return false;
}

bool http_form_decode(struct span in, char *out, struct span *decoded)
{
	size_t n = 0;

	for (size_t i = 0; i < in.n; i++) {
		int byte = (unsigned char)in.p[i];

		if (byte == '%') {
			byte = http_percent_byte(in, i);
			i += 2;
		} else if (byte == '+') {
			byte = ' ';
		}
		if (byte <= 0)
			return false;
		out[n++] = (char)byte;
	}
	*decoded = span_of(out, n);
	return true;
}

struct span http_form_get(struct span query, struct span name)
{
	struct span at, value;

	while (http_form_next(&query, &at, &value)) {
		if (span_eq(at, name))
			return value.p ? value : SPAN("");
	}
	return SPAN_NONE;
}
