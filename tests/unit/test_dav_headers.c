/* SPDX-License-Identifier: MIT */

/* The If header, and WebDAV's smaller ones. */

#include "../cmocka_all.h"

#include "base/util.h"
#include "dav/headers.h"
#include "dav/if_header.h"

static void assert_span(struct span s, const char *text)
{
	assert_int_equal(s.n, strlen(text));
	assert_memory_equal(s.p, text, s.n);
}

static void untagged_lists_are_about_the_request_url(void **state)
{
	(void)state;
	struct if_header header;

	assert_int_equal(if_header_parse(SPAN("(<urn:uuid:181d4fae>\t[\"I am an ETag\"])"
					      "(Not<DAV:no-lock> nOT [W/\"]x\"])"),
				 &header),
		IF_HEADER_OK);

	assert_int_equal(header.n_lists, 2);
	assert_null(header.lists[0].resource.p);
	assert_int_equal(header.lists[0].n, 2);
	assert_int_equal(header.lists[1].first, 2);
	assert_int_equal(header.conditions[0].kind, IF_TOKEN);
	assert_span(header.conditions[0].text, "urn:uuid:181d4fae");
	assert_int_equal(header.conditions[1].kind, IF_ETAG);
	assert_span(header.conditions[1].text, "\"I am an ETag\"");
	assert_true(header.conditions[2].negated);
	assert_span(header.conditions[2].text, "DAV:no-lock");
	assert_true(header.conditions[3].negated);
	assert_span(header.conditions[3].text, "W/\"]x\"");
}

static void a_tag_holds_for_all_lists_up_to_the_next(void **state)
{
	(void)state;
	struct if_header header;

	assert_int_equal(
		if_header_parse(SPAN("<http://www.example.com/a> (<urn:1:x>)(<urn:2:x>) "
				     "</b%20c> (Not <urn:3:x>)"),
			&header),
		IF_HEADER_OK);
	assert_int_equal(header.n_lists, 3);
	assert_span(header.lists[0].resource, "http://www.example.com/a");
	assert_span(header.lists[1].resource, "http://www.example.com/a");
	assert_span(header.lists[2].resource, "/b%20c");
	assert_true(if_header_submits(&header, SPAN("urn:3:x")));
	assert_false(if_header_submits(&header, SPAN("urn:3:X")));
}

static void what_the_grammar_does_not_have_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {"", " ", "()", "( )", "(", "(<urn:x>", "(<urn:x",
		"(<>)", "(<no-scheme>)", "(</path:x>)", "(<:x>)", "(\"etag\")", "([etag])",
		"([\"etag\")", "([\"etag])", "([\"a\x01\"])", "([w/\"etag\"])",
		"(<urn:x>) </a> (<urn:x>)", "</a>", "</a> </b> (<urn:x>)", "<> (<urn:x>)",
		"</a b> (<urn:x>)", "(Not)", "(Not Not <urn:x>)", "(<urn:x>))",
		"(<urn:x>),(<urn:y>)", "(<urn:x<y>)", "(<urn:x>)\n(<urn:y>)"};
	struct if_header header;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(
			if_header_parse(span_str(bad[i]), &header), IF_HEADER_MALFORMED);
}

static void a_header_too_long_is_told_apart(void **state)
{
	(void)state;
	char lists[33 * 8 + 1] = "", conditions[65 * 6 + 3] = "(";
	struct if_header header;

	for (size_t i = 0; i < 33; i++)
		memcpy(lists + 8 * i, "(<ur:x>)", 8);
	assert_int_equal(if_header_parse(span_of(lists, 32 * 8), &header), IF_HEADER_OK);
	assert_int_equal(if_header_parse(span_str(lists), &header), IF_HEADER_TOO_LONG);

	for (size_t i = 0; i < 65; i++)
		memcpy(conditions + 1 + 6 * i, "<ur:x>", 6);
	conditions[1 + 65 * 6] = ')';
	assert_int_equal(
		if_header_parse(span_str(conditions), &header), IF_HEADER_TOO_LONG);
}

