/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * span - a run of bytes that somebody else owns.
 *
 * Not terminated, may hold NUL, and lives as long as what it points into. A
 * span with p == NULL is "there is none", which differs from an empty one.
 */

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct span {
	const char *p;
	size_t n;
};

#define SPAN_NONE      ((struct span){0})
#define SPAN(literal)  ((struct span){(literal), sizeof(literal) - 1})
#define SPAN_FMT(span) (int)(span).n, (span).p /* for "%.*s" */

static inline struct span span_of(const char *p, size_t n)
{
	return (struct span){p, n};
}

static inline struct span span_str(const char *s)
{
	return (struct span){s, s ? strlen(s) : 0};
}

static inline bool span_eq(struct span a, struct span b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline struct span span_from(struct span s, size_t skip)
{
	return skip >= s.n ? span_of(s.p ? s.p + s.n : NULL, 0)
			   : span_of(s.p + skip, s.n - skip);
}

/* Equal but for the case of ASCII letters; no locale. */
bool span_ieq(struct span a, struct span b);

bool span_starts(struct span s, struct span prefix);
bool span_ends(struct span s, struct span suffix);

/* Where @byte first stands in @s; s.n if it does not. */
size_t span_find(struct span s, char byte);

/* Without the spaces and tabs at both ends (HTTP's optional white space). */
struct span span_trim(struct span s);

/**
 * span_cut - take what stands before the first @sep off the front of *@rest.
 *
 * Returns false, and leaves both alone, when *@rest is spent (p == NULL);
 * after the last piece it becomes so. "a,,b" gives "a", "", "b"; "" gives "".
 */
bool span_cut(struct span *rest, char sep, struct span *piece);

/* A copy with a NUL behind it that the caller frees; NULL without memory, or if @s holds a
 * NUL. */
[[nodiscard]] char *span_dup(struct span s);
