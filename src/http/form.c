/* SPDX-License-Identifier: MIT */

#include "http/form.h"

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

struct span http_form_get(struct span query, struct span name)
{
	struct span at, value;

	while (http_form_next(&query, &at, &value)) {
		if (span_eq(at, name))
			return value.p ? value : SPAN("");
	}
	return SPAN_NONE;
}
