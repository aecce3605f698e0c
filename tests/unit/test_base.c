/* SPDX-License-Identifier: MIT */

#include "../assert_span.h"

#include "base/arena.h"
#include "base/base64.h"
#include "base/buf.h"
#include "base/date.h"
#include "base/escape.h"
#include "base/list.h"
#include "base/num.h"
#include "base/reason.h"
#include "base/span.h"
#include "base/utf8.h"
#include "base/util.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static void a_reason_says_what_and_why_and_is_cut_rather_than_overrun(void **state)
{
	(void)state;
	struct reason reason;
	char wide[2 * REASON_MAX];

	errno = ENOENT;
	assert_int_equal(reason_errno(&reason, "cannot open %s", "x"), -ENOENT);
	assert_string_equal(reason.text, "cannot open x: No such file or directory");

	memset(wide, 'a', sizeof(wide) - 1);
	wide[sizeof(wide) - 1] = '\0';
	assert_int_equal(reason_set(&reason, "%s", wide), -EINVAL);
	assert_int_equal(strlen(reason.text), REASON_MAX - 1);
	errno = EIO;
	assert_int_equal(reason_errno(NULL, "nobody reads"), -EIO);
}

static void a_span_is_cut_piece_by_piece_with_the_empty_ones(void **state)
{
	(void)state;
	struct span rest = SPAN("a,,b"), piece;

	assert_true(span_cut(&rest, ',', &piece));
	assert_span(piece, "a");
	assert_true(span_cut(&rest, ',', &piece));
	assert_span(piece, "");
	assert_true(span_cut(&rest, ',', &piece));
	assert_span(piece, "b");
	assert_false(span_cut(&rest, ',', &piece));

	rest = SPAN("");
	assert_true(span_cut(&rest, ',', &piece));
	assert_span(piece, "");
	assert_false(span_cut(&rest, ',', &piece));

	assert_span(span_trim(SPAN(" \tx y\t ")), "x y");
	assert_true(span_ieq(SPAN("Content-Length"), SPAN("content-length")));
	assert_false(span_ieq(SPAN("@"), SPAN("`")));
	assert_null(span_dup(span_of("a\0b", 3)));
}

static void a_buffer_never_passes_its_maximum_and_remembers_that_it_failed(void **state)
{
	(void)state;
	AUTO_BUF buf = BUF_INIT(10);

	buf_put_str(&buf, "12345");
	buf_printf(&buf, "%05d", 67890);
	assert_false(buf.failed);
	assert_string_equal(buf_cstr(&buf), "1234567890");

	buf_put_byte(&buf, 'x');
	assert_true(buf.failed);
	assert_int_equal(buf.n, 10);

	buf_clear(&buf);
	buf_put_u64(&buf, 18446744073709551615u % 10000000000u);
	assert_span(buf_span(&buf), "3709551615");
	buf_drop(&buf, 9);
	assert_span(buf_span(&buf), "5");
	buf_put_u64(&buf, 0);
	assert_span(buf_span(&buf), "50");
	assert_int_equal(buf_reserve(&buf, 9) != NULL, 0);
}

static void a_buffer_over_an_array_stays_within_it(void **state)
{
	(void)state;
	char array[8];
	struct buf buf = BUF_FIXED(array);

	buf_printf(&buf, "%s", "1234567");
	assert_string_equal(buf_cstr(&buf), "1234567");
	assert_false(buf.failed);
	buf_put_byte(&buf, '8');
	assert_true(buf.failed);
	assert_ptr_equal(buf.p, array);
}

static void a_list_survives_removal_while_it_is_walked(void **state)
{
	(void)state;
	struct item {
		int n;
		struct list link;
	} items[3], *at, *tmp;
	struct list all;
	int sum = 0;

	list_init(&all);
	for (int i = 0; i < 3; i++) {
		items[i].n = i + 1;
		list_append(&all, &items[i].link);
	}
	list_for_each_safe (at, tmp, &all, link) {
		sum += at->n;
		list_remove(&at->link);
		list_remove(&at->link);
	}
	assert_int_equal(sum, 6);
	assert_true(list_empty(&all));
}

