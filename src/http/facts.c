/* SPDX-License-Identifier: MIT */

#include "http/facts.h"

#include "base/num.h"
#include "http/chars.h"
#include "http/head.h"
#include "http/refuse.h"

static unsigned check_host(const struct http_head *head, const char **why)
{
	struct span host = http_head_get(head, HTTP_H_HOST);

	if (!host.p && head->minor_version >= 1)
		return http_refuse(why, 400, "an HTTP/1.1 request must have a Host field");
	for (size_t i = 0; i < host.n; i++) {
		if (!http_char_is(host.p[i], HTTP_CHAR_HOST))
			return http_refuse(
				why, 400, "the Host field is not a host and a port");
	}
	return 0;
}

/*
 * RFC 9110 lets tabs stand around a value, but there are parsers that then do not know the
 * value. Where it says how long the body is, that must not happen. True if the line of the
 * field, which has no second line, has no tab.
 */
static bool is_plain(const struct http_head *head, enum http_field_id id)
{
	const struct http_field *field = &head->fields[http_head_first(head, id) - 1];
	struct span from =
		span_of(head->bytes + field->name_at, head->line_at - field->name_at);
	struct span line = span_of(from.p, span_find(from, '\r'));

	return span_find(line, '\t') == line.n;
}

static unsigned by_length(struct http_head *head, const char **why)
{
	struct span text = http_head_get(head, HTTP_H_CONTENT_LENGTH);
	uint64_t length = 0;

	if (!text.n || !is_plain(head, HTTP_H_CONTENT_LENGTH))
		return http_refuse(why, 400, "Content-Length is not a number");
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return http_refuse(why, 400, "Content-Length is not a number");
	}
	if (!num_u64(text, &length) || length > INT64_MAX)
		return http_refuse(why, 413, "Content-Length is beyond any file");

	head->body = HTTP_BODY_LENGTH;
	head->length = length;
	return 0;
}

/*
 * RFC 9112, 6.1 and 6.3: chunked must be the last coding, and once, or the end of the body
 * cannot be known; another one before it would be known, but is not undone here. Empty
 * items, which a list may have, are refused: there are parsers that see no chunked in ",
 * chunked".
 */
static unsigned by_coding(struct http_head *head, const char **why)
{
	struct http_items codings = http_head_items(head, HTTP_H_TRANSFER_ENCODING);
	struct span coding;
	unsigned n_codings = 0;
	bool chunked = false;

	if (head->minor_version < 1)
		return http_refuse(
			why, 400, "an HTTP/1.0 request cannot have a Transfer-Encoding");
	if (http_head_has(head, HTTP_H_CONTENT_LENGTH))
		return http_refuse(why, 400,
			"Transfer-Encoding and Content-Length exclude each other");

	while (http_head_next_item(&codings, &coding)) {
		if (chunked)
			return http_refuse(
				why, 400, "chunked is not the last transfer coding");
		chunked = span_ieq(coding, SPAN("chunked"));
		n_codings++;
	}
	if (!chunked)
		return http_refuse(why, 400, "chunked is not the last transfer coding");
	if (n_codings > 1)
		return http_refuse(
			why, 501, "only the chunked transfer coding is understood");

	if (http_head_next(head, http_head_first(head, HTTP_H_TRANSFER_ENCODING))
		|| !is_plain(head, HTTP_H_TRANSFER_ENCODING)
		|| !span_ieq(
			http_head_get(head, HTTP_H_TRANSFER_ENCODING), SPAN("chunked")))
		return http_refuse(why, 400, "Transfer-Encoding is not written plainly");
	head->body = HTTP_BODY_CHUNKED;
	return 0;
}

static unsigned check_body(struct http_head *head, const char **why)
{
	if (http_head_has(head, HTTP_H_TRANSFER_ENCODING))
		return by_coding(head, why);
	if (http_head_has(head, HTTP_H_CONTENT_LENGTH))
		return by_length(head, why);
	return 0;
}

static unsigned check_expect(struct http_head *head, const char **why)
{
	struct span expect = http_head_get(head, HTTP_H_EXPECT);

	if (!expect.p || head->minor_version < 1)
		return 0; /* RFC 9110, 10.1.1: an HTTP/1.0 client cannot mean it */
	if (!span_ieq(expect, SPAN("100-continue")))
		return http_refuse(
			why, 417, "the only expectation understood is 100-continue");

	head->expect_continue = head->body == HTTP_BODY_CHUNKED || head->length > 0;
	return 0;
}

/* Options are tokens, never quoted: a stray quote must not hide a "close" behind it. */
static void read_connection(struct http_head *head)
{
	unsigned place = http_head_first(head, HTTP_H_CONNECTION);
	bool asks_to_close = false;
	bool asks_to_keep = false;

	for (; place; place = http_head_next(head, place)) {
		struct span rest = http_head_value(head, place), option;

		while (span_cut(&rest, ',', &option)) {
			option = span_trim(option);
			asks_to_close |= span_ieq(option, SPAN("close"));
			asks_to_keep |= span_ieq(option, SPAN("keep-alive"));
		}
	}
	head->keep_alive = !asks_to_close && (asks_to_keep || head->minor_version >= 1);
}

unsigned http_facts_derive(struct http_head *head, const char **why)
{
	unsigned status = check_host(head, why);

	if (!status)
		status = check_body(head, why);
	if (!status)
		status = check_expect(head, why);
	if (!status)
		read_connection(head);
	return status;
}
