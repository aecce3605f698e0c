/* SPDX-License-Identifier: MIT */

#include "../assert_span.h"

#include "base/util.h"
#include "http/chars.h"
#include "http/field.h"
#include "http/head.h"
#include "http/list.h"
#include "http/status.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#define H "Host: a\r\n"

static int parse(struct http_head *head, struct span bytes)
{
	http_head_init(head);
	return http_head_parse(head, bytes);
}

static struct http_head parsed(const char *text)
{
	struct http_head head;

	assert_int_equal(parse(&head, span_str(text)), HTTP_HEAD_DONE);
	return head;
}

/* status 0: good; 1: unfinished. Everything a smuggler would try stands here. */
static const struct {
	unsigned status;
	struct span text;
} cases[] = {
	{0, SPAN("GET / HTTP/1.1\r\n" H "\r\n")},
	{0, SPAN("\r\n\r\nGET / HTTP/1.1\r\n" H "\r\nnext")},
	{0, SPAN("GET / HTTP/1.0\r\n\r\n")},
	{0, SPAN("BREW /pot HTTP/1.1\r\nHost:\r\n\r\n")},
	{0, SPAN("PUT /\xe6\x8a\xa5 HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nhello")},
	{0, SPAN("PUT / HTTP/1.1\r\n" H "Transfer-Encoding:  Chunked \r\n\r\n")},
	{0, SPAN("GET / HTTP/1.1\r\n" H "X: \x80\xff\ttab\r\nX: again\r\n\r\n")},
	{0, SPAN("GET / HTTP/1.1\r\nHost: [::1]:8080\r\nEmpty:\r\n\r\n")},
	{0, SPAN("OPTIONS * HTTP/1.1\r\n" H "\r\n")},
	{0, SPAN("GET http://a/b?c HTTP/1.1\r\n" H "Connection: close, x\r\n\r\n")},
	/* unfinished */
	{1, SPAN("")},
	{1, SPAN("\r\n")},
	{1, SPAN("GET / HTTP/1.1\r\n" H)},
	{1, SPAN("GET / HTTP/1.1\r\n" H "\r")},
	{1, SPAN("GET / HTTP/1.1\r\nContent-Len")},
	/* line ends */
	{400, SPAN("GET / HTTP/1.1\n" H "\r\n")},
	{400, SPAN("GET / HTTP/1.1\r\nHost: a\n\r\n")},
	{400, SPAN("GET / HTTP/1.1\r\n" H "\n")},
	{400, SPAN("\nGET / HTTP/1.1\r\n" H "\r\n")},
	{400, SPAN("\r\n\r\n\r\nGET / HTTP/1.1\r\n" H "\r\n")},
	{400, SPAN("GET / HTTP/1.1\r\n" H "A: b\rC: d\r\n\r\n")},
	{400, SPAN("GET / HTTP/1.1\r\n" H "A: b\r\r\n\r\n")},
	{400, SPAN("GET / HTTP/1.1\r\r\n" H "\r\n")},
	/* the request line */
	{400, SPAN(" GET / HTTP/1.1\r\n" H "\r\n")},
	{400, SPAN("GET  / HTTP/1.1\r\n" H "\r\n")},
	{400, SPAN("GET /  HTTP/1.1\r\n" H "\r\n")},
	{400, SPAN("GET / HTTP/1.1 \r\n" H "\r\n")},
	{400, SPAN("GET\t/ HTTP/1.1\r\n" H "\r\n")},
	{400, SPAN("GET /a b HTTP/1.1\r\n" H "\r\n")},
	{400, SPAN("GET /a#b HTTP/1.1\r\n" H "\r\n")},
	{400, SPAN("GET /\x7f HTTP/1.1\r\n" H "\r\n")},
	{400, SPAN("GET /\0 HTTP/1.1\r\n" H "\r\n")},
	{400, SPAN("G(T / HTTP/1.1\r\n" H "\r\n")},
	{400, SPAN("/ HTTP/1.1\r\n" H "\r\n")},
	{400, SPAN("GET /\r\n\r\n")},
	{400, SPAN("GET\r\n\r\n")},
	{400, SPAN("GET / http/1.1\r\n" H "\r\n")},
	{400, SPAN("GET / HTTP/1.10\r\n" H "\r\n")},
	{400, SPAN("GET / HTTP/1,1\r\n" H "\r\n")},
	{400, SPAN("GET / HTTP/x.1\r\n" H "\r\n")},
	{400, SPAN("GET / HTTPS/1.1\r\n" H "\r\n")},
	{505, SPAN("GET / HTTP/0.9\r\n\r\n")},
	{505, SPAN("GET / HTTP/1.2\r\n" H "\r\n")},
	{505, SPAN("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")},
	/* header lines */
	{400, SPAN("GET / HTTP/1.1\r\n" H "A : b\r\n\r\n")},
	{400, SPAN("GET / HTTP/1.1\r\n" H "A\t: b\r\n\r\n")},
	{400, SPAN("GET / HTTP/1.1\r\n" H ": b\r\n\r\n")},
	{400, SPAN("GET / HTTP/1.1\r\n" H "A b\r\n\r\n")},
	{400, SPAN("GET / HTTP/1.1\r\n" H "A\r\n\r\n")},
	{400, SPAN("GET / HTTP/1.1\r\n A: b\r\n" H "\r\n")},
	{400, SPAN("GET / HTTP/1.1\r\n" H "A: b\r\n c\r\n\r\n")},
	{400, SPAN("GET / HTTP/1.1\r\n" H "A: b\r\n\tc\r\n\r\n")},
	{400, SPAN("GET / HTTP/1.1\r\n" H "A: b\0c\r\n\r\n")},
	{400, SPAN("GET / HTTP/1.1\r\n" H "A: b\x01\r\n\r\n")},
	{400, SPAN("GET / HTTP/1.1\r\n" H "A: b\x7f\r\n\r\n")},
	{400, SPAN("GET / HTTP/1.1\r\n" H "A\0: b\r\n\r\n")},
	{400, SPAN("GET / HTTP/1.1\r\n" H "A\xff: b\r\n\r\n")},
	/* Host */
	{400, SPAN("GET / HTTP/1.1\r\n\r\n")},
	{400, SPAN("GET / HTTP/1.1\r\n" H H "\r\n")},
	{400, SPAN("GET / HTTP/1.0\r\n" H "hOST: b\r\n\r\n")},
	{400, SPAN("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n")},
	{400, SPAN("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n")},
	{400, SPAN("GET / HTTP/1.1\r\nHost: a@b\r\n\r\n")},
	/* where the body ends */
	{400, SPAN("PUT / HTTP/1.1\r\n" H
		   "Content-Length: 5\r\nContent-Length: 6\r\n\r\n")},
	{400, SPAN("PUT / HTTP/1.1\r\n" H
		   "Content-Length: 5\r\ncontent-length: 5\r\n\r\n")},
	{400, SPAN("PUT / HTTP/1.1\r\n" H "Content-Length: 5, 5\r\n\r\n")},
	{400, SPAN("PUT / HTTP/1.1\r\n" H "Content-Length: +5\r\n\r\n")},
	{400, SPAN("PUT / HTTP/1.1\r\n" H "Content-Length: -5\r\n\r\n")},
	{400, SPAN("PUT / HTTP/1.1\r\n" H "Content-Length: 0x5\r\n\r\n")},
	{400, SPAN("PUT / HTTP/1.1\r\n" H "Content-Length: 5 5\r\n\r\n")},
	{400, SPAN("PUT / HTTP/1.1\r\n" H "Content-Length:\r\n\r\n")},
	{400, SPAN("PUT / HTTP/1.1\r\n" H "Content-Length: 5;\r\n\r\n")},
	{413, SPAN("PUT / HTTP/1.1\r\n" H "Content-Length: 9223372036854775808\r\n\r\n")},
	{413, SPAN("PUT / HTTP/1.1\r\n" H "Content-Length: 99999999999999999999\r\n\r\n")},
	{400, SPAN("PUT / HTTP/1.1\r\n" H
		   "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n")},
	{400, SPAN("PUT / HTTP/1.1\r\n" H
		   "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n")},
	{400, SPAN("PUT / HTTP/1.0\r\n" H "Transfer-Encoding: chunked\r\n\r\n")},
	{400, SPAN("PUT / HTTP/1.1\r\n" H "Transfer-Encoding: xchunked\r\n\r\n")},
	{400, SPAN("PUT / HTTP/1.1\r\n" H "Transfer-Encoding: \"chunked\"\r\n\r\n")},
	{400, SPAN("PUT / HTTP/1.1\r\n" H "Transfer-Encoding:\x0b"
		   "chunked\r\n\r\n")},
	{400, SPAN("PUT / HTTP/1.1\r\n" H "Transfer-Encoding : chunked\r\n\r\n")},
	{400, SPAN("PUT / HTTP/1.1\r\n" H "Transfer-Encoding\r\n : chunked\r\n\r\n")},
	{400, SPAN("PUT / HTTP/1.1\r\n" H "Transfer-Encoding: chunked, chunked\r\n\r\n")},
	{400, SPAN("PUT / HTTP/1.1\r\n" H "Transfer-Encoding: chunked, identity\r\n\r\n")},
	{400, SPAN("PUT / HTTP/1.1\r\n" H
		   "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n")},
	{400, SPAN("PUT / HTTP/1.1\r\n" H "Transfer-Encoding: gzip\r\n\r\n")},
	{400, SPAN("PUT / HTTP/1.1\r\n" H "Transfer-Encoding: identity\r\n\r\n")},
	{400, SPAN("PUT / HTTP/1.1\r\n" H "Transfer-Encoding:\r\n\r\n")},
	{400, SPAN("PUT / HTTP/1.1\r\n" H "Transfer-Encoding:\tchunked\r\n\r\n")},
	{400, SPAN("PUT / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\t\r\n\r\n")},
	{400, SPAN("PUT / HTTP/1.1\r\n" H "Content-Length: 5\t\r\n\r\nhello")},
	{400, SPAN("PUT / HTTP/1.1\r\n" H "Transfer-Encoding:, chunked\r\n\r\n")},
	{400, SPAN("PUT / HTTP/1.1\r\n" H "Transfer-Encoding: chunked,\r\n\r\n")},
	{400, SPAN("PUT / HTTP/1.1\r\n" H
		   "Transfer-Encoding:\r\nTransfer-Encoding: chunked\r\n\r\n")},
	{400, SPAN("PUT / HTTP/1.1\r\n" H
		   "Transfer-Encoding: chunked\r\nTransfer-Encoding:\r\n\r\n")},
	{501, SPAN("PUT / HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n\r\n")},
	{501, SPAN("PUT / HTTP/1.1\r\n" H
		   "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n")},
	/* the rest */
	{417, SPAN("PUT / HTTP/1.1\r\n" H "Expect: a-miracle\r\n\r\n")},
	{400, SPAN("MOVE / HTTP/1.1\r\n" H "Destination: /a\r\nDestination: /b\r\n\r\n")},
	{400, SPAN("GET / HTTP/1.1\r\n" H "Authorization: a\r\nAuthorization: b\r\n\r\n")},
};