static void numbers_are_read_strictly(void **state)
{
	(void)state;
	uint64_t n = 7;

	assert_true(num_u64(SPAN("18446744073709551615"), &n));
	assert_true(n == UINT64_MAX);
	assert_true(num_hex_u64(SPAN("fFfF"), &n));
	assert_int_equal(n, 65535);
	assert_true(num_bytes(SPAN("4MiB"), &n));
	assert_int_equal(n, 4 << 20);
	assert_true(num_duration_ns(SPAN("250ms"), &n));
	assert_int_equal(n, 250000000);
	assert_true(num_duration_ns(SPAN("2"), &n));
	assert_true(n == 2 * NS_PER_SEC);

	static const char *const bad[] = {"", " 1", "1 ", "-1", "+1", "0x1",
		"18446744073709551616", "99999999999999T", "1ss"};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		n = 7;
		assert_false(num_u64(span_str(bad[i]), &n));
		assert_false(num_bytes(span_str(bad[i]), &n));
		assert_false(num_duration_ns(span_str(bad[i]), &n));
		assert_int_equal(n, 7);
	}
	assert_false(num_hex_u64(SPAN("10000000000000000"), &n));
}

static void numbers_are_written_as_they_are_read(void **state)
{
	(void)state;
	static const uint64_t some[] = {
		0, 1, 15, 16, 255, 256, 0x0123456789abcdef, 0x8000000000000000, UINT64_MAX};
	char text[NUM_HEX_MAX], want[NUM_HEX_MAX + 1];
	uint64_t n;

	for (size_t i = 0; i < ARRAY_LEN(some); i++) {
		char *end = num_put_hex(text, some[i]);
		assert_int_equal(end - text,
			snprintf(want, sizeof(want), "%llx", (unsigned long long)some[i]));
		assert_memory_equal(text, want, (size_t)(end - text));
		assert_int_equal(num_put_hex_full(text, some[i]) - text, NUM_HEX_MAX);
		assert_true(num_hex_u64(span_of(text, NUM_HEX_MAX), &n));
		assert_true(n == some[i]);
	}
}

static void only_well_formed_utf8_is_valid(void **state)
{
	(void)state;
	static const char *const good[] = {"", "abc", "\xc2\x80", "\xe0\xa0\x80",
		"\xed\x9f\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"};
	static const char *const bad[] = {"\x80", "\xc0\xaf", "\xc1\xbf", "\xe0\x9f\xbf",
		"\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
		"\xe2\x82", "\xff"};

	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(utf8_valid(span_str(good[i])));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(utf8_valid(span_str(bad[i])));
}

static void a_strangers_bytes_cannot_break_out_of_a_line(void **state)
{
	(void)state;
	AUTO_BUF out = BUF_INIT(1000);

	escape_log(&out, SPAN("a\"\n\\\x1b\xc3\xa9 rest"), 7);
	assert_span(buf_span(&out), "a\\x22\\x0a\\x5c\\x1b\\xc3\\xa9...");

	buf_clear(&out);
	escape_json(&out, SPAN("q\"\\\n\xc3\xa9\xff"));
	assert_span(buf_span(&out), "q\\\"\\\\\\u000a\xc3\xa9\xef\xbf\xbd");
}

static void markup_holds_any_bytes_as_text(void **state)
{
	(void)state;
	AUTO_BUF out = BUF_INIT(1000);

	escape_markup(&out, SPAN("<a b=\"'&\n"));
	assert_span(buf_span(&out), "&lt;a b=&quot;&#39;&amp;&#10;");

	buf_clear(&out);
	escape_markup(&out, SPAN("\x01\xc3\xa9\xff\xef\xbf\xbf\x7f"));
	assert_span(buf_span(&out), "\xef\xbf\xbd\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd\x7f");
}

