/* SPDX-License-Identifier: MIT */

#include "../assert_span.h"

#include "base/buf.h"
#include "base/util.h"
#include "http/media.h"

static const char globs2[] = "# a comment\n"
			     "80:text/html:*.html\n"
			     "50:application/xhtml+xml:*.html\n"
			     "50:application/x-java-script:*.js\n"
			     "60:application/javascript:*.js\n"
			     "50:application/gzip:*.gz\n"
			     "50:application/x-compressed-tar:*.tar.gz\n"
			     "50:text/x-c++src:*.C:cs\n"
			     "50:text/x-csrc:*.c:xx,cs\n"
			     "50:text/x-makefile:makefile\n"
			     "50:application/x-core:core:cs\n"
			     "50:application/x-troff-man:*.[1-9]\n"
			     "50:text/plain:*,v\n"
			     "x:text/plain:*.bad1\n"
			     "50::*.bad2\n"
			     "50:text/plain\n"
			     "50:text/plain:*.\n"
			     "50:text/pl\x01in:*.bad3\n"
			     "50:application/last:*.last";

static void the_table_knows_names_and_endings(void **state)
{
	(void)state;
	static const struct {
		const char *name, *type;
	} rows[] = {
		{"index.html", "text/html; charset=utf-8"},
		{"INDEX.HTML", "text/html; charset=utf-8"},
		{"a.js", "application/javascript; charset=utf-8"},
		{"a.gz", "application/gzip"},
		{"a.tar.gz", "application/x-compressed-tar"},
		{"a.b.c.d.tar.gz", "application/x-compressed-tar"},
		{".gz", "application/gzip"},
		{"a.C", "text/x-c++src; charset=utf-8"},
		{"a.c", "text/x-csrc; charset=utf-8"},
		{"Makefile", "text/x-makefile; charset=utf-8"},
		{"x.makefile", "application/octet-stream"},
		{"core", "application/x-core"},
		{"Core", "application/octet-stream"},
		{"a.last", "application/last"},
		{"a.png", "image/png"},
		{"a.bad1", "application/octet-stream"},
		{"a.bad3", "application/octet-stream"},
		{"a.1", "application/octet-stream"},
		{"a.", "application/octet-stream"},
		{"html", "application/octet-stream"},
		{"", "application/octet-stream"},
	};
	struct http_media *media = NULL;

	assert_int_equal(http_media_new(SPAN(globs2), &media), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_span(http_media_of(media, span_str(rows[i].name)), rows[i].type);
	http_media_free(media);
}

static void a_type_longer_than_any_is_passed_over(void **state)
{
	(void)state;
	for (unsigned n = HTTP_MEDIA_MAX - 1; n <= HTTP_MEDIA_MAX + 1; n++) {
		AUTO_BUF line = BUF_INIT(1000);
		struct http_media *media = NULL;

		buf_put_str(&line, "50:text/");
		while (line.n < 3 + n - strlen("; charset=utf-8"))
			buf_put_byte(&line, 'x');
		buf_put_str(&line, ":*.long\n");
		assert_int_equal(http_media_new(buf_span(&line), &media), 0);
		struct span type = http_media_of(media, SPAN("a.long"));
		if (n <= HTTP_MEDIA_MAX)
			assert_int_equal(type.n, n);
		else
			assert_span(type, "application/octet-stream");
		http_media_free(media);
	}
}

static void without_a_table_the_usual_types_are_known(void **state)
{
	(void)state;

	assert_span(http_media_of(NULL, SPAN("a.b.CSS")), "text/css; charset=utf-8");
	assert_span(http_media_of(NULL, SPAN("a.mjs")), "text/javascript; charset=utf-8");
	assert_span(http_media_of(NULL, SPAN("a.xyz")), "application/octet-stream");
	assert_span(http_media_of(NULL, SPAN("noending")), "application/octet-stream");
}

static void a_table_that_would_not_end_is_refused(void **state)
{
	(void)state;
	AUTO_BUF text = BUF_INIT(4 * MIB);
	struct http_media *media = NULL;

	while (text.n < 3 * MIB)
		buf_put_str(
			&text, "50:application/x:*.a-long-ending-of-no-use-to-anybody\n");
	assert_true(http_media_new(buf_span(&text), &media) < 0);
	assert_null(media);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_knows_names_and_endings),
		cmocka_unit_test(a_type_longer_than_any_is_passed_over),
		cmocka_unit_test(without_a_table_the_usual_types_are_known),
		cmocka_unit_test(a_table_that_would_not_end_is_refused),
	};
	return cmocka_run_group_tests_name("http_media", tests, NULL, NULL);
}