static void assert_verdict(
	int rc, const struct http_head *head, unsigned want, size_t which)
{
	int wanted = want == 0   ? HTTP_HEAD_DONE
		     : want == 1 ? HTTP_HEAD_MORE
				 : HTTP_HEAD_BAD;

	if (rc != wanted || (want > 1 && head->status != want))
		fail_msg("case %zu, \"%.60s\": got %d, status %u (%s), not %u", which,
			cases[which].text.p, rc, head->status, head->why ? head->why : "-",
			want);
}

static void every_case_gets_its_verdict_whole_and_byte_by_byte(void **state)
{
	(void)state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct span text = cases[i].text;
		struct http_head whole, slow;
		int rc = parse(&whole, text);
		assert_verdict(rc, &whole, cases[i].status, i);

		http_head_init(&slow);
		rc = HTTP_HEAD_MORE;
		for (size_t n = 0; n <= text.n && rc == HTTP_HEAD_MORE; n++)
			rc = http_head_parse(&slow, span_of(text.p, n));
		assert_verdict(rc, &slow, cases[i].status, i);

		assert_int_equal(whole.n_bytes, slow.n_bytes);
		assert_int_equal(whole.n_fields, slow.n_fields);
		assert_ptr_equal(whole.why, slow.why);
		assert_memory_equal(whole.fields, slow.fields,
			whole.n_fields * sizeof(whole.fields[0]));
	}
}

