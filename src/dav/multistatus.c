/* SPDX-License-Identifier: MIT */

#include "dav/multistatus.h"

#include "base/date.h"
#include "base/escape.h"
#include "dav/propbag.h"
#include "http/status.h"

#define XML_HEAD "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"

struct tags {
	struct span open, close, empty;
};

/* Put together by the compiler: a listing writes tens of thousands of these. */
static const struct tags tags[N_PROPS] = {
#define PROP(ID, NS, local, in_allprop, is_protected)                             \
	[PROP_##ID] = {SPAN("<" #NS ":" local ">"), SPAN("</" #NS ":" local ">"), \
		SPAN("<" #NS ":" local "/>")},
#include "dav/props.def"
#undef PROP
};

static void put_status(struct buf *out, unsigned status)
{
	buf_put_span(out, SPAN("<D:status>HTTP/1.1 "));
	buf_put_u64(out, status);
	buf_put_byte(out, ' ');
	buf_put_span(out, http_status_phrase(status));
	buf_put_span(out, SPAN("</D:status>"));
}

static bool any_in(uint64_t props, enum prop_ns ns)
{
	for (enum prop_id id = PROP_UNKNOWN + 1; id < N_PROPS; id++) {
		if ((props & PROP_BIT(id)) && prop_ns(id) == ns)
			return true;
	}
	return false;
}

/* The rest of the root's start tag. */
static void put_prefixes(struct buf *out, uint64_t props)
{
	buf_put_span(out, SPAN(" xmlns:D=\"" PROP_NS_D "\""));
	if (any_in(props, PROP_IN_A))
		buf_put_span(out, SPAN(" xmlns:A=\"" PROP_NS_A "\""));
	if (any_in(props, PROP_IN_O))
		buf_put_span(out, SPAN(" xmlns:O=\"" PROP_NS_O "\""));
	if (any_in(props, PROP_IN_W))
		buf_put_span(out, SPAN(" xmlns:W=\"" PROP_NS_W "\""));
	buf_put_span(out, SPAN(">\n"));
}

void multistatus_begin(struct buf *out, uint64_t props)
{
	buf_put_span(out, SPAN(XML_HEAD "<D:multistatus"));
	put_prefixes(out, props);
}

void multistatus_mkcol_begin(struct buf *out, uint64_t props)
{
	buf_put_span(out, SPAN(XML_HEAD "<D:mkcol-response"));
	put_prefixes(out, props);
}

void multistatus_mkcol_end(struct buf *out)
{
	buf_put_span(out, SPAN("</D:mkcol-response>\n"));
}

void multistatus_end(struct buf *out)
{
	buf_put_span(out, SPAN("</D:multistatus>\n"));
}

void multistatus_response_begin(struct buf *out, const struct multistatus_href *href)
{
	buf_put_span(out, SPAN("<D:response><D:href>"));
	buf_put_span(out, href->folder);
	escape_path(out, href->name);
	if (href->is_dir && href->name.n)
		buf_put_byte(out, '/');
	buf_put_span(out, SPAN("</D:href>"));
}

void multistatus_response_end(struct buf *out)
{
	buf_put_span(out, SPAN("</D:response>\n"));
}

void multistatus_status(
	struct buf *out, const struct multistatus_href *href, unsigned status)
{
	multistatus_response_begin(out, href);
	put_status(out, status);
	multistatus_response_end(out);
}

void multistatus_propstat_begin(struct buf *out)
{
	buf_put_span(out, SPAN("<D:propstat><D:prop>"));
}

void multistatus_propstat_end(struct buf *out, unsigned status)
{
	multistatus_propstat_end_why(out, status, NULL);
}

void multistatus_propstat_end_why(struct buf *out, unsigned status, const char *condition)
{
	buf_put_span(out, SPAN("</D:prop>"));
	put_status(out, status);
	if (condition) {
		buf_put_span(out, SPAN("<D:error><D:"));
		buf_put_str(out, condition);
		buf_put_span(out, SPAN("/></D:error>"));
	}
	buf_put_span(out, SPAN("</D:propstat>"));
}

#define LOCK_ENTRY(scope)                                        \
	"<D:lockentry><D:lockscope><D:" scope "/></D:lockscope>" \
	"<D:locktype><D:write/></D:locktype></D:lockentry>"

#define PRIVILEGE(name) "<D:privilege><D:" name "/></D:privilege>"

static void put_checksums(struct buf *out, struct span checksums)
{
	buf_put_span(out, SPAN("<O:checksum>"));
	buf_put_span(out, checksums);
	buf_put_span(out, SPAN("</O:checksum>"));
}

static void put_value(
	struct buf *out, enum prop_id id, const struct multistatus_facts *facts)
{
	switch (id) {
	case PROP_CREATIONDATE: date_put_iso(out, facts->birth_sec); break;
	case PROP_DISPLAYNAME: escape_markup(out, facts->displayname); break;
	case PROP_GETCONTENTLANGUAGE: escape_markup(out, facts->language); break;
	case PROP_OC_SIZE:
	case PROP_GETCONTENTLENGTH: buf_put_u64(out, facts->size_bytes); break;
	case PROP_GETCONTENTTYPE: escape_markup(out, facts->type); break;
	case PROP_GETETAG: buf_put_span(out, facts->etag); break;
	case PROP_GETLASTMODIFIED: date_put_http(out, facts->mtime_sec); break;
	case PROP_LOCKDISCOVERY: buf_put_span(out, facts->active_locks); break;
	case PROP_RESOURCETYPE:
		if (facts->is_dir)
			buf_put_span(out, SPAN("<D:collection/>"));
		break;
	case PROP_SUPPORTEDLOCK:
		buf_put_span(out, SPAN(LOCK_ENTRY("exclusive") LOCK_ENTRY("shared")));
		break;
	case PROP_QUOTA_AVAILABLE_BYTES:
		buf_put_u64(out, facts->quota_available_bytes);
		break;
	case PROP_QUOTA_USED_BYTES: buf_put_u64(out, facts->quota_used_bytes); break;
	case PROP_CURRENT_USER_PRIVILEGE_SET:
		buf_put_span(out, facts->is_read_only
					  ? SPAN(PRIVILEGE("read"))
					  : SPAN(PRIVILEGE("read") PRIVILEGE("write")));
		break;
	case PROP_SUPPORTED_PRIVILEGE_SET:
		buf_put_span(out,
			SPAN("<D:supported-privilege>" PRIVILEGE("all") "<D:supported-privilege>" PRIVILEGE(
				"read") "</D:supported-privilege>"
					"<D:supported-privilege>" PRIVILEGE(
						"write") "</D:supported-privilege>"
							 "</D:supported-privilege>"));
		break;
	case PROP_EXECUTABLE: buf_put_byte(out, facts->is_executable ? 'T' : 'F'); break;
	case PROP_OC_CHECKSUMS: put_checksums(out, facts->checksums); break;
	case PROP_OC_PERMISSIONS: escape_markup(out, facts->oc_permissions); break;
	case PROP_OC_ID: escape_markup(out, facts->oc_id); break;
	case PROP_LASTMODIFIED:
	case PROP_WIN32_CREATION_TIME:
	case PROP_WIN32_LAST_ACCESS_TIME:
	case PROP_WIN32_LAST_MODIFIED_TIME:
	case PROP_WIN32_FILE_ATTRIBUTES:
	case PROP_UNKNOWN:
	case N_PROPS: break;
	}
}

void multistatus_put(
	struct buf *out, enum prop_id id, const struct multistatus_facts *facts)
{
	size_t before;

	buf_put_span(out, tags[id].open);
	before = out->n;
	put_value(out, id, facts);
	if (out->n > before || out->failed) {
		buf_put_span(out, tags[id].close);
		return;
	}
	out->n -= tags[id].open.n;
	buf_put_span(out, tags[id].empty);
}

/* The prefix that is bound to @ns wherever a name may stand; empty for none. XML's own may be
 * bound to no other, nor be a default. */
static struct span prefix_of(struct span ns)
{
	if (span_eq(ns, SPAN(PROP_NS_D)))
		return SPAN("D:");
	return span_eq(ns, SPAN(XML_NS_XML)) ? SPAN("xml:") : SPAN("");
}

void multistatus_put_name(struct buf *out, const struct prop_ref *prop)
{
	struct span prefix = prefix_of(prop->name.ns);

	if (prop->id != PROP_UNKNOWN) {
		buf_put_span(out, tags[prop->id].empty);
		return;
	}
	buf_put_byte(out, '<');
	buf_put_span(out, prefix);
	buf_put_span(out, prop->name.local);
	if (prop->name.ns.n && !prefix.n) {
		buf_put_span(out, SPAN(" xmlns=\""));
		escape_markup(out, prop->name.ns);
		buf_put_byte(out, '"');
	}
	buf_put_span(out, SPAN("/>"));
}

/* What allprop or propname gives: every property of the set, by name or with value. */
static void put_set(struct buf *out, uint64_t set, bool names_only,
	const struct multistatus_facts *facts)
{
	for (uint64_t left = set; left; left &= left - 1) {
		enum prop_id id = (enum prop_id)__builtin_ctzll(left);

		if (names_only)
			buf_put_span(out, tags[id].empty);
		else
			multistatus_put(out, id, facts);
	}
}

static bool is_there(const struct prop_ref *prop, const struct multistatus_facts *facts)
{
	return prop->id == PROP_UNKNOWN ? propbag_find(facts->dead, prop->name).p != NULL
					: (facts->has & PROP_BIT(prop->id)) != 0;
}

/* All dead properties, by name or with value. */
static void put_dead(struct buf *out, struct span dead, bool names_only)
{
	struct propbag_item item;

	while (propbag_next(&dead, &item)) {
		const struct prop_ref prop = {PROP_UNKNOWN, item.name};

		if (names_only)
			multistatus_put_name(out, &prop);
		else
			multistatus_put_fragment(out, item.xml);
	}
}

/* Puts what there is of what was asked for by name. Returns how many that were. */
static size_t put_named(
	struct buf *out, const struct propfind *want, const struct multistatus_facts *facts)
{
	size_t n_found = 0;

	for (size_t i = 0; i < want->n_props; i++) {
		const struct prop_ref *prop = &want->props[i];
		bool is_live = prop->id != PROP_UNKNOWN;
		struct span xml =
			is_live ? SPAN_NONE : propbag_find(facts->dead, prop->name);

		if (xml.p)
			multistatus_put_fragment(out, xml);
		else if (is_live && facts->has & PROP_BIT(prop->id))
			multistatus_put(out, prop->id, facts);
		else
			continue;
		n_found++;
	}
	return n_found;
}

/* Puts what was found. Returns how many of the properties that were asked for by name there
 * are. */
static size_t put_found(
	struct buf *out, const struct propfind *want, const struct multistatus_facts *facts)
{
	size_t n_found = 0;

	if (want->kind == PROPFIND_PROP)
		return put_named(out, want, facts);
	bool names_only = want->kind == PROPFIND_PROPNAME;
	put_set(out, names_only ? facts->has : want->known & facts->has, names_only, facts);
	put_dead(out, facts->dead, names_only);
	for (size_t i = 0; i < want->n_props; i++)
		n_found += is_there(&want->props[i], facts);
	return n_found;
}

void multistatus_answer(struct buf *out, const struct multistatus_href *href,
	const struct propfind *want, const struct multistatus_facts *facts, bool is_minimal)
{
	multistatus_response_begin(out, href);
	size_t before = out->n;
	multistatus_propstat_begin(out);
	size_t n_found = put_found(out, want, facts);
	bool any_missing = n_found < want->n_props && !is_minimal;

	/* A response needs one propstat, if only an empty one. */
	if (n_found > 0 || want->kind != PROPFIND_PROP || !any_missing)
		multistatus_propstat_end(out, 200);
	else
		out->n = before;
	if (any_missing) {
		multistatus_propstat_begin(out);
		for (size_t i = 0; i < want->n_props; i++) {
			if (!is_there(&want->props[i], facts))
				multistatus_put_name(out, &want->props[i]);
		}
		multistatus_propstat_end(out, 404);
	}
	multistatus_response_end(out);
}

void multistatus_error(struct buf *out, const char *condition, struct span href)
{
	buf_put_span(out, SPAN(XML_HEAD "<D:error xmlns:D=\"" PROP_NS_D "\"><D:"));
	buf_put_str(out, condition);
	if (href.p) {
		buf_put_span(out, SPAN("><D:href>"));
		buf_put_span(out, href);
		buf_put_span(out, SPAN("</D:href></D:"));
		buf_put_str(out, condition);
		buf_put_span(out, SPAN("></D:error>\n"));
		return;
	}
	buf_put_span(out, SPAN("/></D:error>\n"));
}
