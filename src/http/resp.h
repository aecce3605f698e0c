/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * resp - a response's head, written into a buf (often BUF_FIXED over an array).
 *
 * In order: http_resp_begin, any fields, http_resp_end; then the body. Nothing
 * here needs to be checked on the way: what does not fit makes the buf fail,
 * and so does a field value with a control byte, which would let whoever named
 * it write fields of his own. Look at buf->failed once, and answer 500.
 */

#include "base/buf.h"
#include "base/date.h"
#include "base/span.h"
#include "http/etag.h"
#include "http/head.h"

#include <stdint.h>

/* What a client with .expect_continue waits for. */
#define HTTP_RESP_CONTINUE SPAN("HTTP/1.1 100 Continue\r\n\r\n")

/* Status line and Date; @date is date_http's text, which the caller keeps for a second. */
void http_resp_begin(struct buf *out, unsigned status, const char date[DATE_HTTP_BYTES]);

void http_resp_field(struct buf *out, struct span name, struct span value);
void http_resp_number(struct buf *out, struct span name, uint64_t value);
void http_resp_date(struct buf *out, struct span name, int64_t unix_sec);
void http_resp_etag(struct buf *out, struct http_etag etag);

/* What frames the body: one of these, or neither where the status has no body. */
void http_resp_length(struct buf *out, uint64_t n_bytes);
void http_resp_chunked(struct buf *out);

/* Connection, where the client would not assume @keep_alive by itself, and the empty line.
 */
void http_resp_end(struct buf *out, const struct http_head *head, bool keep_alive);