static void a_head_may_move_in_memory_while_it_comes(void **state)
{
	(void)state;
	static const char text[] = "PUT /x HTTP/1.1\r\nHost: h\r\nDepth: 1\r\n\r\n";
	struct http_head head;
	char *copy = NULL;
	int rc = HTTP_HEAD_MORE;

	http_head_init(&head);
	for (size_t n = 0; n < sizeof(text); n++) {
		char *fresh = malloc(n + 1);
		assert_non_null(fresh);
		memcpy(fresh, text, n);
		free(copy);
		copy = fresh;
		rc = http_head_parse(&head, span_of(copy, n));
	}

	assert_int_equal(rc, HTTP_HEAD_DONE);
	assert_int_equal(head.n_bytes, sizeof(text) - 1);
	assert_span(http_head_target(&head), "/x");
	assert_span(http_head_method(&head), "PUT");
	assert_span(http_head_get(&head, HTTP_H_DEPTH), "1");
	free(copy);
}

static void what_follows_the_head_is_not_touched(void **state)
{
	(void)state;
	struct http_head head =
		parsed("\r\nPUT /a?b HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabcGET");

	assert_int_equal(head.method, HTTP_PUT);
	assert_span(http_head_method(&head), "PUT");
	assert_span(http_head_target(&head), "/a?b");
	assert_int_equal(head.body, HTTP_BODY_LENGTH);
	assert_int_equal(head.length, 3);
	assert_memory_equal(head.bytes + head.n_bytes, "abcGET", 6);
}

