/* SPDX-License-Identifier: MIT */

#include "../assert_span.h"
#include "http_request.h"

#include "base/util.h"
#include "http/accept.h"
#include "http/form.h"
#include "http/resp.h"

#define DATE "Sun, 06 Nov 1994 08:49:37 GMT"

static void a_head_is_written_field_by_field(void **state)
{
	(void)state;
	AUTO_BUF text = BUF_INIT(1000);
	AUTO_BUF out = BUF_INIT(1000);
	struct http_head head = http_request(&text, "GET / HTTP/1.1", "");

	http_resp_begin(&out, 206, DATE);
	http_resp_field(&out, SPAN("Content-Type"), SPAN("text/plain"));
	http_resp_field(&out, SPAN("Empty"), SPAN_NONE);
	http_resp_date(&out, SPAN("Last-Modified"), 784111777);
	http_resp_etag(&out, (struct http_etag){SPAN("x1"), true});
	http_resp_length(&out, 12345678901);
	http_resp_end(&out, &head, true);

	assert_false(out.failed);
	assert_span(buf_span(&out),
		"HTTP/1.1 206 Partial Content\r\nDate: " DATE "\r\n"
		"Content-Type: text/plain\r\nEmpty: \r\nLast-Modified: " DATE "\r\n"
		"ETag: W/\"x1\"\r\nContent-Length: 12345678901\r\n\r\n");
}

static void the_connections_end_is_said_when_the_client_would_not_guess_it(void **state)
{
	(void)state;
	static const struct {
		const char *line;
		bool keep;
		const char *end;
	} rows[] = {
		{"GET / HTTP/1.1", true, "\r\n"},
		{"GET / HTTP/1.1", false, "Connection: close\r\n\r\n"},
		{"GET / HTTP/1.0", true, "Connection: keep-alive\r\n\r\n"},
		{"GET / HTTP/1.0", false, "Connection: close\r\n\r\n"},
	};
	AUTO_BUF text = BUF_INIT(1000);
	AUTO_BUF out = BUF_INIT(1000);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct http_head head = http_request(&text, rows[i].line, "");

		buf_clear(&out);
		http_resp_end(&out, &head, rows[i].keep);
		assert_span(buf_span(&out), rows[i].end);
	}
}

static void nobody_writes_fields_of_his_own_through_a_value(void **state)
{
	(void)state;
	AUTO_BUF out = BUF_INIT(1000);

	http_resp_field(&out, SPAN("Location"), SPAN("/a\r\nSet-Cookie: b"));
	assert_true(out.failed);
	buf_clear(&out);
	http_resp_etag(&out, (struct http_etag){SPAN("a\"\r\nB: c"), false});
	assert_true(out.failed);
	assert_int_equal(out.n, 0);
}

static void the_most_specific_item_of_accept_counts(void **state)
{
	(void)state;
	static const struct {
		const char *accept, *what;
		unsigned weight;
	} rows[] = {
		{"text/html, */*;q=0.8", "text/html", 1000},
		{"text/html, */*;q=0.8", "image/png", 800},
		{"text/*;q=0.5, text/html;level=1;q=0.25, */*", "text/html", 250},
		{"text/*;q=0.5, */*", "TEXT/plain", 500},
		{"*;q=0.001, gzip;q=0", "gzip", 0},
		{"*;q=0.001, gzip;q=0", "br", 1},
		{"gzip", "br", 0},
		{"gzip;q=2", "gzip", 0},
		{"gzip;q=1.001", "gzip", 0},
		{"gzip;q=x", "gzip", 0},
		{"gzip;q=1.000", "gzip", 1000},
		{"te/*", "text/html", 0},
		{"", "text/html", 0},
	};
	AUTO_BUF text = BUF_INIT(1000);
	AUTO_BUF field = BUF_INIT(1000);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		buf_clear(&field);
		buf_printf(&field, "Accept: %s\r\n", rows[i].accept);
		struct http_head head =
			http_request(&text, "GET / HTTP/1.1", buf_cstr(&field));

		assert_int_equal(
			http_accept_weight(&head, HTTP_H_ACCEPT, span_str(rows[i].what)),
			rows[i].weight);
	}

	struct http_head browser =
		http_request(&text, "GET / HTTP/1.1", "Accept: text/html,*/*\r\n");
	assert_true(http_accept_html(&browser));
	struct http_head program = http_request(&text, "GET / HTTP/1.1", "Accept: */*\r\n");
	assert_false(http_accept_html(&program));
}

static void a_query_is_read_pair_by_pair(void **state)
{
	(void)state;
	struct span rest = SPAN("a=1&&b&=c&d=x%20y+z&e=f=g"), name, value;
	static const struct {
		const char *name, *value;
	} want[] = {{"a", "1"}, {"b", NULL}, {"", "c"}, {"d", "x%20y+z"}, {"e", "f=g"}};

	for (size_t i = 0; i < ARRAY_LEN(want); i++) {
		assert_true(http_form_next(&rest, &name, &value));
		assert_span(name, want[i].name);
		assert_span(value, want[i].value);
	}
	assert_false(http_form_next(&rest, &name, &value));

	assert_span(http_form_get(SPAN("x=1&list&y=2"), SPAN("list")), "");
	assert_span(http_form_get(SPAN("x=1&list&y=2"), SPAN("y")), "2");
	assert_span(http_form_get(SPAN("x=1"), SPAN("y")), NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_head_is_written_field_by_field),
		cmocka_unit_test(
			the_connections_end_is_said_when_the_client_would_not_guess_it),
		cmocka_unit_test(nobody_writes_fields_of_his_own_through_a_value),
		cmocka_unit_test(the_most_specific_item_of_accept_counts),
		cmocka_unit_test(a_query_is_read_pair_by_pair),
	};
	return cmocka_run_group_tests_name("http_resp", tests, NULL, NULL);
}
