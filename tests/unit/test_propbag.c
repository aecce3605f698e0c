/* SPDX-License-Identifier: MIT */

#include "../cmocka_all.h"

#include "../assert_span.h"
#include "dav/propbag.h"

#include <stdio.h>

static const struct xml_name a = {SPAN("urn:x"), SPAN("a")};
static const struct xml_name other_a = {SPAN("urn:y"), SPAN("a")};
static const struct xml_name bare = {SPAN(""), SPAN("a")};

/* Sets one property in @bag. */
static void set(struct buf *bag, struct xml_name name, struct span xml)
{
	struct buf next = BUF_INIT(65536);

	assert_true(propbag_set(&next, buf_span(bag), name, xml));
	buf_fini(bag);
	*bag = next;
}

static void properties_are_told_apart_by_namespace_and_name(void **state)
{
	(void)state;
	AUTO_BUF bag = BUF_INIT(65536);

	set(&bag, a, SPAN("<a/>"));
	set(&bag, other_a, SPAN("<b>1 2\n3</b>"));
	set(&bag, bare, SPAN("<c/>"));
	set(&bag, a, SPAN("<a2/>"));
	assert_span(propbag_find(buf_span(&bag), a), "<a2/>");
	assert_span(propbag_find(buf_span(&bag), other_a), "<b>1 2\n3</b>");
	assert_span(propbag_find(buf_span(&bag), bare), "<c/>");
	set(&bag, other_a, SPAN_NONE);
	assert_null(propbag_find(buf_span(&bag), other_a).p);
	assert_span(propbag_find(buf_span(&bag), a), "<a2/>");
	set(&bag, a, SPAN_NONE);
	set(&bag, a, SPAN_NONE);
	set(&bag, bare, SPAN_NONE);
	assert_int_equal(bag.n, 0);
}

static void there_are_only_so_many(void **state)
{
	(void)state;
	AUTO_BUF bag = BUF_INIT(65536);
	AUTO_BUF next = BUF_INIT(65536);
	char name[16];

	for (unsigned i = 0; i < PROPBAG_MAX_PROPS; i++) {
		(void)snprintf(name, sizeof(name), "p%u", i);
		set(&bag, (struct xml_name){SPAN("urn:x"), span_str(name)}, SPAN("<p/>"));
	}
	assert_false(propbag_set(&next, buf_span(&bag), a, SPAN("<a/>")));
	set(&bag, (struct xml_name){SPAN("urn:x"), SPAN("p7")}, SPAN("<other/>"));
}

static void what_is_garbled_ends_the_bag(void **state)
{
	(void)state;
	static const char *const bags[] = {"", "x", "1 1 1\n", "1 1\nab", "1 1 1 1\nabcd",
		"-1 1 1\nabc", "4294967296 0 0\nabc", "5 1 9\nurn:xa<a/>"};

	for (size_t i = 0; i < sizeof(bags) / sizeof(*bags); i++) {
		struct span rest = span_str(bags[i]);
		struct propbag_item item;

		assert_false(propbag_next(&rest, &item));
		assert_null(propbag_find(span_str(bags[i]), a).p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(properties_are_told_apart_by_namespace_and_name),
		cmocka_unit_test(there_are_only_so_many),
		cmocka_unit_test(what_is_garbled_ends_the_bag),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
