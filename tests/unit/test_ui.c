/* SPDX-License-Identifier: MIT */

/* The folder page: escaping, sorting, what is written for a person's eye, the assets. */

#include "../cmocka_all.h"

#include "base/util.h"
#include "service/drive/ui/ui_asset.h"
#include "service/drive/ui/ui_page.h"
#include "service/drive/ui/ui_text.h"
#include "service/drive/ui/ui_trash.h"

#include <string.h>

#define MOST_JS_BYTES  (15 * 1024u)
#define MOST_CSS_BYTES (9 * 1024u)

static bool has(const struct buf *buf, const char *text)
{
	return memmem(buf->p, buf->n, text, strlen(text)) != NULL;
}

static void assert_text(const struct buf *buf, const char *text)
{
	assert_int_equal(buf->n, strlen(text));
	assert_memory_equal(buf->p, text, buf->n);
}

static void put_row(struct buf *out, struct span name, bool is_dir)
{
	struct ui_page page = {.path = SPAN("/")};
	const struct ui_entry entry = {name, is_dir, 1234567, 784111777};

	buf_clear(out);
	ui_page_row(out, &page, &entry);
}

static void a_row_says_name_size_and_date(void **state)
{
	(void)state;
	AUTO_BUF out = BUF_INIT(100000);

	put_row(&out, SPAN("a.PNG"), false);
	assert_text(&out,
		"<tr><td><a class=\"image\" href=\"./a.PNG\">a.PNG</a></td>"
		"<td data-n=\"1234567\" title=\"1,234,567 bytes\">1.2 MB</td>"
		"<td><time datetime=\"1994-11-06T08:49:37Z\">1994-11-06 08:49</time></td></tr>\n");
	put_row(&out, SPAN("sub"), true);
	assert_true(has(&out, "<a class=\"dir\" href=\"./sub/\">sub</a></td><td></td>"));
}

static void any_name_is_shown_and_linked_without_breaking_out(void **state)
{
	(void)state;
	AUTO_BUF out = BUF_INIT(100000);

	put_row(&out, SPAN("<b>\"'&\n"), false);
	assert_true(has(
		&out, "href=\"./%3Cb%3E%22%27%26%0A\">&lt;b&gt;&quot;&#39;&amp;&#10;<"));

	put_row(&out, SPAN("bad\xff\xc3"), false);
	assert_true(has(&out, "href=\"./bad%FF%C3\">bad\xef\xbf\xbd\xef\xbf\xbd<"));

	put_row(&out, SPAN("javascript:x?y#z"), false);
	assert_true(has(&out, "href=\"./javascript:x%3Fy%23z\""));

	put_row(&out, SPAN("a name of more than thirty-two \"bytes\""), false);
	assert_true(
		has(&out, "title=\"a name of more than thirty-two &quot;bytes&quot;\""));
}

static void a_page_names_its_place_and_sums_up(void **state)
{
	(void)state;
	AUTO_BUF out = BUF_INIT(100000);
	struct ui_page page = {
		.path = SPAN("/a b/<c>/d/"),
		.site = SPAN("Files & more"),
		.user = SPAN("<wang>"),
		.version = SPAN("0.1"),
		.order = {UI_SORT_SIZE, false},
	};
	const struct ui_entry dir = {SPAN("x"), true, 0, 0},
			      file = {SPAN("y"), false, 2000, 0};

	ui_page_begin(&out, &page);
	ui_page_row(&out, &page, &dir);
	ui_page_row(&out, &page, &file);
	ui_page_row(&out, &page, &file);
	ui_page_end(&out, &page);

	assert_true(has(&out, "<ol><li><a href=\"/\">Files &amp; more</a></li>"
			      "<li><a href=\"/a%20b/\">a b</a></li>"
			      "<li><a href=\"/a%20b/%3Cc%3E/\">&lt;c&gt;</a></li></ol>"));
	assert_true(has(&out, "<h1>d</h1>"));
	assert_true(has(&out, "<th scope=\"col\" aria-sort=\"ascending\">"
			      "<a href=\"?sort=size&amp;order=desc\">Size</a></th>"));
	assert_true(has(&out, "<a href=\"?sort=name&amp;order=asc\">Name</a>"));
	assert_true(
		has(&out, "1 folder, 2 files, <span title=\"4,000 bytes\">4.0 kB</span>"));
	assert_true(has(&out, "Signed in as &lt;wang&gt;"));
	assert_true(has(&out, "<body data-writable>"));
	/* The policy allows nothing inline. */
	assert_false(has(&out, "style=") || has(&out, "<style") || has(&out, "onclick"));
	assert_false(has(&out, "<script>"));
}

