/* SPDX-License-Identifier: MIT */

#include "../cmocka_all.h"

#include "dav/multistatus.h"

#include <stdlib.h>

#define ROOT "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<D:multistatus xmlns:D=\"DAV:\""

static void assert_text(const struct buf *buf, const char *text)
{
	assert_false(buf->failed);
	assert_int_equal(buf->n, strlen(text));
	assert_memory_equal(buf->p, text, buf->n);
}

static void read_want(struct propfind *want, const char *body)
{
	propfind_init(want);
	assert_int_equal(propfind_feed(want, span_str(body)), XML_OK);
	assert_int_equal(propfind_end(want), XML_OK);
}

static const struct multistatus_facts a_file = {
	.has = PROP_BIT(PROP_RESOURCETYPE) | PROP_BIT(PROP_GETCONTENTLENGTH)
	       | PROP_BIT(PROP_GETETAG) | PROP_BIT(PROP_GETLASTMODIFIED)
	       | PROP_BIT(PROP_CREATIONDATE) | PROP_BIT(PROP_EXECUTABLE),
	.mtime_sec = 784111777,
	.size_bytes = 42,
	.etag = SPAN("\"a-b\""),
};

static void a_name_in_the_namespace_of_xml_itself_is_written_so_that_it_can_be_read(
	void **state)
{
	(void)state;
	AUTO_BUF out = BUF_INIT(1000);
	struct propfind want;

	read_want(&want,
		"<D:propfind xmlns:D=\"DAV:\"><D:prop><xml:lang/></D:prop></D:propfind>");
	multistatus_put_name(&out, &want.props[0]);
	assert_text(&out, "<xml:lang/>");
	propfind_fini(&want);
}

static void what_is_there_and_what_is_missing_come_in_the_order_asked(void **state)
{
	(void)state;
	AUTO_BUF out = BUF_INIT(10000);
	struct propfind want;
	const struct multistatus_href href = {SPAN("/f/"), SPAN("a & b\xff"), false};

	read_want(&want,
		"<propfind xmlns=\"DAV:\"><prop><getlastmodified/><nope/><getetag/>"
		"<x:y xmlns:x=\"urn:&lt;\"/><resourcetype/><z xmlns=\"\"/><displayname/>"
		"<executable xmlns=\"http://apache.org/dav/props/\"/></prop></propfind>");
	multistatus_begin(&out, want.known);
	multistatus_answer(&out, &href, &want, &a_file, false);
	multistatus_end(&out);

	assert_text(&out, ROOT
		" xmlns:A=\"http://apache.org/dav/props/\">\n"
		"<D:response><D:href>/f/a%20%26%20b%FF</D:href><D:propstat><D:prop>"
		"<D:getlastmodified>Sun, 06 Nov 1994 08:49:37 GMT</D:getlastmodified>"
		"<D:getetag>\"a-b\"</D:getetag><D:resourcetype/>"
		"<A:executable>F</A:executable></D:prop>"
		"<D:status>HTTP/1.1 200 OK</D:status></D:propstat>"
		"<D:propstat><D:prop><D:nope/><y xmlns=\"urn:&lt;\"/><z/><D:displayname/>"
		"</D:prop><D:status>HTTP/1.1 404 Not Found</D:status></D:propstat>"
		"</D:response>\n</D:multistatus>\n");
	propfind_fini(&want);
}

static void allprop_gives_what_is_there_and_no_404(void **state)
{
	(void)state;
	AUTO_BUF out = BUF_INIT(10000);
	struct propfind want;
	const struct multistatus_href href = {SPAN("/"), SPAN("d"), true};
	const struct multistatus_facts folder = {
		.has = PROP_BIT(PROP_RESOURCETYPE) | PROP_BIT(PROP_LOCKDISCOVERY)
		       | PROP_BIT(PROP_QUOTA_USED_BYTES),
		.is_dir = true,
	};

	read_want(&want, "<propfind xmlns=\"DAV:\"><allprop/></propfind>");
	multistatus_answer(&out, &href, &want, &folder, false);
	assert_text(&out,
		"<D:response><D:href>/d/</D:href><D:propstat><D:prop><D:lockdiscovery/>"
		"<D:resourcetype><D:collection/></D:resourcetype></D:prop>"
		"<D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>\n");
	propfind_fini(&want);

	read_want(&want, "<propfind xmlns=\"DAV:\"><propname/></propfind>");
	buf_clear(&out);
	multistatus_answer(&out, &href, &want, &folder, false);
	assert_text(&out,
		"<D:response><D:href>/d/</D:href><D:propstat><D:prop><D:lockdiscovery/>"
		"<D:resourcetype/><D:quota-used-bytes/></D:prop>"
		"<D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>\n");
	propfind_fini(&want);
}

