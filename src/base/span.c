/* SPDX-License-Identifier: MIT */

#include "base/span.h"

#include <stdlib.h>

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

bool span_ieq(struct span a, struct span b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++) {
		if (lower(a.p[i]) != lower(b.p[i]))
			return false;
	}
	return true;
}

bool span_starts(struct span s, struct span prefix)
{
	return s.n >= prefix.n && span_eq(span_of(s.p, prefix.n), prefix);
}

bool span_ends(struct span s, struct span suffix)
{
	return s.n >= suffix.n
	       && span_eq(span_of(s.p + (s.n - suffix.n), suffix.n), suffix);
}

size_t span_find(struct span s, char byte)
{
	const char *at = s.n ? memchr(s.p, byte, s.n) : NULL;

	return at ? (size_t)(at - s.p) : s.n;
}

struct span span_trim(struct span s)
{
	while (s.n && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = span_from(s, 1);
	while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

bool span_cut(struct span *rest, char sep, struct span *piece)
{
	if (!rest->p)
		return false;

	size_t at = span_find(*rest, sep);
	*piece = span_of(rest->p, at);
	*rest = at < rest->n ? span_from(*rest, at + 1) : SPAN_NONE;
	return true;
}

char *span_dup(struct span s)
{
	if (span_find(s, '\0') < s.n)
		return NULL;

	char *copy = malloc(s.n + 1);
	if (!copy)
		return NULL;
	if (s.n)
		memcpy(copy, s.p, s.n);
	copy[s.n] = '\0';
	return copy;
}
