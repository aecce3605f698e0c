/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * cond - conditional requests: whether what the client knows still holds
 * (RFC 9110, section 13).
 *
 * Pure, so that a write can ask once when the request comes and again at the
 * moment it replaces the file.
 */

#include "http/etag.h"
#include "http/head.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	HTTP_COND_PROCEED = 0,
	HTTP_COND_NOT_MODIFIED, /* 304; for GET and HEAD only */
	HTTP_COND_FAILED,       /* 412 */
};

/* What the target is now. */
struct http_now {
	bool exists;
	struct http_etag etag; /* HTTP_ETAG_NONE if it has none */
	bool has_mtime;
	int64_t mtime_sec; /* as Last-Modified says it */
};

/* Whether the request has a condition; without, it proceeds. */
static inline bool http_cond_any(const struct http_head *head)
{
	return http_head_has(head, HTTP_H_IF_MATCH)
	       || http_head_has(head, HTTP_H_IF_UNMODIFIED_SINCE)
	       || http_head_has(head, HTTP_H_IF_NONE_MATCH)
	       || http_head_has(head, HTTP_H_IF_MODIFIED_SINCE);
}

/**
 * http_cond_check - evaluate If-Match, If-Unmodified-Since, If-None-Match and
 * If-Modified-Since, in that order, each where RFC 9110, 13.2.2 asks for it.
 *
 * A date that is none is ignored; an entity tag that is none matches nothing.
 * The WebDAV If field is not looked at: it is about more than one resource.
 */
int http_cond_check(const struct http_head *head, const struct http_now *now);

/**
 * http_cond_range - whether If-Range lets the Range field count; true without one.
 *
 * A date counts only if it is exactly the modification time and the entity tag
 * is not weak, which is how a caller says that the file may yet change within
 * that second.
 */
bool http_cond_range(const struct http_head *head, const struct http_now *now);