static void a_response_always_has_a_propstat(void **state)
{
	(void)state;
	AUTO_BUF out = BUF_INIT(10000);
	struct propfind want;
	const struct multistatus_href href = {SPAN("/d/"), SPAN(""), true};

	read_want(&want, "<propfind xmlns=\"DAV:\"><prop/></propfind>");
	multistatus_answer(&out, &href, &want, &a_file, false);
	assert_text(&out,
		"<D:response><D:href>/d/</D:href><D:propstat><D:prop></D:prop>"
		"<D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>\n");
	propfind_fini(&want);

	read_want(&want,
		"<propfind xmlns=\"DAV:\"><prop><getcontenttype/></prop></propfind>");
	buf_clear(&out);
	multistatus_answer(&out, &href, &want, &a_file, false);
	assert_text(&out,
		"<D:response><D:href>/d/</D:href><D:propstat><D:prop><D:getcontenttype/></D:prop>"
		"<D:status>HTTP/1.1 404 Not Found</D:status></D:propstat></D:response>\n");
	propfind_fini(&want);
}

static void a_status_alone_and_reasons_are_written(void **state)
{
	(void)state;
	AUTO_BUF out = BUF_INIT(10000);
	const struct multistatus_href href = {SPAN("/d/"), SPAN("x"), false};
	const struct prop_ref etag = {PROP_GETETAG, prop_name(PROP_GETETAG)};

	multistatus_status(&out, &href, 423);
	multistatus_propstat_begin(&out);
	multistatus_put_name(&out, &etag);
	multistatus_propstat_end_why(&out, 403, "cannot-modify-protected-property");
	multistatus_propstat_begin(&out);
	multistatus_put_fragment(&out, SPAN("<a/>"));
	multistatus_propstat_end(&out, 299);
	assert_text(&out,
		"<D:response><D:href>/d/x</D:href><D:status>HTTP/1.1 423 Locked</D:status>"
		"</D:response>\n"
		"<D:propstat><D:prop><D:getetag/></D:prop>"
		"<D:status>HTTP/1.1 403 Forbidden</D:status>"
		"<D:error><D:cannot-modify-protected-property/></D:error></D:propstat>"
		"<D:propstat><D:prop><a/></D:prop><D:status>HTTP/1.1 299 Status</D:status></D:propstat>");

	buf_clear(&out);
	multistatus_error(&out, "propfind-finite-depth", SPAN_NONE);
	multistatus_error(&out, "lock-token-submitted", SPAN("/d/"));
	assert_text(&out,
		"<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
		"<D:error xmlns:D=\"DAV:\"><D:propfind-finite-depth/></D:error>\n"
		"<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
		"<D:error xmlns:D=\"DAV:\"><D:lock-token-submitted><D:href>/d/</D:href>"
		"</D:lock-token-submitted></D:error>\n");
}

static int ignore_open(void *arg, const struct xml_element *el)
{
	(void)el;
	++*(size_t *)arg;
	return XML_OK;
}

static int ignore_text(void *arg, struct span text, unsigned depth)
{
	(void)arg, (void)text, (void)depth;
	return XML_OK;
}

static int ignore_close(void *arg, const struct xml_element *el)
{
	(void)arg, (void)el;
	return XML_OK;
}

static void every_property_is_written_as_well_formed_xml(void **state)
{
	(void)state;
	static const struct xml_ops ops = {ignore_open, ignore_text, ignore_close};
	AUTO_BUF out = BUF_INIT(100000);
	struct multistatus_facts all = {.has = UINT64_MAX,
		.is_dir = true,
		.displayname = SPAN("<\xff\x01>"),
		.language = SPAN("zh"),
		.type = SPAN("text/x;\"&"),
		.etag = SPAN("W/\"1\""),
		.checksums = SPAN("SHA1:x"),
		.oc_id = SPAN("1"),
		.oc_permissions = SPAN("RW")};
	const struct multistatus_href href = {SPAN("/"), SPAN("x"), false};
	struct xml xml;
	size_t n_elements = 0;

	multistatus_begin(&out, UINT64_MAX);
	multistatus_response_begin(&out, &href);
	multistatus_propstat_begin(&out);
	for (enum prop_id id = PROP_UNKNOWN + 1; id < N_PROPS; id++) {
		multistatus_put(&out, id, &all);
		assert_int_equal(prop_find(prop_name(id)), id);
	}
	multistatus_propstat_end(&out, 200);
	multistatus_response_end(&out);
	multistatus_end(&out);

	xml_init(&xml, &ops, &n_elements, 100000);
	assert_int_equal(xml_feed(&xml, buf_span(&out)), XML_OK);
	assert_int_equal(xml_end(&xml), XML_OK);
	assert_true(n_elements > N_PROPS);
	xml_fini(&xml);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_name_in_the_namespace_of_xml_itself_is_written_so_that_it_can_be_read),
		cmocka_unit_test(what_is_there_and_what_is_missing_come_in_the_order_asked),
		cmocka_unit_test(allprop_gives_what_is_there_and_no_404),
		cmocka_unit_test(a_response_always_has_a_propstat),
		cmocka_unit_test(a_status_alone_and_reasons_are_written),
		cmocka_unit_test(every_property_is_written_as_well_formed_xml),
	};
	return cmocka_run_group_tests_name("multistatus", tests, NULL, NULL);
}