static void fields_are_found_by_number_and_lists_run_over_their_lines(void **state)
{
	(void)state;
	struct http_head head = parsed(
		"GET / HTTP/1.1\r\n" H "If-None-Match: \"a,b\" , ,\r\nX-Other:  v \r\n"
		"IF-NONE-MATCH:\r\nif-none-match: W/\"c\"\r\nY:\r\n\r\n");
	struct http_items items = http_head_items(&head, HTTP_H_IF_NONE_MATCH);
	struct span item;

	assert_true(http_head_next_item(&items, &item));
	assert_span(item, "\"a,b\"");
	assert_true(http_head_next_item(&items, &item));
	assert_span(item, "W/\"c\"");
	assert_false(http_head_next_item(&items, &item));
	assert_false(http_head_next_item(&items, &item));

	assert_span(http_head_get(&head, HTTP_H_HOST), "a");
	assert_null(http_head_get(&head, HTTP_H_RANGE).p);
	unsigned other = http_head_first(&head, HTTP_H_OTHER);
	assert_span(http_head_name(&head, other), "X-Other");
	assert_span(http_head_value(&head, other), "v");
	other = http_head_next(&head, other);
	assert_span(http_head_name(&head, other), "Y");
	assert_int_equal(http_head_next(&head, other), 0);
}

static void the_connection_goes_on_as_version_and_options_say(void **state)
{
	(void)state;

	assert_true(parsed("GET / HTTP/1.1\r\n" H "\r\n").keep_alive);
	assert_false(
		parsed("GET / HTTP/1.1\r\n" H "Connection: x,Close\r\n\r\n").keep_alive);
	assert_false(parsed("GET / HTTP/1.1\r\n" H "Connection: keep-alive\r\n"
			    "Connection: close\r\n\r\n")
			     .keep_alive);
	assert_false(
		parsed("GET / HTTP/1.1\r\n" H "Connection: \"x, close\r\n\r\n").keep_alive);
	assert_false(parsed("GET / HTTP/1.0\r\n\r\n").keep_alive);
	assert_true(parsed("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").keep_alive);
}

static void a_client_waits_for_100_only_with_a_body_to_send(void **state)
{
	(void)state;
#define E "Expect: 100-Continue\r\n"

	assert_true(parsed("PUT / HTTP/1.1\r\n" H E "Content-Length: 1\r\n\r\n")
			    .expect_continue);
	assert_true(parsed("PUT / HTTP/1.1\r\n" H E "Transfer-Encoding: chunked\r\n\r\n")
			    .expect_continue);
	assert_false(parsed("PUT / HTTP/1.1\r\n" H E "Content-Length: 0\r\n\r\n")
			     .expect_continue);
	assert_false(parsed("GET / HTTP/1.1\r\n" H E "\r\n").expect_continue);
	assert_false(
		parsed("PUT / HTTP/1.0\r\n" E "Content-Length: 1\r\n\r\n").expect_continue);
#undef E
}

/* A request whose target has @target_n bytes and that has @n_fields lines. The caller
 * frees. */
