/* SPDX-License-Identifier: MIT */

#include "http/resp.h"

#include "http/chars.h"
#include "http/status.h"

static char *copy(char *to, struct span s)
{
	if (s.n)
		memcpy(to, s.p, s.n);
	return to + s.n;
}

/* Name, colon, value and CR LF in one step, for they are written ten times a response. */
static void put_line(struct buf *out, struct span name, struct span value)
{
	size_t n = name.n + value.n + 4;
	char *at = buf_reserve(out, n);

	if (!at)
		return;
	at = copy(at, name);
	at = copy(at, SPAN(": "));
	at = copy(at, value);
	(void)copy(at, SPAN("\r\n"));
	out->n += n;
}

void http_resp_begin(struct buf *out, unsigned status, const char date[DATE_HTTP_BYTES])
{
	char line[] = {'H', 'T', 'T', 'P', '/', '1', '.', '1', ' ',
		(char)('0' + status / 100 % 10), (char)('0' + status / 10 % 10),
		(char)('0' + status % 10), ' '};

	buf_put(out, line, sizeof(line));
	buf_put_span(out, http_status_phrase(status));
	buf_put_span(out, SPAN("\r\n"));
	put_line(out, SPAN("Date"), span_of(date, DATE_HTTP_BYTES));
}

void http_resp_field(struct buf *out, struct span name, struct span value)
{
	if (http_chars_value(value) != value.n)
		out->failed = true;
	else
		put_line(out, name, value);
}

void http_resp_number(struct buf *out, struct span name, uint64_t value)
{
	buf_put_span(out, name);
	buf_put_span(out, SPAN(": "));
	buf_put_u64(out, value);
	buf_put_span(out, SPAN("\r\n"));
}

void http_resp_date(struct buf *out, struct span name, int64_t unix_sec)
{
	char text[DATE_HTTP_BYTES];

	date_http(unix_sec, text);
	put_line(out, name, span_of(text, sizeof(text)));
}

void http_resp_etag(struct buf *out, struct http_etag etag)
{
	if (http_chars_run(etag.opaque, HTTP_CHAR_ETAG) != etag.opaque.n) {
		out->failed = true;
		return;
	}
	buf_put_span(out, etag.weak ? SPAN("ETag: W/\"") : SPAN("ETag: \""));
	buf_put_span(out, etag.opaque);
	buf_put_span(out, SPAN("\"\r\n"));
}

void http_resp_length(struct buf *out, uint64_t n_bytes)
{
	http_resp_number(out, SPAN("Content-Length"), n_bytes);
}

void http_resp_chunked(struct buf *out)
{
	buf_put_span(out, SPAN("Transfer-Encoding: chunked\r\n"));
}

void http_resp_end(struct buf *out, const struct http_head *head, bool keep_alive)
{
	if (!keep_alive)
		buf_put_span(out, SPAN("Connection: close\r\n"));
	else if (head->minor_version == 0)
		buf_put_span(out, SPAN("Connection: keep-alive\r\n"));
	buf_put_span(out, SPAN("\r\n"));
}