static void a_page_that_is_not_sorted_says_so(void **state)
{
	(void)state;
	AUTO_BUF out = BUF_INIT(100000);
	const struct ui_page page = {.path = SPAN("/"),
		.site = SPAN("Files"),
		.version = SPAN("1"),
		.unsorted_past = 10000};

	ui_page_begin(&out, &page);
	assert_true(has(&out, "more than 10,000 files and folders"));
	assert_false(has(&out, "aria-sort"));
	assert_true(has(&out, "<a href=\"?sort=name&amp;order=asc\">Name</a>"));
}

static void an_empty_or_read_only_page_says_so(void **state)
{
	(void)state;
	AUTO_BUF out = BUF_INIT(100000);
	const struct ui_page page = {.path = SPAN("/"),
		.site = SPAN("Files"),
		.version = SPAN("1"),
		.read_only = true};

	ui_page_begin(&out, &page);
	ui_page_end(&out, &page);
	assert_true(has(&out, "<h1>Files</h1>"));
	assert_true(has(&out, "<ol></ol>"));
	assert_true(has(&out, "This folder is empty."));
	assert_true(has(&out, "Read only"));
	assert_false(has(&out, "data-writable") || has(&out, "Signed in"));

	buf_clear(&out);
	ui_page_error(&out, SPAN("Files"), 404, SPAN_NONE);
	assert_true(has(&out, "<h1>Not Found</h1>\n<p>There is nothing"));
	buf_clear(&out);
	ui_page_error(&out, SPAN("Files"), 403, SPAN("Not <you>."));
	assert_true(has(&out, "<p>Not &lt;you&gt;.</p>"));
}

static void names_sort_as_people_read_them(void **state)
{
	(void)state;
	static const char *const in_order[] = {"", "1", "2", "10", "a", "A1", "a2", "a003",
		"a10b", "a10c", "b", "file 9.txt", "file 10.txt",
		"File 99999999999999999999.txt", "file 100000000000000000000.txt",
		"\xc3\xa9"};

	for (size_t i = 0; i < ARRAY_LEN(in_order); i++) {
		for (size_t j = 0; j < ARRAY_LEN(in_order); j++) {
			int got =
				ui_sort_names(span_str(in_order[i]), span_str(in_order[j]));

			assert_int_equal((got > 0) - (got < 0), (i > j) - (i < j));
		}
	}
	/* Alike to a reader, but an order has to be one. */
	assert_true(ui_sort_names(SPAN("a1"), SPAN("a01")) != 0);
	assert_true(ui_sort_names(SPAN("A"), SPAN("a")) < 0);
	assert_int_equal(ui_sort_names(SPAN("a"), SPAN("a")), 0);
}

static void assert_order(const char *query, const char *names)
{
	struct ui_entry entries[] = {
		{SPAN("b"), false, 5, 300},
		{SPAN("D"), true, 0, 100},
		{SPAN("a"), false, 5, 100},
		{SPAN("c"), true, 0, 200},
		{SPAN("e"), false, 1, 200},
	};

	ui_sort(entries, ARRAY_LEN(entries), ui_sort_order(span_str(query)));
	for (size_t i = 0; i < ARRAY_LEN(entries); i++)
		assert_int_equal(entries[i].name.p[0], names[i]);
}

static void a_list_sorts_by_what_the_query_says_directories_first(void **state)
{
	(void)state;

	assert_order("", "cDabe");
	assert_order("sort=name&order=desc", "Dceba");
	assert_order("sort=size", "cDeab");
	assert_order("sort=size&order=desc", "Dcbae");
	assert_order("order=asc&x=y&sort=date", "Dcaeb");
	assert_order("sort=date&order=desc", "cDbea");
	assert_order("sort=nonsense&order=&&=", "cDabe");
}

