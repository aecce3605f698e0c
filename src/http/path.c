/* SPDX-License-Identifier: MIT */

#include "http/path.h"

#include "http/percent.h"
#include "http/refuse.h"

static const char bad_percent[] = "the path has a % without two hex digits";
static const char bad_byte[] = "the path has an encoded slash or NUL";
static const char has_dots[] = "the path has a . or .. in it";

static bool is_dots(struct span segment)
{
	return span_eq(segment, SPAN(".")) || span_eq(segment, SPAN(".."));
}

/* Decodes one segment to @out. Never writes ahead of where it reads. */
static unsigned decode_segment(
	struct span in, char *out, struct span *segment, const char **why)
{
	size_t n = 0;

	while (in.n) {
		size_t n_plain = span_find(in, '%');

		memmove(out + n, in.p, n_plain);
		n += n_plain;
		in = span_from(in, n_plain);
		if (!in.n)
			break;
		int byte = http_percent_byte(in, 0);
		if (byte < 0)
			return http_refuse(why, 400, bad_percent);
		if (byte == '/')
			return http_refuse(why, 400, bad_byte);
		out[n++] = (char)byte;
		in = span_from(in, 3);
	}
	*segment = span_of(out, n);
	if (span_find(*segment, '\0') < n)
		return http_refuse(why, 400, bad_byte);
	return is_dots(*segment) ? http_refuse(why, 400, has_dots) : 0;
}

unsigned http_path_decode(
	struct span url, char *out, struct http_path *path, const char **why)
{
	struct span rest = url, in, segment;
	size_t n = 0;

	if (!url.n || url.p[0] != '/')
		return http_refuse(why, 400, "the path does not begin with a slash");

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

	*path = (struct http_path){.rel = span_of(out, n), .slash = slash};
	return 0;
}