static void a_path_is_encoded_byte_by_byte(void **state)
{
	(void)state;
	AUTO_BUF out = BUF_INIT(1000);

	escape_path(&out, span_of("/a b/\xc3\xa9\xff?#%&'\";\0", 16));
	assert_span(buf_span(&out), "/a%20b/%C3%A9%FF%3F%23%25%26%27%22%3B%00");

	buf_clear(&out);
	escape_path(&out, SPAN("/~x/(1)!$*,:@-._"));
	assert_span(buf_span(&out), "/~x/(1)!$*,:@-._");
}

static void what_a_backslash_stands_for_is_read_and_nothing_else(void **state)
{
	(void)state;
	AUTO_BUF out = BUF_INIT(1000);

	assert_true(escape_undo(&out, SPAN("421 a\\r\\n\\t\\\\\\x00\\xfF")));
	assert_true(span_eq(buf_span(&out), SPAN("421 a\r\n\t\\\0\xff")));
	assert_false(escape_undo(&out, SPAN("\\q")) || escape_undo(&out, SPAN("x\\"))
		     || escape_undo(&out, SPAN("\\x1"))
		     || escape_undo(&out, SPAN("\\xg0")));
}

static void a_date_is_right_from_year_one_to_year_9999(void **state)
{
	(void)state;
	static const struct {
		int64_t sec;
		const char *http, *iso;
	} rows[] = {
		{784111777, "Sun, 06 Nov 1994 08:49:37 GMT", "1994-11-06T08:49:37Z"},
		{0, "Thu, 01 Jan 1970 00:00:00 GMT", "1970-01-01T00:00:00Z"},
		{-1, "Wed, 31 Dec 1969 23:59:59 GMT", "1969-12-31T23:59:59Z"},
		{951782400, "Tue, 29 Feb 2000 00:00:00 GMT", "2000-02-29T00:00:00Z"},
		{4107542399, "Sun, 28 Feb 2100 23:59:59 GMT", "2100-02-28T23:59:59Z"},
		{4107542400, "Mon, 01 Mar 2100 00:00:00 GMT", "2100-03-01T00:00:00Z"},
		{INT64_MIN, "Mon, 01 Jan 0001 00:00:00 GMT", "0001-01-01T00:00:00Z"},
		{INT64_MAX, "Fri, 31 Dec 9999 23:59:59 GMT", "9999-12-31T23:59:59Z"},
	};
	AUTO_BUF out = BUF_INIT(100);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		buf_clear(&out);
		date_put_http(&out, rows[i].sec);
		assert_span(buf_span(&out), rows[i].http);
		buf_clear(&out);
		date_put_iso(&out, rows[i].sec);
		assert_span(buf_span(&out), rows[i].iso);
	}
}

static void an_arena_keeps_what_it_gave_and_stops_at_its_maximum(void **state)
{
	(void)state;
	AUTO_ARENA arena = ARENA_INIT(10000);
	struct span first = arena_copy(&arena, SPAN("first"));
	uint64_t *aligned = arena_alloc(&arena, sizeof(*aligned));

	assert_non_null(aligned);
	assert_int_equal((uintptr_t)aligned % 16, 0);
	assert_true(*aligned == 0);
	assert_non_null(arena_copy(&arena, SPAN("")).p);
	assert_non_null(arena_alloc(&arena, 5000));
	assert_null(arena_alloc(&arena, 5000));
	assert_null(arena_copy(&arena, span_of("", SIZE_MAX)).p);
	assert_non_null(arena_alloc(&arena, 1000));
	assert_span(first, "first");
}

static void a_date_is_read_in_every_form_it_may_have(void **state)
{
	(void)state;
	static const char *const http[] = {"Sun, 06 Nov 1994 08:49:37 GMT",
		"Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"};
	static const char *const bad[] = {"", "Sun, 06 Nov 1994 08:49:37", "1994-11-06",
		"Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT",
		"Sun, 06 Nov 1994 08:49:37 GMT ", "sun, 06 Nov 1994 08:49:37 GMT",
		"Sunday, 06 Nov 1994 08:49:37 GMT", "Sun, 6 Nov 1994 08:49:37 GMT",
		"Sun, 06 Nov 1994 08:49:37 UTC", "Thu, 29 Feb 1900 08:49:37 GMT",
		"1994-11-06T08:49:37Z"};
	int64_t sec;

	for (size_t i = 0; i < ARRAY_LEN(http); i++) {
		assert_true(date_read_http(span_str(http[i]), &sec));
		assert_int_equal(sec, 784111777);
	}
	sec = 7;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(date_read_http(span_str(bad[i]), &sec));
	assert_int_equal(sec, 7);
}

