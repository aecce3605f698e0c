/* SPDX-License-Identifier: MIT */

#include "http/list.h"

/* Where @sep first stands outside a quoted string; s.n if it does not. */
static size_t find_unquoted(struct span s, char sep)
{
	bool quoted = false;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"')
			quoted = !quoted;
		else if (quoted && s.p[i] == '\\')
			i++;
		else if (!quoted && s.p[i] == sep)
			return i;
	}
	return s.n;
}

bool http_list_next(struct span *rest, struct span *item)
{
	while (rest->n) {
		size_t at = find_unquoted(*rest, ',');

		*item = span_trim(span_of(rest->p, at));
		*rest = span_from(*rest, at + 1);
		if (item->n)
			return true;
	}
	*rest = SPAN_NONE;
	return false;
}

bool http_list_param(struct span *rest, struct span *name, struct span *value)
{
	struct span s = span_trim(*rest);
	if (!s.n || s.p[0] != ';')
		return false;
	s = span_from(s, 1);

	size_t end = find_unquoted(s, ';');
	struct span param = span_of(s.p, end);
	size_t equals = span_find(param, '=');

	*rest = span_from(s, end);
	*name = span_trim(span_of(param.p, equals));
	*value = span_trim(span_from(param, equals + 1));
	if (value->n >= 2 && value->p[0] == '"' && value->p[value->n - 1] == '"')
		*value = span_of(value->p + 1, value->n - 2);
	return true;
}
