/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * field - the request header fields this program reads, as numbers.
 *
 * A row: the enumerator's name, the field's name in lower case, and whether it
 * may stand in a request more than once (MANY: its value is a list, and the
 * lines together are one list) or not (ONE: a second line makes the request
 * bad, because two readers could believe different lines).
 *
 * The rows are in order of the name's length, which the search relies on.
 */

#include "base/span.h"

#include <stdbool.h>

/* clang-format off */
#define HTTP_FIELDS(ROW) \
	ROW(IF, "if", ONE) \
	ROW(TE, "te", MANY) \
	ROW(HOST, "host", ONE) \
	ROW(DEPTH, "depth", ONE) \
	ROW(RANGE, "range", ONE) \
	ROW(ACCEPT, "accept", MANY) \
	ROW(COOKIE, "cookie", MANY) \
	ROW(DIGEST, "digest", MANY) \
	ROW(EXPECT, "expect", ONE) \
	ROW(ORIGIN, "origin", ONE) \
	ROW(PREFER, "prefer", MANY) \
	ROW(REFERER, "referer", ONE) \
	ROW(TIMEOUT, "timeout", ONE) \
	ROW(TRAILER, "trailer", MANY) \
	ROW(UPGRADE, "upgrade", MANY) \
	ROW(IF_MATCH, "if-match", MANY) \
	ROW(IF_RANGE, "if-range", ONE) \
	ROW(FORWARDED, "forwarded", MANY) \
	ROW(OVERWRITE, "overwrite", ONE) \
	ROW(TRANSLATE, "translate", ONE) \
	ROW(CONNECTION, "connection", MANY) \
	ROW(LOCK_TOKEN, "lock-token", ONE) \
	ROW(OC_CHUNKED, "oc-chunked", ONE) \
	ROW(USER_AGENT, "user-agent", ONE) \
	ROW(X_OC_MTIME, "x-oc-mtime", ONE) \
	ROW(CONTENT_MD5, "content-md5", ONE) \
	ROW(DESTINATION, "destination", ONE) \
	ROW(OC_CHECKSUM, "oc-checksum", ONE) \
	ROW(REPR_DIGEST, "repr-digest", MANY) \
	ROW(WANT_DIGEST, "want-digest", MANY) \
	ROW(CONTENT_TYPE, "content-type", ONE) \
	ROW(UPLOAD_LIMIT, "upload-limit", MANY) \
	ROW(AUTHORIZATION, "authorization", ONE) \
	ROW(CACHE_CONTROL, "cache-control", MANY) \
	ROW(CONTENT_RANGE, "content-range", ONE) \
	ROW(IF_NONE_MATCH, "if-none-match", MANY) \
	ROW(TUS_RESUMABLE, "tus-resumable", ONE) \
	ROW(UPLOAD_CONCAT, "upload-concat", ONE) \
	ROW(UPLOAD_LENGTH, "upload-length", ONE) \
	ROW(UPLOAD_OFFSET, "upload-offset", ONE) \
	ROW(CONTENT_DIGEST, "content-digest", MANY) \
	ROW(CONTENT_LENGTH, "content-length", ONE) \
	ROW(SEC_FETCH_DEST, "sec-fetch-dest", ONE) \
	ROW(SEC_FETCH_MODE, "sec-fetch-mode", ONE) \
	ROW(SEC_FETCH_SITE, "sec-fetch-site", ONE) \
	ROW(X_UPDATE_RANGE, "x-update-range", ONE) \
	ROW(ACCEPT_ENCODING, "accept-encoding", MANY) \
	ROW(ACCEPT_LANGUAGE, "accept-language", MANY) \
	ROW(OC_TOTAL_LENGTH, "oc-total-length", ONE) \
	ROW(UPLOAD_CHECKSUM, "upload-checksum", ONE) \
	ROW(UPLOAD_COMPLETE, "upload-complete", ONE) \
	ROW(UPLOAD_METADATA, "upload-metadata", ONE) \
	ROW(X_FORWARDED_FOR, "x-forwarded-for", MANY) \
	ROW(CONTENT_ENCODING, "content-encoding", MANY) \
	ROW(WANT_REPR_DIGEST, "want-repr-digest", MANY) \
	ROW(X_REQUESTED_WITH, "x-requested-with", ONE) \
	ROW(IF_MODIFIED_SINCE, "if-modified-since", ONE) \
	ROW(TRANSFER_ENCODING, "transfer-encoding", MANY) \
	ROW(X_FORWARDED_PROTO, "x-forwarded-proto", MANY) \
	ROW(CONTENT_DISPOSITION, "content-disposition", ONE) \
	ROW(IF_UNMODIFIED_SINCE, "if-unmodified-since", ONE) \
	ROW(UPLOAD_DEFER_LENGTH, "upload-defer-length", ONE) \
	ROW(WANT_CONTENT_DIGEST, "want-content-digest", MANY) \
	ROW(X_HTTP_METHOD_OVERRIDE, "x-http-method-override", ONE) \
	ROW(X_EXPECTED_ENTITY_LENGTH, "x-expected-entity-length", ONE) \
	ROW(UPLOAD_DRAFT_INTEROP_VERSION, "upload-draft-interop-version", ONE)
/* clang-format on */

#define HTTP_FIELD_ENUMERATOR(id, name, times) HTTP_H_##id,
enum http_field_id {
	HTTP_H_OTHER, /* a field that is not in the table */
	HTTP_FIELDS(HTTP_FIELD_ENUMERATOR) HTTP_N_FIELD_IDS,
};
#undef HTTP_FIELD_ENUMERATOR

/* Any bytes; the case of letters does not count. */
enum http_field_id http_field_of(struct span name);

/* Whether a second line with this name is allowed. True for HTTP_H_OTHER. */
bool http_field_may_repeat(enum http_field_id id);
