/* SPDX-License-Identifier: MIT */

#include "base/escape.h"

#include "base/num.h"
#include "base/utf8.h"

#include <string.h>

#define REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */

static bool is_plain(char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

/* How many bytes at the front are printable ASCII, but quotes and backslashes: nearly
 * always all, and one copy. */
static size_t plain_run(struct span s)
{
	size_t n = 0;

	while (n < s.n && is_plain(s.p[n]))
		n++;
	return n;
}

void escape_log(struct buf *out, struct span s, size_t most_bytes)
{
	static const char hex[] = "0123456789abcdef";
	struct span rest = span_of(s.p, s.n < most_bytes ? s.n : most_bytes);

	while (rest.n) {
		size_t plain = plain_run(rest);

		buf_put(out, rest.p, plain);
		rest = span_from(rest, plain);
		if (rest.n) {
			unsigned char c = (unsigned char)rest.p[0];
			buf_put(out, (char[]){'\\', 'x', hex[c >> 4], hex[c & 15]}, 4);
			rest = span_from(rest, 1);
		}
	}
	if (s.n > most_bytes)
		buf_put_span(out, SPAN("..."));
}

void escape_json(struct buf *out, struct span s)
{
	while (s.n) {
		unsigned char c = (unsigned char)s.p[0];
		size_t plain = plain_run(s);
		size_t len = plain ? plain : utf8_step(s);

		if (!len) {
			buf_put_span(out, SPAN(REPLACEMENT));
			len = 1;
		} else if (c == '"' || c == '\\') {
			buf_put(out, (char[]){'\\', (char)c}, 2);
		} else if (c < 0x20 || c == 0x7f) {
			buf_printf(out, "\\u%04x", c);
		} else {
			buf_put(out, s.p, len);
		}
		s = span_from(s, len);
	}
}

/* What stands for the first @len bytes of @s in markup; SPAN_NONE for themselves. */
static struct span markup_for(const char *s, size_t len)
{
	if (len == 3
		&& (memcmp(s, "\xEF\xBF\xBE", 3) == 0 || memcmp(s, "\xEF\xBF\xBF", 3) == 0))
		return SPAN(REPLACEMENT); /* U+FFFE and U+FFFF are not XML's Char */
	if (len > 1)
		return SPAN_NONE;
	if (len == 0)
		return SPAN(REPLACEMENT);

	switch (*s) {
	case '&': return SPAN("&amp;");
	case '<': return SPAN("&lt;");
	case '>': return SPAN("&gt;");
	case '"': return SPAN("&quot;");
	case '\'': return SPAN("&#39;");
	case '\t': return SPAN("&#9;");
	case '\n': return SPAN("&#10;");
	case '\r': return SPAN("&#13;");
	default: return (unsigned char)*s < 0x20 ? SPAN(REPLACEMENT) : SPAN_NONE;
	}
}

/* What is copied without a look at UTF-8: all of ASCII but "&'<> and what nobody sees. */
static const bool plain_in_markup[256] = {
	[' ' ... '!'] = true,
	['#' ... '%'] = true,
	['(' ... ';'] = true,
	['='] = true,
	['?' ... '\x7f'] = true,
};

void escape_markup(struct buf *out, struct span s)
{
	while (s.n) {
		size_t n = 0;

		while (n < s.n && plain_in_markup[(unsigned char)s.p[n]])
			n++;
		buf_put(out, s.p, n);
		s = span_from(s, n);
		if (!s.n)
			return;

		size_t len = utf8_step(s);
		struct span instead = markup_for(s.p, len);
		buf_put_span(out, instead.p ? instead : span_of(s.p, len));
		s = span_from(s, len ? len : 1);
	}
}

static const bool plain_in_path[256] = {
	['0' ... '9'] = true,
	['A' ... 'Z'] = true,
	['a' ... 'z'] = true,
	['-'] = true,
	['.'] = true,
	['_'] = true,
	['~'] = true,
	['/'] = true,
	['!'] = true,
	['$'] = true,
	['('] = true,
	[')'] = true,
	['*'] = true,
	[','] = true,
	[':'] = true,
	['@'] = true,
};

void escape_path(struct buf *out, struct span s)
{
	static const char hex[] = "0123456789ABCDEF";

	while (s.n) {
		size_t n = 0;

		while (n < s.n && plain_in_path[(unsigned char)s.p[n]])
			n++;
		buf_put(out, s.p, n);
		s = span_from(s, n);
		if (!s.n)
			return;

		unsigned char c = (unsigned char)s.p[0];
		buf_put(out, (char[]){'%', hex[c >> 4], hex[c & 15]}, 3);
		s = span_from(s, 1);
	}
}

/* One byte behind a backslash, with how much of @s it took; 0 if it means nothing. */
static size_t undo_one(struct span s, char *out)
{
	static const char names[] = "nrt\\", bytes[] = "\n\r\t\\";
	uint64_t hex;

	if (!s.n)
		return 0;
	const char *name = memchr(names, s.p[0], sizeof(names) - 1);
	if (name) {
		*out = bytes[name - names];
		return 1;
	}
	if (s.p[0] != 'x' || s.n < 3 || !num_hex_u64(span_of(s.p + 1, 2), &hex))
		return 0;
	*out = (char)hex;
	return 3;
}

bool escape_undo(struct buf *out, struct span s)
{
	while (s.n) {
		char byte = s.p[0];
		size_t used = 1;

		if (byte == '\\') {
			used = undo_one(span_from(s, 1), &byte);
			if (!used)
				return false;
			used++;
		}
		buf_put_byte(out, byte);
		s = span_from(s, used);
	}
	return !out->failed;
}
