/* SPDX-License-Identifier: MIT */

/* The bodies of PROPFIND, PROPPATCH and LOCK, from RFC 4918, from clients, from enemies. */

#include "../cmocka_all.h"

#include "base/util.h"
#include "dav/lockinfo.h"
#include "dav/propfind.h"
#include "dav/proppatch.h"

#include <stdlib.h>

#define HEAD "<?xml version=\"1.0\" encoding=\"utf-8\" ?>"

static void assert_span(struct span s, const char *text)
{
	assert_non_null(s.p);
	assert_int_equal(s.n, strlen(text));
	assert_memory_equal(s.p, text, s.n);
}

static int read_propfind(struct propfind *want, const char *body)
{
	propfind_init(want);
	int result = propfind_feed(want, span_str(body));

	return result == XML_OK ? propfind_end(want) : result;
}

static int read_proppatch(struct proppatch *patch, const char *body)
{
	proppatch_init(patch);
	int result = proppatch_feed(patch, span_str(body));

	return result == XML_OK ? proppatch_end(patch) : result;
}

static int read_lockinfo(struct lockinfo *info, const char *body)
{
	lockinfo_init(info);
	int result = lockinfo_feed(info, span_str(body));

	return result == XML_OK ? lockinfo_end(info) : result;
}

static int propfind_result(const char *body)
{
	struct propfind want;
	int result = read_propfind(&want, body);

	propfind_fini(&want);
	return result;
}

static void named_properties_keep_their_order_known_and_unknown(void **state)
{
	(void)state;
	struct propfind want;

	assert_int_equal(read_propfind(&want, HEAD
				 "<D:propfind xmlns:D=\"DAV:\"><D:prop "
				 "xmlns:R=\"http://ns.example.com/boxschema/\">"
				 "<R:bigbox/><D:getetag/><R:author/><D:resourcetype/>"
				 "<D:getetag/><R:bigbox/><getetag/></D:prop></D:propfind>"),
		XML_OK);

	assert_int_equal(want.kind, PROPFIND_PROP);
	assert_int_equal(want.n_props, 5);
	assert_int_equal(want.props[0].id, PROP_UNKNOWN);
	assert_span(want.props[0].name.ns, "http://ns.example.com/boxschema/");
	assert_span(want.props[0].name.local, "bigbox");
	assert_int_equal(want.props[1].id, PROP_GETETAG);
	assert_span(want.props[1].name.local, "getetag");
	assert_span(want.props[2].name.local, "author");
	assert_int_equal(want.props[3].id, PROP_RESOURCETYPE);
	assert_int_equal(want.props[4].id, PROP_UNKNOWN);
	assert_span(want.props[4].name.ns, "");
	assert_true(want.known == (PROP_BIT(PROP_GETETAG) | PROP_BIT(PROP_RESOURCETYPE)));
	assert_true(want.has_unknown);
	propfind_fini(&want);
}

static void no_body_asks_for_everything(void **state)
{
	(void)state;
	struct propfind want;

	propfind_init(&want);
	assert_int_equal(propfind_feed(&want, SPAN("")), XML_OK);
	assert_int_equal(propfind_end(&want), XML_OK);
	assert_int_equal(want.kind, PROPFIND_ALLPROP);
	assert_true(want.known & PROP_BIT(PROP_GETETAG));
	assert_false(want.known & PROP_BIT(PROP_QUOTA_USED_BYTES));
	assert_int_equal(want.n_props, 0);
	propfind_fini(&want);
}

static void allprop_may_include_more(void **state)
{
	(void)state;
	struct propfind want;

	assert_int_equal(read_propfind(&want, HEAD
				 "<D:propfind xmlns:D=\"DAV:\"><D:allprop/><D:include>"
				 "<D:supported-live-property-set/><D:quota-used-bytes/>"
				 "</D:include></D:propfind>"),
		XML_OK);
	assert_int_equal(want.kind, PROPFIND_ALLPROP);
	assert_int_equal(want.n_props, 2);
	assert_true(want.known & PROP_BIT(PROP_QUOTA_USED_BYTES));
	assert_true(want.known & PROP_BIT(PROP_RESOURCETYPE));
	propfind_fini(&want);

	assert_int_equal(
		read_propfind(&want, "<propfind xmlns=\"DAV:\"><propname/></propfind>"),
		XML_OK);
	assert_int_equal(want.kind, PROPFIND_PROPNAME);
	propfind_fini(&want);
}

