/* SPDX-License-Identifier: MIT */

#include "../assert_span.h"

#include "base/buf.h"
#include "base/escape.h"
#include "base/util.h"
#include "http/path.h"
#include "http/target.h"

#include <stdlib.h>

/* A request with that first line and Destination; the text lives in @text. */
static struct http_head request(struct buf *text, const char *line, const char *destination)
{
	struct http_head head;

	buf_clear(text);
	buf_printf(text, "%s HTTP/1.1\r\nHost: h:80\r\n", line);
	if (destination)
		buf_printf(text, "Destination: %s\r\n", destination);
	buf_put_str(text, "\r\n");
	http_head_init(&head);
	assert_int_equal(http_head_parse(&head, buf_span(text)), HTTP_HEAD_DONE);
	return head;
}

static void a_target_is_split_into_host_path_and_query(void **state)
{
	(void)state;
	static const struct {
		const char *line;
		unsigned status;
		const char *host, *path, *query;
		bool star;
	} rows[] = {
		{"GET /a/b?c?d", 0, NULL, "/a/b", "c?d"},
		{"GET //x", 0, NULL, "//x", NULL},
		{"GET /?", 0, NULL, "/", ""},
		{"GET HTTP://h:8080/a", 0, "h:8080", "/a", NULL},
		{"GET https://[::1]?q", 0, "[::1]", "/", "q"},
		{"GET http://h", 0, "h", "/", NULL},
		{"OPTIONS *", 0, NULL, "/", NULL, true},
		{"GET *", 400},
		{"GET http://", 400},
		{"GET http:///a", 400},
		{"GET http://u@h/", 400},
		{"GET ftp://h/", 400},
		{"GET a/b", 400},
		{"GET ?q", 400},
		{"CONNECT h:443", 400},
	};
	AUTO_BUF text = BUF_INIT(1000);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct http_head head = request(&text, rows[i].line, NULL);
		struct http_target target;
		const char *why = NULL;

		assert_int_equal(http_target_read(&head, &target, &why), rows[i].status);
		assert_int_equal(why != NULL, rows[i].status != 0);
		if (rows[i].status)
			continue;
		assert_span(target.host, rows[i].host);
		assert_span(target.path, rows[i].path);
		assert_span(target.query, rows[i].query);
		assert_int_equal(target.star, rows[i].star);
	}
}

static void a_destination_must_be_on_this_host(void **state)
{
	(void)state;
	static const struct {
		const char *line, *destination;
		unsigned status;
		const char *path;
	} rows[] = {
		{"MOVE /a", "/b%20c", 0, "/b%20c"},
		{"MOVE /a", "http://H/b", 0, "/b"},
		{"MOVE /a", "https://h:443/b", 0, "/b"},
		{"MOVE http://other:81/a", "http://other:81/b", 0, "/b"},
		{"MOVE http://other:81/a", "http://h/b", 502},
		{"MOVE /a", "http://h:8080/b", 502},
		{"MOVE /a", "http://elsewhere/b", 502},
		{"MOVE /a", "", 400},
		{"MOVE /a", NULL, 400},
		{"MOVE /a", "b", 400},
		{"MOVE /a", "*", 400},
		{"MOVE /a", "/b c", 400},
		{"MOVE /a", "/b#c", 400},
	};
	AUTO_BUF text = BUF_INIT(1000);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct http_head head = request(&text, rows[i].line, rows[i].destination);
		struct http_target target;
		const char *why = NULL;

		assert_int_equal(
			http_target_destination(&head, &target, &why), rows[i].status);
		if (!rows[i].status)
			assert_span(target.path, rows[i].path);
	}
}

static void a_path_comes_out_relative_decoded_and_without_tricks(void **state)
{
	(void)state;
	static const struct {
		struct span url;
		const char *rel; /* NULL: refused */
		bool slash;
	} rows[] = {
		{SPAN("/"), "", true},
		{SPAN("///"), "", true},
		{SPAN("/a"), "a", false},
		{SPAN("//a///b//"), "a/b", true},
		{SPAN("/%61%20b/%E6%8a%A5"), "a b/\xe6\x8a\xa5", false},
		{SPAN("/a%25b%3Fc"), "a%b?c", false},
		{SPAN("/.../.a/a./..a"), ".../.a/a./..a", false},
		{SPAN("/%ff"), "\xff", false},
		{SPAN("/a%5cb"), "a\\b", false},
		{SPAN("/.")},
		{SPAN("/..")},
		{SPAN("/a/../b")},
		{SPAN("/a/./b")},
		{SPAN("/%2e%2E/b")},
		{SPAN("/.%2e")},
		{SPAN("/a/..")},
		{SPAN("/../")},
		{SPAN("/a%2Fb")},
		{SPAN("/%2f")},
		{SPAN("/a%00")},
		{SPAN("/a\0b")},
		{SPAN("/%")},
		{SPAN("/%4")},
		{SPAN("/%4g")},
		{SPAN("/%4/a")},
		{SPAN("/%+1")},
		{SPAN("a")},
		{SPAN("")},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct span url = rows[i].url;
		struct http_path path;
		const char *why = NULL;

		/* In the very memory of the url: no byte more, and none read after it
		 * was written. */
		char *own = malloc(url.n + !url.n);
		assert_non_null(own);
		memcpy(own, url.p, url.n);
		unsigned status = http_path_decode(span_of(own, url.n), own, &path, &why);

		assert_int_equal(status, rows[i].rel ? 0 : 400);
		assert_int_equal(why == NULL, status == 0);
		if (!status) {
			assert_string_equal(path.rel.p, rows[i].rel);
			assert_span(path.rel, rows[i].rel);
			assert_int_equal(path.slash, rows[i].slash);
		}
		free(own);
	}
}

static void every_name_survives_the_way_into_a_link_and_back(void **state)
{
	(void)state;
	AUTO_BUF url = BUF_INIT(100);
	char out[100];

	for (unsigned c = 1; c < 256; c++) {
		if (c == '/')
			continue;
		char name[] = {'a', (char)c, 'z'};
		struct http_path path;
		const char *why;

		buf_clear(&url);
		buf_put_byte(&url, '/');
		escape_path(&url, span_of(name, sizeof(name)));
		assert_int_equal(http_path_decode(buf_span(&url), out, &path, &why), 0);
		assert_true(span_eq(path.rel, span_of(name, sizeof(name))));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_target_is_split_into_host_path_and_query),
		cmocka_unit_test(a_destination_must_be_on_this_host),
		cmocka_unit_test(a_path_comes_out_relative_decoded_and_without_tricks),
		cmocka_unit_test(every_name_survives_the_way_into_a_link_and_back),
	};
	return cmocka_run_group_tests_name("http_target", tests, NULL, NULL);
}