static struct span big_request(size_t target_n, size_t n_fields)
{
	static const char line_end[] = " HTTP/1.1\r\nHost: a\r\n";
	char *text = malloc(target_n + 6 * n_fields + 64);
	assert_non_null(text);

	memcpy(text, "GET ", 4);
	memset(text + 4, '/', target_n);
	size_t n = 4 + target_n;
	memcpy(text + n, line_end, sizeof(line_end) - 1);
	n += sizeof(line_end) - 1;
	for (size_t i = 1; i < n_fields; i++, n += 6)
		memcpy(text + n, "A: b\r\n", 6);
	memcpy(text + n, "\r\n", 2);
	return span_of(text, n + 2);
}

static void assert_big(size_t target_n, size_t n_fields, int want, unsigned status)
{
	struct http_head head;
	struct span text = big_request(target_n, n_fields);

	assert_int_equal(parse(&head, text), want);
	assert_int_equal(head.status, status);

	http_head_init(&head);
	int rc = HTTP_HEAD_MORE;
	for (size_t n = 1; n <= text.n && rc == HTTP_HEAD_MORE; n++)
		rc = http_head_parse(&head, span_of(text.p, n));
	assert_int_equal(rc, want);
	assert_int_equal(head.status, status);
	free((void *)text.p);
}

