/* SPDX-License-Identifier: MIT */

#include "http/path.h"

#include "base/num.h"
#include "base/utf8.h"

static unsigned refuse(const char **why, const char *sentence)
{
	*why = sentence;
	return 400;
}

static bool is_dots(struct span segment)
{
	return span_eq(segment, SPAN(".")) || span_eq(segment, SPAN(".."));
}

/* Decodes one segment to @out. Never writes ahead of where it reads. */
static unsigned decode_segment(
	struct span in, char *out, struct span *segment, const char **why)
{
	size_t n = 0;

	for (size_t i = 0; i < in.n; i++) {
		uint64_t byte = (unsigned char)in.p[i];

		if (byte == '%') {
			if (in.n - i < 3 || !num_hex_u64(span_of(in.p + i + 1, 2), &byte))
				return refuse(
					why, "the path has a % without two hex digits");
			i += 2;
		}
		if (byte == 0 || byte == '/')
			return refuse(why, "the path has an encoded slash or NUL");
		out[n++] = (char)byte;
	}
	*segment = span_of(out, n);
	return is_dots(*segment) ? refuse(why, "the path has a . or .. in it") : 0;
}

unsigned http_path_decode(
	struct span url, char *out, struct http_path *path, const char **why)
{
	struct span rest = url, in, segment;
	size_t n = 0;

	if (!url.n || url.p[0] != '/')
		return refuse(why, "the path does not begin with a slash");

	bool slash = url.p[url.n - 1] == '/';
	while (span_cut(&rest, '/', &in)) {
		if (!in.n)
			continue;
		if (n)
			out[n++] = '/';
		unsigned status = decode_segment(in, out + n, &segment, why);
		if (status)
			return status;
		n += segment.n;
	}
	out[n] = '\0'; /* there is room: the slash in front was dropped */

	struct span rel = span_of(out, n);
	*path = (struct http_path){.rel = rel, .slash = slash, .utf8 = utf8_valid(rel)};
	return 0;
}