static void sizes_are_rounded_to_two_digits_or_three(void **state)
{
	(void)state;
	static const struct {
		uint64_t n;
		const char *text;
	} rows[] = {
		{0, "0 B"},
		{999, "999 B"},
		{1000, "1.0 kB"},
		{1049, "1.0 kB"},
		{1050, "1.1 kB"},
		{9949, "9.9 kB"},
		{9950, "10 kB"},
		{999'499, "999 kB"},
		{999'500, "1.0 MB"},
		{1'000'000, "1.0 MB"},
		{UINT64_MAX, "18 EB"},
	};
	AUTO_BUF out = BUF_INIT(1000);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		buf_clear(&out);
		ui_text_size(&out, rows[i].n);
		assert_text(&out, rows[i].text);
	}

	buf_clear(&out);
	ui_text_bytes(&out, 1);
	ui_text_bytes(&out, UINT64_MAX);
	assert_text(&out, "1 byte18,446,744,073,709,551,615 bytes");
}

static void an_error_is_a_sentence_for_a_person(void **state)
{
	(void)state;
	AUTO_BUF out = BUF_INIT(4096);

	ui_page_error(&out, SPAN("Files"), 404, SPAN("there is no <b>"));
	assert_true(has(&out, "<p>There is no &lt;b&gt;.</p>"));
	buf_clear(&out);
	ui_page_error(&out, SPAN("Files"), 507, SPAN_NONE);
	assert_true(has(&out, "<p>The drive is full.</p>"));
	assert_true(has(&out, "Go to Files"));
}

static void a_stranger_is_not_told_what_the_folder_is_called(void **state)
{
	(void)state;
	AUTO_BUF out = BUF_INIT(4096);

	ui_page_error(&out, SPAN("Files"), 401, SPAN_NONE);
	assert_true(has(&out, "<a href=\"/\">Sign in</a>"));
	assert_false(has(&out, "Files"));
}

static void an_icon_is_chosen_by_the_names_ending(void **state)
{
	(void)state;
	static const struct {
		const char *name, *kind;
	} rows[] = {{"a.jpeg", "image"}, {"A.JPG", "image"}, {"x.tar.gz", "archive"},
		{"a.c", "code"}, {"a.", "file"}, {".txt", "file"}, {"noending", "file"},
		{"a.jp", "file"}, {"a.jpg.png.gif", "image"}, {"a.muchtoolong", "file"},
		{"", "file"}, {"a..", "file"}};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_true(span_eq(
			ui_text_kind(span_str(rows[i].name)), span_str(rows[i].kind)));
}

static void the_assets_are_there_small_and_named_by_their_hash(void **state)
{
	(void)state;
	const struct ui_asset *css = ui_asset_find(SPAN("drive.css"));
	const struct ui_asset *js = ui_asset_find(SPAN("drive.js"));
	const struct ui_asset *icons = ui_asset_find(SPAN("icons.svg"));
	AUTO_BUF out = BUF_INIT(1000);

	assert_non_null(css);
	assert_non_null(js);
	assert_non_null(icons);
	assert_null(ui_asset_find(SPAN("../drive.c")));
	assert_in_range(css->bytes.n, 1, MOST_CSS_BYTES);
	assert_in_range(js->bytes.n, 1, MOST_JS_BYTES);
	assert_true(span_eq(js->type, SPAN("text/javascript; charset=utf-8")));

	ui_asset_put_url(&out, SPAN("icons.svg"));
	assert_true(span_starts(buf_span(&out), SPAN("/~/assets/icons.svg?v=")));
	assert_true(span_ends(buf_span(&out), icons->version));
	assert_int_equal(icons->etag.n, icons->version.n + 2);
	/* The style sheet asks for the icons by the same version. */
	const char *in_css = buf_cstr(&out) + strlen(UI_ASSET_PATH);
	assert_non_null(memmem(css->bytes.p, css->bytes.n, in_css, strlen(in_css)));
}

static void the_trash_says_what_was_where_and_works_without_a_script(void **state)
{
	(void)state;
	AUTO_BUF out = BUF_INIT(100000);
	const struct ui_trash page = {
		.site = SPAN("Files"), .keep_sec = 30 * 86400, .n_all = 2, .n_shown = 1};
	const struct ui_trash_row row = {.id = SPAN("12-34"),
		.path = SPAN("a/<b>/c\"d"),
		.user = SPAN("a&b"),
		.is_deleted = true,
		.has_size = true,
		.size_bytes = 17};

	ui_trash_begin(&out, &page);
	ui_trash_row(&out, &row);
	ui_trash_end(&out, &page);

	assert_true(
		has(&out, "href=\"./12-34%20c%22d\" title=\"/a/&lt;b&gt;/c&quot;d\">"
			  "c&quot;d <small>in /a/&lt;b&gt;</small></a></td><td>17 B</td>"));
	assert_true(has(&out, "<button name=\"restore\" value=\"12-34\">Restore</button>"));
	assert_true(has(&out, "</time> by a&amp;b</td>"));
	assert_true(has(&out, "The newest 1 of 2 entries"));
	assert_true(has(&out, "kept for 30 days."));
	assert_false(has(&out, "<script"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_trash_says_what_was_where_and_works_without_a_script),
		cmocka_unit_test(a_row_says_name_size_and_date),
		cmocka_unit_test(any_name_is_shown_and_linked_without_breaking_out),
		cmocka_unit_test(a_page_names_its_place_and_sums_up),
		cmocka_unit_test(a_page_that_is_not_sorted_says_so),
		cmocka_unit_test(an_empty_or_read_only_page_says_so),
		cmocka_unit_test(names_sort_as_people_read_them),
		cmocka_unit_test(a_list_sorts_by_what_the_query_says_directories_first),
		cmocka_unit_test(sizes_are_rounded_to_two_digits_or_three),
		cmocka_unit_test(an_error_is_a_sentence_for_a_person),
		cmocka_unit_test(a_stranger_is_not_told_what_the_folder_is_called),
		cmocka_unit_test(an_icon_is_chosen_by_the_names_ending),
		cmocka_unit_test(the_assets_are_there_small_and_named_by_their_hash),
	};
	return cmocka_run_group_tests_name("ui", tests, NULL, NULL);
}
