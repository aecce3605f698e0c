/* SPDX-License-Identifier: MIT */

#include "../assert_span.h"

#include "base/util.h"
#include "http/range.h"

static void a_range_field_gives_what_exists_of_what_it_asks_for(void **state)
{
	(void)state;
	static const struct {
		const char *value;
		uint64_t size;
		int rc;
		unsigned n;
		struct http_range at[4];
	} rows[] = {
		{"bytes=0-4", 10, HTTP_RANGE_SOME, 1, {{0, 5}}},
		{"BYTES=9-9", 10, HTTP_RANGE_SOME, 1, {{9, 1}}},
		{"bytes=3-", 10, HTTP_RANGE_SOME, 1, {{3, 7}}},
		{"bytes=3-99", 10, HTTP_RANGE_SOME, 1, {{3, 7}}},
		{"bytes=3-99999999999999999999999", 10, HTTP_RANGE_SOME, 1, {{3, 7}}},
		{"bytes=-4", 10, HTTP_RANGE_SOME, 1, {{6, 4}}},
		{"bytes=-99", 10, HTTP_RANGE_SOME, 1, {{0, 10}}},
		{"bytes=8-9, ,0-1,-1", 10, HTTP_RANGE_SOME, 3, {{8, 2}, {0, 2}, {9, 1}}},
		{"bytes=20-30,1-1,-0", 10, HTTP_RANGE_SOME, 1, {{1, 1}}},
		{"bytes=10-", 10, HTTP_RANGE_OUTSIDE},
		{"bytes=99999999999999999999999-", 10, HTTP_RANGE_OUTSIDE},
		{"bytes=-0", 10, HTTP_RANGE_OUTSIDE},
		{"bytes=0-", 0, HTTP_RANGE_OUTSIDE},
		{"bytes=-5", 0, HTTP_RANGE_IGNORE},
		{"bytes=0-,0-", 10, HTTP_RANGE_IGNORE},
		{"bytes=0-5,5-9", 10, HTTP_RANGE_IGNORE},
		{"bytes=0-0,0-0,0-0,0-0,0-0,0-0,0-0,0-0,0-0,0-0,0-0,0-0,0-0,0-0,0-0,0-0,0-0",
			99, HTTP_RANGE_IGNORE},
		{"bytes=4-3", 10, HTTP_RANGE_IGNORE},
		{"bytes=", 10, HTTP_RANGE_IGNORE},
		{"bytes=,", 10, HTTP_RANGE_IGNORE},
		{"bytes=-", 10, HTTP_RANGE_IGNORE},
		{"bytes=1", 10, HTTP_RANGE_IGNORE},
		{"bytes=1-2-3", 10, HTTP_RANGE_IGNORE},
		{"bytes=a-b", 10, HTTP_RANGE_IGNORE},
		{"bytes=1 - 2", 10, HTTP_RANGE_IGNORE},
		{"bytes 1-2", 10, HTTP_RANGE_IGNORE},
		{"lines=1-2", 10, HTTP_RANGE_IGNORE},
		{"", 10, HTTP_RANGE_IGNORE},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct http_ranges got;
		int rc = http_range_read(span_str(rows[i].value), rows[i].size, &got);

		if (rc != rows[i].rc)
			fail_msg("\"%s\" gave %d", rows[i].value, rc);
		if (rc != HTTP_RANGE_SOME)
			continue;
		assert_int_equal(got.n, rows[i].n);
		assert_memory_equal(got.at, rows[i].at, got.n * sizeof(got.at[0]));
	}
}

static void a_multipart_body_is_as_long_as_was_said(void **state)
{
	(void)state;
	static const char file[] = "0123456789";
	struct http_ranges ranges;
	AUTO_BUF body = BUF_INIT(1000);

	assert_int_equal(
		http_range_read(SPAN("bytes=0-1,7-9"), 10, &ranges), HTTP_RANGE_SOME);
	for (unsigned i = 0; i < ranges.n; i++) {
		http_range_put_part(
			&body, SPAN("XyZ"), SPAN("text/plain"), ranges.at[i], 10);
		buf_put(&body, file + ranges.at[i].from, ranges.at[i].n);
	}
	http_range_put_end(&body, SPAN("XyZ"));

	assert_span(buf_span(&body),
		"\r\n--XyZ\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-1/10\r\n\r\n01"
		"\r\n--XyZ\r\nContent-Type: text/plain\r\nContent-Range: bytes 7-9/10\r\n\r\n789"
		"\r\n--XyZ--\r\n");
	assert_int_equal(
		http_range_multipart_length(&ranges, SPAN("XyZ"), SPAN("text/plain"), 10),
		body.n);

	buf_clear(&body);
	http_range_put_outside(&body, 10);
	assert_span(buf_span(&body), "bytes */10");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_range_field_gives_what_exists_of_what_it_asks_for),
		cmocka_unit_test(a_multipart_body_is_as_long_as_was_said),
	};
	return cmocka_run_group_tests_name("http_range", tests, NULL, NULL);
}
