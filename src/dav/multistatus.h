/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * multistatus - the body of a 207, written piece by piece (RFC 4918 13).
 *
 * begin, then for each resource either status or
 *     response_begin  (propstat_begin  put_...  propstat_end)...  response_end
 * and end. Nothing is kept between calls but what is in the buffer, which the
 * caller may send and clear at any point; it looks at its `failed`.
 *
 * Prefixes are declared once on the root: D for DAV:, and what begin was asked
 * for. No default namespace is declared, so fragments (fragment.h) fit anywhere.
 */

#include "base/buf.h"
#include "dav/prop.h"
#include "dav/propfind.h"

#include <stdbool.h>
#include <stdint.h>

#define MULTISTATUS_TYPE "application/xml; charset=utf-8"

/* What a listing knows of one resource. Only what has a bit in `has` is looked at. */
struct multistatus_facts {
	uint64_t has; /* PROP_BITs of the properties this resource has */
	bool is_dir, is_executable, is_read_only;
	int64_t mtime_sec, birth_sec;
	uint64_t size_bytes; /* also oc:size, which directories may have too */
	uint64_t quota_used_bytes, quota_available_bytes;
	struct span etag; /* with its quotes, and W/ if weak; no markup */
	struct span type;
	struct span displayname, language;
	struct span checksums; /* "SHA1:... MD5:...": no markup */
	struct span oc_id;
	struct span oc_permissions;
	struct span active_locks; /* <D:activelock> elements; empty if none */
	struct span dead; /* a propbag of the properties that are not in props.def */
};

/* Where a resource is: the URL of its folder, encoded and ending in '/', and its name as it
 * is on disk (empty for the folder itself). A folder's href gets its slash here. */
struct multistatus_href {
	struct span folder;
	struct span name;
	bool is_dir;
};

/* @props: the PROP_BITs that will be written, which says what prefixes to declare. */
void multistatus_begin(struct buf *out, uint64_t props);
void multistatus_end(struct buf *out);

/* The same for the body of a refused MKCOL (RFC 5689, 5.2): propstats stand in it alone. */
void multistatus_mkcol_begin(struct buf *out, uint64_t props);
void multistatus_mkcol_end(struct buf *out);

void multistatus_response_begin(struct buf *out, const struct multistatus_href *href);
void multistatus_response_end(struct buf *out);

/* A resource of which there is only a status, such as one a DELETE could not remove. */
void multistatus_status(
	struct buf *out, const struct multistatus_href *href, unsigned status);

/* The end says what holds for all properties since the begin. */
void multistatus_propstat_begin(struct buf *out);
void multistatus_propstat_end(struct buf *out, unsigned status);

/* As above, with the precondition that failed: "cannot-modify-protected-property" or the
 * like.
 */
void multistatus_propstat_end_why(struct buf *out, unsigned status, const char *condition);

/* One property with its value. Those that have no live value (Win32..., lastmodified) are
 * written empty. */
void multistatus_put(
	struct buf *out, enum prop_id id, const struct multistatus_facts *facts);

/* One property as a bare name, known or unknown. */
void multistatus_put_name(struct buf *out, const struct prop_ref *prop);

/* A property that is a fragment already: a dead one. */
static inline void multistatus_put_fragment(struct buf *out, struct span xml)
{
	buf_put_span(out, xml);
}

/**
 * multistatus_answer - one whole response to @want.
 *
 * What @facts lacks is reported with 404 where it was asked for by name, unless
 * @is_minimal (RFC 8144, 2.1).
 */
void multistatus_answer(struct buf *out, const struct multistatus_href *href,
	const struct propfind *want, const struct multistatus_facts *facts,
	bool is_minimal);

/**
 * multistatus_error - a whole <D:error> body with one condition (RFC 4918 16).
 *
 * @href, encoded, is for those that name a resource (lock-token-submitted,
 * no-conflicting-lock); else SPAN_NONE.
 */
void multistatus_error(struct buf *out, const char *condition, struct span href);
