/* SPDX-License-Identifier: MIT */

/* The drive's pure rules: whose pages may write, which names are ours, times as clients say
 * them. */

#include "cmocka_all.h"

#include "base/util.h"
#include "service/drive/fs/touch.h"
#include "service/drive/mtime.h"
#include "service/drive/origin.h"

static const struct span HOST = SPAN("files.example:8080");

static void a_request_without_browser_fields_is_nobody_elses(void **state)
{
	(void)state;
	assert_false(origin_is_foreign(SPAN_NONE, SPAN_NONE, HOST));
}

static void the_browsers_own_word_counts_first(void **state)
{
	(void)state;
	assert_false(origin_is_foreign(SPAN("same-origin"), SPAN("https://proxy"), HOST));
	assert_false(origin_is_foreign(SPAN("none"), SPAN_NONE, HOST));
	assert_true(origin_is_foreign(SPAN("cross-site"), SPAN_NONE, HOST));
	assert_true(origin_is_foreign(
		SPAN("same-site"), SPAN("http://files.example:8080"), HOST));
}

static void an_origin_is_compared_with_the_host(void **state)
{
	(void)state;
	assert_false(origin_is_foreign(SPAN_NONE, SPAN("http://files.example:8080"), HOST));
	assert_false(
		origin_is_foreign(SPAN_NONE, SPAN("https://FILES.example:8080"), HOST));
	assert_false(origin_is_foreign(SPAN_NONE, SPAN("http://a"), SPAN("a:80")));
	assert_false(
		origin_is_foreign(SPAN_NONE, SPAN("https://[::1]"), SPAN("[::1]:443")));
	assert_true(origin_is_foreign(SPAN_NONE, SPAN("http://files.example"), HOST));
	assert_true(origin_is_foreign(SPAN_NONE, SPAN("http://evil.example:8080"), HOST));
	assert_true(origin_is_foreign(SPAN_NONE, SPAN("https://a"), SPAN("a:80")));
	assert_true(origin_is_foreign(SPAN_NONE, SPAN("null"), HOST));
	assert_true(origin_is_foreign(SPAN_NONE, SPAN("files.example:8080"), HOST));
}

static void only_names_nobody_can_redirect_are_ours(void **state)
{
	(void)state;
	static char name[] = "nas.lan";
	char *const names[] = {name};

	assert_true(origin_is_ours(SPAN("127.0.0.1:8080"), NULL, 0));
	assert_true(origin_is_ours(SPAN("[::1]:8080"), NULL, 0));
	assert_true(origin_is_ours(SPAN("LocalHost"), NULL, 0));
	assert_true(origin_is_ours(SPAN("nas.lan:80"), names, ARRAY_LEN(names)));
	assert_false(origin_is_ours(SPAN("nas.lan.evil.example"), names, ARRAY_LEN(names)));
	assert_false(origin_is_ours(SPAN("localhost.evil.example"), NULL, 0));
	assert_false(origin_is_ours(SPAN("127.0.0.1.evil.example:80"), NULL, 0));
}

static void seconds_may_have_a_fraction_and_nothing_else(void **state)
{
	(void)state;
	int64_t ns = 7;

	assert_true(mtime_of_seconds(SPAN("1000000000"), &ns));
	assert_int_equal(ns, 1'000'000'000 * (int64_t)NS_PER_SEC);
	assert_true(mtime_of_seconds(SPAN("12.75"), &ns));
	assert_int_equal(ns, 12 * (int64_t)NS_PER_SEC);

	ns = 7;
	assert_false(mtime_of_seconds(SPAN(""), &ns));
	assert_false(mtime_of_seconds(SPAN("+1"), &ns));
	assert_false(mtime_of_seconds(SPAN("1 "), &ns));
	assert_int_equal(ns, 7);
}

static void times_before_1970_are_times_and_those_centuries_away_are_not(void **state)
{
	(void)state;
	int64_t ns = 7;

	assert_true(mtime_of_seconds(SPAN("-1"), &ns));
	assert_int_equal(ns, -(int64_t)NS_PER_SEC);
	assert_true(mtime_of_seconds(SPAN("-9223372035.5"), &ns));
	assert_int_equal(ns, -9'223'372'035 * (int64_t)NS_PER_SEC);
	assert_true(mtime_of_date(SPAN("Sat, 31 Dec 1938 23:59:59 GMT"), &ns));
	assert_int_equal(ns, -978'307'201 * (int64_t)NS_PER_SEC);

	ns = 7;
	assert_false(mtime_of_seconds(SPAN("9223372036"), &ns));
	assert_false(mtime_of_seconds(SPAN("-9223372036"), &ns));
	assert_false(mtime_of_seconds(SPAN("-18446744073709551615"), &ns));
	assert_false(mtime_of_seconds(SPAN("--1"), &ns));
	assert_false(mtime_of_seconds(SPAN("-"), &ns));
	assert_false(mtime_of_date(SPAN("Mon, 01 Jan 1601 00:00:00 GMT"), &ns));
	assert_false(mtime_of_date(SPAN("Fri, 31 Dec 9999 23:59:59 GMT"), &ns));
	assert_int_equal(ns, 7);
}

static void a_disk_may_round_a_time_and_not_cut_it(void **state)
{
	(void)state;
	const int64_t second = (int64_t)NS_PER_SEC;

	assert_true(fs_touch_took(-5 * second, -5 * second));
	assert_true(fs_touch_took(11 * second, 10 * second));
	assert_true(fs_touch_took(-11 * second, -10 * second + 1));
	assert_false(fs_touch_took(12 * second, 10 * second));
	assert_false(fs_touch_took(-3'000'000'000 * second, -2'147'483'648 * second));
	assert_false(fs_touch_took(INT64_MAX, INT64_MIN));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_without_browser_fields_is_nobody_elses),
		cmocka_unit_test(the_browsers_own_word_counts_first),
		cmocka_unit_test(an_origin_is_compared_with_the_host),
		cmocka_unit_test(only_names_nobody_can_redirect_are_ours),
		cmocka_unit_test(seconds_may_have_a_fraction_and_nothing_else),
		cmocka_unit_test(
			times_before_1970_are_times_and_those_centuries_away_are_not),
		cmocka_unit_test(a_disk_may_round_a_time_and_not_cut_it),
	};
	return cmocka_run_group_tests_name("drive_rules", tests, NULL, NULL);
}
