/* SPDX-License-Identifier: MIT */

#include "base/escape.h"

#include "base/utf8.h"

void escape_log(struct buf *out, struct span s, size_t most_bytes)
{
	static const char hex[] = "0123456789abcdef";
	size_t n = s.n < most_bytes ? s.n : most_bytes;

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\')
			buf_put_byte(out, (char)c);
		else
			buf_put(out, (char[]){'\\', 'x', hex[c >> 4], hex[c & 15]}, 4);
	}
	if (n < s.n)
		buf_put_span(out, SPAN("..."));
}

void escape_json(struct buf *out, struct span s)
{
	while (s.n) {
		unsigned char c = (unsigned char)s.p[0];
		size_t len = utf8_step(s);

		if (!len) {
			buf_put_span(out, SPAN("\xEF\xBF\xBD"));
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