static void what_clients_send_is_understood(void **state)
{
	(void)state;
	static const struct {
		const char *body;
		uint64_t known;
		size_t n_props;
	} rows[] = {
		/* rclone, vendor owncloud */
		{"<?xml version=\"1.0\"?>\n<d:propfind  xmlns:d=\"DAV:\" "
		 "xmlns:oc=\"http://owncloud.org/ns\" xmlns:nc=\"http://nextcloud.org/ns\">\n"
		 " <d:prop>\n  <d:displayname />\n  <d:getlastmodified />\n"
		 "  <d:getcontentlength />\n  <d:resourcetype />\n  <d:getcontenttype />\n"
		 "  <oc:checksums />\n  <oc:permissions />\n </d:prop>\n</d:propfind>\n",
			PROP_BIT(PROP_DISPLAYNAME) | PROP_BIT(PROP_GETLASTMODIFIED)
				| PROP_BIT(PROP_GETCONTENTLENGTH)
				| PROP_BIT(PROP_RESOURCETYPE)
				| PROP_BIT(PROP_GETCONTENTTYPE)
				| PROP_BIT(PROP_OC_CHECKSUMS)
				| PROP_BIT(PROP_OC_PERMISSIONS),
			7},
		/* neon: cadaver and davfs2 */
		{HEAD "\n<propfind xmlns=\"DAV:\"><prop>\n<resourcetype xmlns=\"DAV:\"/>\n"
		      "<executable xmlns=\"http://apache.org/dav/props/\"/>\n"
		      "<checked-in xmlns=\"DAV:\"/>\n</prop></propfind>\n",
			PROP_BIT(PROP_RESOURCETYPE) | PROP_BIT(PROP_EXECUTABLE), 3},
		/* macOS */
		{HEAD "\n<D:propfind xmlns:D=\"DAV:\">\n<D:prop>\n<D:quota-available-bytes/>\n"
		      "<D:quota-used-bytes/>\n<D:quota/>\n<D:quotaused/>\n</D:prop>\n"
		      "</D:propfind>\n",
			PROP_BIT(PROP_QUOTA_AVAILABLE_BYTES)
				| PROP_BIT(PROP_QUOTA_USED_BYTES),
			4},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct propfind want;

		assert_int_equal(read_propfind(&want, rows[i].body), XML_OK);
		assert_int_equal(want.kind, PROPFIND_PROP);
		assert_true(want.known == rows[i].known);
		assert_int_equal(want.n_props, rows[i].n_props);
		propfind_fini(&want);
	}
}

static void a_body_in_pieces_of_any_size_reads_the_same(void **state)
{
	(void)state;
	struct span body =
		SPAN(HEAD "<D:propfind xmlns:D=\"DAV:\"><D:prop><x:\xc3\xa9t\xc3\xa9 "
			  "xmlns:x=\"urn:x\"/></D:prop></D:propfind>");

	for (size_t piece = 1; piece < 20; piece++) {
		struct propfind want;

		propfind_init(&want);
		for (size_t at = 0; at < body.n; at += piece)
			assert_int_equal(
				propfind_feed(&want,
					span_of(body.p + at, MIN(piece, body.n - at))),
				XML_OK);
		assert_int_equal(propfind_end(&want), XML_OK);
		assert_span(want.props[0].name.local, "\xc3\xa9t\xc3\xa9");
		propfind_fini(&want);
	}
}