/* Here /locked has the lock urn:l:1 and the etag "e"; everything else has nothing. */
static bool in_a_small_world(
	void *arg, struct span resource, const struct if_condition *condition)
{
	struct span at = resource.p ? resource : span_str(arg);

	if (!span_eq(at, SPAN("/locked")))
		return false;
	return span_eq(condition->text,
		condition->kind == IF_TOKEN ? SPAN("urn:l:1") : SPAN("\"e\""));
}

static void one_list_that_holds_is_enough(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		bool holds;
	} rows[] = {
		{"(<urn:l:1>)", true},
		{"(<urn:l:1> [\"e\"])", true},
		{"(<urn:l:1> [\"f\"])", false},
		{"(<urn:l:1> [\"f\"]) ([\"e\"])", true},
		{"(Not <urn:l:1>)", false},
		{"(Not <DAV:no-lock>)", true},
		{"(<DAV:no-lock>) (Not <DAV:no-lock>)", true},
		{"</other> (<urn:l:1>)", false},
		{"</other> (Not <urn:l:1>)", true},
		{"</other> (<urn:l:1>) </locked> (<urn:l:1>)", true},
	};
	char here[] = "/locked";

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct if_header header;

		assert_int_equal(if_header_parse(span_str(rows[i].text), &header), 0);
		assert_int_equal(
			if_header_holds(&header, in_a_small_world, here), rows[i].holds);
	}
}

static void the_small_headers_are_read_strictly(void **state)
{
	(void)state;
	enum depth depth = DEPTH_1;
	bool overwrite = true;
	uint32_t timeout = 7;
	struct span token = SPAN_NONE;

	assert_true(headers_depth(SPAN("0"), &depth));
	assert_int_equal(depth, DEPTH_0);
	assert_true(headers_depth(SPAN("Infinity"), &depth));
	assert_int_equal(depth, DEPTH_INFINITY);
	assert_true(headers_depth(SPAN("1"), &depth));
	assert_int_equal(depth, DEPTH_1);
	static const char *const no_depths[] = {
		"", "00", "2", "1,noroot", " 0", "infinity "};
	for (size_t i = 0; i < ARRAY_LEN(no_depths); i++)
		assert_false(headers_depth(span_str(no_depths[i]), &depth));
	assert_false(headers_depth(SPAN_NONE, &depth));
	assert_int_equal(depth, DEPTH_1);

	assert_true(headers_overwrite(SPAN("F"), &overwrite));
	assert_false(overwrite);
	assert_true(headers_overwrite(SPAN("t"), &overwrite));
	assert_false(headers_overwrite(SPAN("yes"), &overwrite));
	assert_false(headers_overwrite(SPAN("T "), &overwrite));
	assert_true(overwrite);

	assert_true(headers_timeout(SPAN("Second-1800"), &timeout));
	assert_int_equal(timeout, 1800);
	assert_true(headers_timeout(SPAN("Extend, infinite , Second-5"), &timeout));
	assert_true(timeout == HEADERS_TIMEOUT_INFINITE);
	assert_true(headers_timeout(SPAN("Second-4294967296"), &timeout));
	assert_true(timeout == HEADERS_TIMEOUT_INFINITE);
	assert_false(headers_timeout(SPAN("Second--1"), &timeout));
	assert_false(headers_timeout(SPAN(""), &timeout));

	assert_true(headers_lock_token(SPAN("<opaquelocktoken:a-b>"), &token));
	assert_span(token, "opaquelocktoken:a-b");
	assert_true(headers_lock_token(SPAN("opaquelocktoken:a"), &token));
	assert_span(token, "opaquelocktoken:a");
	assert_false(headers_lock_token(SPAN("<>"), &token));
	assert_false(headers_lock_token(SPAN("<a:b> <c:d>"), &token));
	assert_false(headers_lock_token(SPAN("token"), &token));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(untagged_lists_are_about_the_request_url),
		cmocka_unit_test(a_tag_holds_for_all_lists_up_to_the_next),
		cmocka_unit_test(what_the_grammar_does_not_have_is_refused),
		cmocka_unit_test(a_header_too_long_is_told_apart),
		cmocka_unit_test(one_list_that_holds_is_enough),
		cmocka_unit_test(the_small_headers_are_read_strictly),
	};
	return cmocka_run_group_tests_name("dav_headers", tests, NULL, NULL);
}
