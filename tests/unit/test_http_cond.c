/* SPDX-License-Identifier: MIT */

#include "../assert_span.h"
#include "http_request.h"

#include "base/buf.h"
#include "base/util.h"
#include "http/cond.h"

#define BEFORE "Sun, 06 Nov 1994 08:49:36 GMT"
#define EXACT  "Sun, 06 Nov 1994 08:49:37 GMT"
#define AFTER  "Sun, 06 Nov 1994 08:49:38 GMT"
#define MTIME  784111777

enum what { FILE_A, FILE_WEAK_A, FOLDER, NOTHING };

static const struct http_now nows[] = {
	[FILE_A] = {true, {SPAN("a"), false}, true, MTIME},
	[FILE_WEAK_A] = {true, {SPAN("a"), true}, true, MTIME},
	[FOLDER] = {.exists = true},
	[NOTHING] = {.exists = false},
};

static void preconditions_decide_in_the_order_of_the_rfc(void **state)
{
	(void)state;
	enum { GO = HTTP_COND_PROCEED, NM = HTTP_COND_NOT_MODIFIED, NO = HTTP_COND_FAILED };
	static const struct {
		enum what now;
		int get, put;
		const char *fields;
	} rows[] = {
		{FILE_A, GO, GO, ""},
		{FILE_A, GO, GO, "If-Match: \"a\"\r\n"},
		{FILE_A, GO, GO, "If-Match: \"b\"\r\nIf-Match: \"c\", \"a\"\r\n"},
		{FILE_A, NO, NO, "If-Match: \"b\"\r\n"},
		{FILE_A, NO, NO, "If-Match: W/\"a\"\r\n"},
		{FILE_WEAK_A, NO, NO, "If-Match: \"a\"\r\n"},
		{FILE_WEAK_A, NO, NO, "If-Match: W/\"a\"\r\n"},
		{FILE_A, NO, NO, "If-Match: a\r\n"},
		{FILE_A, NO, NO, "If-Match:\r\n"},
		{FILE_A, GO, GO, "If-Match: *\r\n"},
		{FOLDER, GO, GO, "If-Match: *\r\n"},
		{FOLDER, NO, NO, "If-Match: \"a\"\r\n"},
		{NOTHING, NO, NO, "If-Match: *\r\n"},
		{NOTHING, NO, NO, "If-Match: \"a\"\r\n"},
		{FILE_A, NO, NO, "If-Unmodified-Since: " BEFORE "\r\n"},
		{FILE_A, GO, GO, "If-Unmodified-Since: " EXACT "\r\n"},
		{FILE_A, GO, GO, "If-Unmodified-Since: yesterday\r\n"},
		{FOLDER, GO, GO, "If-Unmodified-Since: " BEFORE "\r\n"},
		{FILE_A, GO, GO, "If-Match: \"a\"\r\nIf-Unmodified-Since: " BEFORE "\r\n"},
		{FILE_A, NM, NO, "If-None-Match: \"a\"\r\n"},
		{FILE_A, NM, NO, "If-None-Match: \"b\" , W/\"a\"\r\n"},
		{FILE_WEAK_A, NM, NO, "If-None-Match: \"a\"\r\n"},
		{FILE_A, GO, GO, "If-None-Match: \"b\"\r\n"},
		{FILE_A, GO, GO, "If-None-Match: a\r\n"},
		{FILE_A, GO, GO, "If-None-Match: \"x\\\", \"b\"\r\n"},
		{FILE_A, NM, NO, "If-None-Match: \"x\\\", \"a\"\r\n"},
		{FILE_A, NM, NO, "If-None-Match: junk\"a, \"a\"\r\n"},
		{FILE_A, NM, NO, "If-None-Match: *\r\n"},
		{NOTHING, GO, GO, "If-None-Match: *\r\n"},
		{NOTHING, GO, GO, "If-None-Match: \"a\"\r\n"},
		{FILE_A, NM, GO, "If-Modified-Since: " EXACT "\r\n"},
		{FILE_A, NM, GO, "If-Modified-Since: " AFTER "\r\n"},
		{FILE_A, GO, GO, "If-Modified-Since: " BEFORE "\r\n"},
		{FILE_A, GO, GO, "If-Modified-Since: 0\r\n"},
		{FOLDER, GO, GO, "If-Modified-Since: " AFTER "\r\n"},
		{NOTHING, GO, GO, "If-Modified-Since: " AFTER "\r\n"},
		{FILE_A, GO, GO,
			"If-None-Match: \"b\"\r\nIf-Modified-Since: " AFTER "\r\n"},
		{FILE_A, NO, NO, "If-None-Match: \"a\"\r\nIf-Match: \"b\"\r\n"},
	};
	AUTO_BUF text = BUF_INIT(1000);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct http_head get =
			http_request(&text, "GET / HTTP/1.1", rows[i].fields);
		int got = http_cond_check(&get, &nows[rows[i].now]);
		struct http_head put =
			http_request(&text, "PUT / HTTP/1.1", rows[i].fields);
		int wrote = http_cond_check(&put, &nows[rows[i].now]);

		if (got != rows[i].get || wrote != rows[i].put)
			fail_msg("row %zu, %s: %d, %d", i, rows[i].fields, got, wrote);
	}
}

static void a_range_counts_only_for_the_file_the_client_has(void **state)
{
	(void)state;
	static const struct {
		enum what now;
		bool counts;
		const char *fields;
	} rows[] = {
		{FILE_A, true, ""},
		{FILE_A, true, "If-Range: \"a\"\r\n"},
		{FILE_A, false, "If-Range: \"b\"\r\n"},
		{FILE_A, false, "If-Range: W/\"a\"\r\n"},
		{FILE_WEAK_A, false, "If-Range: \"a\"\r\n"},
		{FILE_A, true, "If-Range: " EXACT "\r\n"},
		{FILE_A, false, "If-Range: " AFTER "\r\n"},
		{FILE_WEAK_A, false, "If-Range: " EXACT "\r\n"},
		{FILE_A, false, "If-Range: a\r\n"},
	};
	AUTO_BUF text = BUF_INIT(1000);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct http_head get =
			http_request(&text, "GET / HTTP/1.1", rows[i].fields);

		assert_int_equal(http_cond_range(&get, &nows[rows[i].now]), rows[i].counts);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(preconditions_decide_in_the_order_of_the_rfc),
		cmocka_unit_test(a_range_counts_only_for_the_file_the_client_has),
	};
	return cmocka_run_group_tests_name("http_cond", tests, NULL, NULL);
}