static void a_body_in_utf16_is_understood(void **state)
{
	(void)state;
	static const char text[] = "<propfind xmlns=\"DAV:\"><propname/></propfind>";
	char wide[2 * sizeof(text)] = {(char)0xfe, (char)0xff};
	struct propfind want;

	for (size_t i = 0; i + 1 < sizeof(text); i++)
		wide[2 * i + 3] = text[i];
	propfind_init(&want);
	assert_int_equal(propfind_feed(&want, span_of(wide, sizeof(wide))), XML_OK);
	assert_int_equal(propfind_end(&want), XML_OK);
	assert_int_equal(want.kind, PROPFIND_PROPNAME);
	propfind_fini(&want);
}

static void what_is_not_a_propfind_is_refused(void **state)
{
	(void)state;
	static const struct {
		const char *body;
		int result;
	} rows[] = {
		{"<propfind", XML_MALFORMED},
		{" ", XML_MALFORMED},
		{"<D:propfind xmlns:D=\"DAV:\"><D:allprop/>", XML_MALFORMED},
		{"<D:propfind xmlns:D=\"DAV:\"><D:prop><bar:foo "
		 "xmlns:bar=\"\"/></D:prop></D:propfind>",
			XML_MALFORMED},
		{"<D:propfind><D:allprop/></D:propfind>", XML_MALFORMED},
		{"<D:propfind xmlns:D=\"DAV:\"><D:allprop/></D:propfind>x", XML_MALFORMED},
		{"<D:propfind xmlns:D=\"DAV:\"><D:prop>\xff</D:prop></D:propfind>",
			XML_MALFORMED},
		{"<D:propfind xmlns:D=\"DAV&#10;x\"/>", XML_MALFORMED},
		{"<propfind><allprop/></propfind>", XML_UNEXPECTED},
		{"<D:propfind xmlns:D=\"DAV:\"/>", XML_UNEXPECTED},
		{"<D:propfind xmlns:D=\"DAV:\"><D:allprop/><D:propname/></D:propfind>",
			XML_UNEXPECTED},
		{"<D:propfind xmlns:D=\"DAV:\"><D:propname/><D:include/></D:propfind>",
			XML_UNEXPECTED},
		{"<D:lockinfo xmlns:D=\"DAV:\"/>", XML_UNEXPECTED},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(propfind_result(rows[i].body), rows[i].result);
	assert_int_equal(xml_status(XML_UNEXPECTED), 400);
	assert_int_equal(xml_status(XML_TOO_BIG), 413);
	assert_int_equal(xml_status(-12), 500);
}

static void entities_cannot_be_declared_let_alone_expand(void **state)
{
	(void)state;
	static const char *const bodies[] = {
		"<!DOCTYPE propfind><propfind xmlns=\"DAV:\"><allprop/></propfind>",
		"<!DOCTYPE l [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">"
		"<!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;\">]><propfind "
		"xmlns=\"DAV:\"><allprop>&c;</allprop></propfind>",
		"<!DOCTYPE p SYSTEM \"file:///etc/passwd\"><propfind xmlns=\"DAV:\"/>",
		"<!DOCTYPE p [<!ENTITY % e SYSTEM \"http://127.0.0.1/\"> %e;]><p/>",
	};

	for (size_t i = 0; i < ARRAY_LEN(bodies); i++)
		assert_int_equal(propfind_result(bodies[i]), XML_DOCTYPE);
	assert_int_equal(
		propfind_result(
			"<propfind xmlns=\"DAV:\"><allprop>&c;</allprop></propfind>"),
		XML_MALFORMED);
}

/* @open @n times, @middle, @close @n times. */
static char *nest(
	const char *head, const char *open, size_t n, const char *middle, const char *close)
{
	AUTO_BUF buf = BUF_INIT(1 << 20);

	buf_put_str(&buf, head);
	for (size_t i = 0; i < n; i++)
		buf_put_str(&buf, open);
	buf_put_str(&buf, middle);
	for (size_t i = 0; i < n; i++)
		buf_put_str(&buf, close);
	return span_dup(buf_span(&buf));
}

static void assert_nested(const char *head, const char *open, size_t n, const char *middle,
	const char *close, int result)
{
	char *body = nest(head, open, n, middle, close);

	assert_non_null(body);
	assert_int_equal(propfind_result(body), result);
	free(body);
}

#define START "<propfind xmlns=\"DAV:\">"
#define END   "<allprop/></propfind>"

static void what_grows_without_end_is_cut_off(void **state)
{
	(void)state;

	/* depth */
	assert_nested(START, "<a>", XML_MAX_DEPTH - 1, "", "</a>", XML_MALFORMED);
	assert_nested(START, "<a>", XML_MAX_DEPTH, "", "</a>", XML_TOO_BIG);
	/* attributes */
	assert_nested(START "<a ", "", 0, "a='' b=''/>" END, "", XML_OK);
	AUTO_BUF attrs = BUF_INIT(1 << 16);
	buf_put_str(&attrs, START "<a ");
	for (unsigned i = 0; i <= XML_MAX_ATTRS; i++)
		buf_printf(&attrs, "a%u='' ", i);
	buf_put_str(&attrs, "/>" END);
	assert_int_equal(propfind_result(buf_cstr(&attrs)), XML_TOO_BIG);
	/* a name */
	assert_nested(START "<", "a", XML_MAX_NAME_BYTES - 5, "/>" END, "", XML_OK);
	assert_nested(START "<", "a", XML_MAX_NAME_BYTES, "/>" END, "", XML_TOO_BIG);
	/* namespaces in scope, and their text */
	assert_nested(
		START, "<a xmlns='b'>", XML_MAX_BINDINGS - 2, "", "</a>", XML_MALFORMED);
	assert_nested(
		START "<a xmlns:a='", "x", XML_MAX_SCOPE_BYTES, "'/>" END, "", XML_TOO_BIG);
	/* properties */
	assert_nested(START "<prop>", "<getetag/>", 1000, "</prop></propfind>", "", XML_OK);
	AUTO_BUF props = BUF_INIT(1 << 16);
	buf_put_str(&props, START "<prop>");
	for (unsigned i = 0; i <= PROPFIND_MAX_PROPS; i++)
		buf_printf(&props, "<a%u/>", i);
	buf_put_str(&props, "</prop></propfind>");
	assert_int_equal(propfind_result(buf_cstr(&props)), XML_TOO_BIG);
	/* all of it */
	assert_nested(START, " ", PROPFIND_MAX_BODY_BYTES, END, "", XML_TOO_BIG);
}

static void a_patch_keeps_its_order_and_its_values_stand_alone(void **state)
{
	(void)state;
	struct proppatch patch;

	assert_int_equal(read_proppatch(&patch,
				 HEAD "<D:propertyupdate xmlns:D=\"DAV:\" "
				      "xmlns:Z=\"http://ns.example.com/standards/z39.50/\">"
				      "<D:set><D:prop><Z:Authors><Z:Author>Jim "
				      "&amp; co</Z:Author><Z:Author "
				      "n=\"1&lt;2\"/></Z:Authors></D:prop></D:set>"
				      "<D:remove><D:prop><Z:Copyright-Owner/>"
				      "<D:getetag/></D:prop></D:remove>"
				      "<D:set><D:prop><D:lastmodified>17</D:lastmodified>"
				      "</D:prop></D:set></D:propertyupdate>"),
		XML_OK);

	assert_int_equal(patch.n_ops, 4);
	assert_false(patch.ops[0].is_remove);
	assert_int_equal(patch.ops[0].prop.id, PROP_UNKNOWN);
	assert_span(patch.ops[0].prop.name.local, "Authors");
	assert_span(patch.ops[0].xml,
		"<Z:Authors xmlns:D=\"DAV:\" xmlns:Z=\"http://ns.example.com/standards/z39.50/\">"
		"<Z:Author>Jim &amp; co</Z:Author><Z:Author n=\"1&lt;2\"/></Z:Authors>");
	assert_null(patch.ops[0].text.p);
	assert_true(patch.ops[1].is_remove);
	assert_span(patch.ops[1].prop.name.local, "Copyright-Owner");
	assert_null(patch.ops[1].xml.p);
	assert_int_equal(patch.ops[2].prop.id, PROP_GETETAG);
	assert_true(prop_protected(patch.ops[2].prop.id));
	assert_int_equal(patch.ops[3].prop.id, PROP_LASTMODIFIED);
	assert_span(patch.ops[3].text, "17");
	assert_false(prop_protected(patch.ops[3].prop.id));
	proppatch_fini(&patch);
}

static void a_value_keeps_language_and_inner_namespaces(void **state)
{
	(void)state;
	struct proppatch patch;

	assert_int_equal(
		read_proppatch(&patch,
			"<propertyupdate xmlns=\"DAV:\"><set><prop xml:lang=\"en\">"
			"<a xmlns=\"urn:a\" xmlns:p=\"urn:1\"><p:b xmlns:p=\"urn:2\" p:c=\"d\"/>"
			"<e xmlns=\"\"/></a>"
			"<f xml:lang=\"zh\" xmlns=\"urn:f\">\xe4\xb8\xad</f></prop></set>"
			"<set><prop><g/></prop></set></propertyupdate>"),
		XML_OK);

	assert_int_equal(patch.n_ops, 3);
	assert_span(patch.ops[0].xml,
		"<a xmlns=\"urn:a\" xmlns:p=\"urn:1\" xml:lang=\"en\">"
		"<p:b xmlns:p=\"urn:2\" p:c=\"d\"/><e xmlns=\"\"/></a>");
	assert_span(patch.ops[0].lang, "en");
	assert_span(
		patch.ops[1].xml, "<f xmlns=\"urn:f\" xml:lang=\"zh\">\xe4\xb8\xad</f>");
	assert_span(patch.ops[1].text, "\xe4\xb8\xad");
	assert_span(patch.ops[1].lang, "zh");
	assert_span(patch.ops[2].xml, "<g xmlns=\"DAV:\"/>");
	assert_span(patch.ops[2].text, "");
	assert_null(patch.ops[2].lang.p);
	proppatch_fini(&patch);
}

static void windows_times_are_known_and_have_their_text(void **state)
{
	(void)state;
	struct proppatch patch;

	assert_int_equal(read_proppatch(&patch, HEAD
				 "<D:propertyupdate xmlns:D=\"DAV:\" "
				 "xmlns:Z=\"urn:schemas-microsoft-com:\"><D:set><D:prop>"
				 "<Z:Win32LastModifiedTime>Sun, 06 Nov 1994 08:49:37 GMT"
				 "</Z:Win32LastModifiedTime><Z:Win32FileAttributes>00000020"
				 "</Z:Win32FileAttributes></D:prop></D:set>"
				 "</D:propertyupdate>"),
		XML_OK);
	assert_int_equal(patch.n_ops, 2);
	assert_int_equal(patch.ops[0].prop.id, PROP_WIN32_LAST_MODIFIED_TIME);
	assert_span(patch.ops[0].text, "Sun, 06 Nov 1994 08:49:37 GMT");
	assert_int_equal(patch.ops[1].prop.id, PROP_WIN32_FILE_ATTRIBUTES);
	proppatch_fini(&patch);
}

static void a_patch_that_asks_for_nothing_or_too_much_is_refused(void **state)
{
	(void)state;
	struct proppatch patch;
	AUTO_BUF body = BUF_INIT(1 << 20);

	assert_int_equal(
		read_proppatch(&patch, "<propertyupdate xmlns=\"DAV:\"/>"), XML_UNEXPECTED);
	proppatch_fini(&patch);
	assert_int_equal(read_proppatch(&patch, ""), XML_EMPTY);
	proppatch_fini(&patch);
	assert_int_equal(
		read_proppatch(&patch, "<propfind xmlns=\"DAV:\"/>"), XML_UNEXPECTED);
	proppatch_fini(&patch);

	/* Each value would repeat the long namespace: 128 times 15 KiB. */
	buf_put_str(&body, "<propertyupdate xmlns=\"DAV:\" xmlns:a=\"");
	for (int i = 0; i < 15 * 1024; i++)
		buf_put_byte(&body, 'x');
	buf_put_str(&body, "\"><set><prop>");
	for (int i = 0; i < 128; i++)
		buf_put_str(&body, "<b/>");
	buf_put_str(&body, "</prop></set></propertyupdate>");
	assert_int_equal(read_proppatch(&patch, buf_cstr(&body)), XML_TOO_BIG);
	proppatch_fini(&patch);
}

static void a_lock_says_its_scope_and_owner(void **state)
{
	(void)state;
	struct lockinfo info;

	assert_int_equal(read_lockinfo(&info, HEAD
				 "<D:lockinfo xmlns:D='DAV:'><D:lockscope><D:exclusive/>"
				 "</D:lockscope><D:locktype><D:write/></D:locktype>"
				 "<D:owner><D:href>http://example.org/~e</D:href></D:owner>"
				 "</D:lockinfo>"),
		XML_OK);
	assert_false(info.is_shared);
	assert_span(buf_span(&info.owner),
		"<D:owner xmlns:D=\"DAV:\"><D:href>http://example.org/~e</D:href></D:owner>");
	lockinfo_fini(&info);

	assert_int_equal(read_lockinfo(&info,
				 "<lockinfo xmlns='DAV:'><lockscope><shared/></lockscope>"
				 "<locktype><write/></locktype></lockinfo>"),
		XML_OK);
	assert_true(info.is_shared);
	assert_int_equal(info.owner.n, 0);
	lockinfo_fini(&info);
}

static void a_lock_that_is_none_is_refused(void **state)
{
	(void)state;
	static const struct {
		const char *body;
		int result;
	} rows[] = {
		{"", XML_EMPTY},
		{"<lockinfo xmlns='DAV:'/>", XML_UNEXPECTED},
		{"<lockinfo xmlns='DAV:'><lockscope><shared/><exclusive/></lockscope>"
		 "<locktype><write/></locktype></lockinfo>",
			XML_UNEXPECTED},
		{"<lockinfo xmlns='DAV:'><lockscope><shared/></lockscope>"
		 "<locktype><read/></locktype></lockinfo>",
			XML_UNEXPECTED},
		{"<lockinfo xmlns='DAV:'><owner/><owner/></lockinfo>", XML_UNEXPECTED},
	};
	struct lockinfo info;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(read_lockinfo(&info, rows[i].body), rows[i].result);
		lockinfo_fini(&info);
	}

	char *body = nest("<lockinfo xmlns='DAV:'><owner>", "x", LOCKINFO_MAX_OWNER_BYTES,
		"</owner></lockinfo>", "");
	assert_int_equal(read_lockinfo(&info, body), XML_TOO_BIG);
	lockinfo_fini(&info);
	free(body);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(named_properties_keep_their_order_known_and_unknown),
		cmocka_unit_test(no_body_asks_for_everything),
		cmocka_unit_test(allprop_may_include_more),
		cmocka_unit_test(what_clients_send_is_understood),
		cmocka_unit_test(a_body_in_pieces_of_any_size_reads_the_same),
		cmocka_unit_test(a_body_in_utf16_is_understood),
		cmocka_unit_test(what_is_not_a_propfind_is_refused),
		cmocka_unit_test(entities_cannot_be_declared_let_alone_expand),
		cmocka_unit_test(what_grows_without_end_is_cut_off),
		cmocka_unit_test(a_patch_keeps_its_order_and_its_values_stand_alone),
		cmocka_unit_test(a_value_keeps_language_and_inner_namespaces),
		cmocka_unit_test(windows_times_are_known_and_have_their_text),
		cmocka_unit_test(a_patch_that_asks_for_nothing_or_too_much_is_refused),
		cmocka_unit_test(a_lock_says_its_scope_and_owner),
		cmocka_unit_test(a_lock_that_is_none_is_refused),
	};
	return cmocka_run_group_tests_name("dav_body", tests, NULL, NULL);
}
