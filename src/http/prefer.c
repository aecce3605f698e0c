/* SPDX-License-Identifier: MIT */

#include "http/prefer.h"

static struct span unquote(struct span s)
{
	bool is_quoted = s.n >= 2 && s.p[0] == '"' && s.p[s.n - 1] == '"';

	return is_quoted ? span_of(s.p + 1, s.n - 2) : s;
}

bool http_prefer(const struct http_head *head, struct span name, struct span value)
{
	struct http_items items = http_head_items(head, HTTP_H_PREFER);
	struct span item;

	while (http_head_next_item(&items, &item)) {
		struct span rest = span_of(item.p, span_find(item, ';')), key;

		if (!span_cut(&rest, '=', &key) || !span_ieq(span_trim(key), name))
			continue;
		/* The first of two that contradict each other counts. */
		return !value.p || (rest.p && span_ieq(unquote(span_trim(rest)), value));
	}
	return false;
}