static void dates_agree_with_libc_over_all_years(void **state)
{
	(void)state;

	/* A step that is prime to day and week meets every month, weekday and hour. */
	for (int64_t sec = -62135596800; sec <= 253402300799; sec += 3'000'017) {
		time_t t = (time_t)sec;
		struct tm tm;
		char want[64], http[DATE_HTTP_BYTES], iso[DATE_ISO_BYTES];
		int64_t back = 0;

		assert_non_null(gmtime_r(&t, &tm));
		date_iso(sec, iso);
		(void)snprintf(want, sizeof(want), "%04d-%02d-%02dT%02d:%02d:%02dZ",
			tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
			tm.tm_sec);
		assert_memory_equal(iso, want, sizeof(iso));

		date_http(sec, http);
		assert_int_equal(strftime(want, 6, "%a, ", &tm), 5);
		assert_memory_equal(http, want, 5);
		assert_true(date_read_http(span_of(http, sizeof(http)), &back));
		assert_true(back == sec);
		assert_true(back == sec);
	}
}

static void base64_has_one_text_for_any_bytes_and_reads_no_other(void **state)
{
	(void)state;
	static const struct {
		struct span bytes;
		const char *text;
	} rows[] = {
		{SPAN(""), ""},
		{SPAN("f"), "Zg=="},
		{SPAN("fo"), "Zm8="},
		{SPAN("foo"), "Zm9v"},
		{SPAN("foob"), "Zm9vYg=="},
		{SPAN("\xff\xfe\x00\xfb\xf0"), "//4A+/A="},
	};
	static const char *const bad[] = {"Z", "Zg",
		"Zg=", "Zh==", "Zm9=", "Zg==Zg==", "====", "Z===", "Zm 8", "Zm8=\n", "Zm9-",
		"Zm9_", "=Zm8"};
	char out[16];
	size_t n;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO_BUF text = BUF_INIT(100);

		base64_encode(&text, rows[i].bytes);
		assert_true(span_eq(buf_span(&text), span_str(rows[i].text)));
		assert_true(base64_decode(span_str(rows[i].text), out, &n));
		assert_true(span_eq(span_of(out, n), rows[i].bytes));
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(base64_decode(span_str(bad[i]), out, &n));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(base64_has_one_text_for_any_bytes_and_reads_no_other),
		cmocka_unit_test(a_reason_says_what_and_why_and_is_cut_rather_than_overrun),
		cmocka_unit_test(a_span_is_cut_piece_by_piece_with_the_empty_ones),
		cmocka_unit_test(
			a_buffer_never_passes_its_maximum_and_remembers_that_it_failed),
		cmocka_unit_test(a_buffer_over_an_array_stays_within_it),
		cmocka_unit_test(a_list_survives_removal_while_it_is_walked),
		cmocka_unit_test(numbers_are_read_strictly),
		cmocka_unit_test(numbers_are_written_as_they_are_read),
		cmocka_unit_test(only_well_formed_utf8_is_valid),
		cmocka_unit_test(a_strangers_bytes_cannot_break_out_of_a_line),
		cmocka_unit_test(markup_holds_any_bytes_as_text),
		cmocka_unit_test(a_path_is_encoded_byte_by_byte),
		cmocka_unit_test(what_a_backslash_stands_for_is_read_and_nothing_else),
		cmocka_unit_test(a_date_is_right_from_year_one_to_year_9999),
		cmocka_unit_test(a_date_is_read_in_every_form_it_may_have),
		cmocka_unit_test(dates_agree_with_libc_over_all_years),
		cmocka_unit_test(an_arena_keeps_what_it_gave_and_stops_at_its_maximum),
	};
	return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