static void everything_a_stranger_can_grow_has_a_maximum(void **state)
{
	(void)state;

	assert_big(HTTP_TARGET_MAX, 1, HTTP_HEAD_DONE, 0);
	assert_big(HTTP_TARGET_MAX + 1, 1, HTTP_HEAD_BAD, 414);
	assert_big(HTTP_HEAD_MAX, 1, HTTP_HEAD_BAD, 414);
	assert_big(1, HTTP_HEAD_FIELDS, HTTP_HEAD_DONE, 0);
	assert_big(1, HTTP_HEAD_FIELDS + 1, HTTP_HEAD_BAD, 431);
	assert_big(1, 100'000, HTTP_HEAD_BAD, 431);
}

static void one_endless_header_line_is_refused_at_the_maximum(void **state)
{
	(void)state;
	static char text[HTTP_HEAD_MAX + 1];
	struct http_head head;

	memset(text, 'a', sizeof(text));
	memcpy(text, "GET / HTTP/1.1\r\nA:", 18);
	assert_int_equal(parse(&head, span_of(text, HTTP_HEAD_MAX - 1)), HTTP_HEAD_MORE);
	assert_int_equal(parse(&head, span_of(text, HTTP_HEAD_MAX)), HTTP_HEAD_BAD);
	assert_int_equal(head.status, 431);

	/* The last byte that may belong to a head ends it. */
	memcpy(text, "GET / HTTP/1.0\r\nA:", 18);
	memcpy(text + HTTP_HEAD_MAX - 4, "\r\n\r\n", 4);
	assert_int_equal(parse(&head, span_of(text, sizeof(text))), HTTP_HEAD_DONE);
	assert_int_equal(head.n_bytes, HTTP_HEAD_MAX);
}

static void every_known_field_is_found_in_any_case_and_no_other(void **state)
{
	(void)state;
#define NAME(id, name, times) [HTTP_H_##id] = SPAN(name),
	static const struct span names[HTTP_N_FIELD_IDS] = {HTTP_FIELDS(NAME)};
#undef NAME

	for (unsigned id = 1; id < HTTP_N_FIELD_IDS; id++) {
		struct span name = names[id];
		char upper[64];

		for (size_t i = 0; i < name.n; i++)
			upper[i] = (char)toupper(name.p[i]);
		assert_int_equal(http_field_of(name), id);
		assert_int_equal(http_field_of(span_of(upper, name.n)), id);
		upper[name.n / 2] = '_';
		assert_int_equal(http_field_of(span_of(upper, name.n)), HTTP_H_OTHER);
		assert_int_equal(http_field_of(span_of(name.p, name.n - 1)), HTTP_H_OTHER);
	}
	assert_false(http_field_may_repeat(HTTP_H_CONTENT_LENGTH));
	assert_true(http_field_may_repeat(HTTP_H_IF_MATCH));
	assert_true(http_field_may_repeat(HTTP_H_OTHER));
}

static void a_known_method_is_found_and_case_counts(void **state)
{
	(void)state;

	assert_int_equal(http_method_of(SPAN("GET")), HTTP_GET);
	assert_int_equal(http_method_of(SPAN("PROPFIND")), HTTP_PROPFIND);
	assert_int_equal(http_method_of(SPAN("TRACE")), HTTP_N_METHODS - 1);
	assert_int_equal(http_method_of(SPAN("get")), HTTP_UNKNOWN);
	assert_int_equal(http_method_of(SPAN("")), HTTP_UNKNOWN);
}

static bool in(int c, const char *set)
{
	return c && strchr(set, c);
}

static void the_byte_classes_are_those_of_the_rfcs(void **state)
{
	(void)state;

	for (int c = 0; c < 256; c++) {
		bool alnum = c < 128 && isalnum(c);
		bool high = c >= 0x80;
		bool visible = c > 0x20 && c < 0x7f;
		unsigned want = 0;

		if (alnum || in(c, "!#$%&'*+-.^_`|~"))
			want |= HTTP_CHAR_TOKEN;
		if ((visible && c != '#') || high)
			want |= HTTP_CHAR_TARGET;
		if (visible || c == ' ' || c == '\t' || high)
			want |= HTTP_CHAR_VALUE;
		if (alnum || in(c, "-._~!$&'()*+,;=%:[]"))
			want |= HTTP_CHAR_HOST;
		if ((visible && c != '"') || high)
			want |= HTTP_CHAR_ETAG;
		assert_int_equal(http_chars[c], want);
	}
}

static void the_fast_runs_end_where_the_slow_ones_do(void **state)
{
	(void)state;

	for (unsigned c = 0; c < 256; c++) {
		for (size_t at = 0; at < 20; at++) {
			char text[20];
			memset(text, at % 2 ? 'a' : 0xfe, sizeof(text));
			text[at] = (char)c;
			struct span s = span_of(text, sizeof(text));

			assert_int_equal(
				http_chars_value(s), http_chars_run(s, HTTP_CHAR_VALUE));
			assert_int_equal(
				http_chars_target(s), http_chars_run(s, HTTP_CHAR_TARGET));
		}
	}
}

static void every_status_has_its_phrase(void **state)
{
	(void)state;

	assert_span(http_status_phrase(100), "Continue");
	assert_span(http_status_phrase(207), "Multi-Status");
	assert_span(http_status_phrase(404), "Not Found");
	assert_span(http_status_phrase(508), "Loop Detected");
	assert_span(http_status_phrase(299), "Status");
	assert_span(http_status_phrase(509), "Status");
	assert_true(http_status_bodiless(204));
	assert_false(http_status_bodiless(200));
}

static void parameters_come_off_one_by_one(void **state)
{
	(void)state;
	struct span rest = SPAN("; q=0.5 ;a=\"x;\\\"y\";flag"), name, value;

	assert_true(http_list_param(&rest, &name, &value));
	assert_span(name, "q");
	assert_span(value, "0.5");
	assert_true(http_list_param(&rest, &name, &value));
	assert_span(name, "a");
	assert_span(value, "x;\\\"y");
	assert_true(http_list_param(&rest, &name, &value));
	assert_span(name, "flag");
	assert_span(value, "");
	assert_false(http_list_param(&rest, &name, &value));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_case_gets_its_verdict_whole_and_byte_by_byte),
		cmocka_unit_test(a_head_may_move_in_memory_while_it_comes),
		cmocka_unit_test(what_follows_the_head_is_not_touched),
		cmocka_unit_test(fields_are_found_by_number_and_lists_run_over_their_lines),
		cmocka_unit_test(the_connection_goes_on_as_version_and_options_say),
		cmocka_unit_test(a_client_waits_for_100_only_with_a_body_to_send),
		cmocka_unit_test(everything_a_stranger_can_grow_has_a_maximum),
		cmocka_unit_test(one_endless_header_line_is_refused_at_the_maximum),
		cmocka_unit_test(every_known_field_is_found_in_any_case_and_no_other),
		cmocka_unit_test(a_known_method_is_found_and_case_counts),
		cmocka_unit_test(the_byte_classes_are_those_of_the_rfcs),
		cmocka_unit_test(the_fast_runs_end_where_the_slow_ones_do),
		cmocka_unit_test(every_status_has_its_phrase),
		cmocka_unit_test(parameters_come_off_one_by_one),
	};
	return cmocka_run_group_tests_name("http_head", tests, NULL, NULL);
}
