/* SPDX-License-Identifier: MIT */
#pragma once

/* http_request - a request that has been read, for tests of what is read out of it. */

#include "base/buf.h"
#include "http/head.h"

/* Of its first @line, a host and the lines @fields. It points into @text. */
static inline struct http_head http_request(
	struct buf *text, const char *line, const char *fields)
{
	struct http_head head;

	buf_clear(text);
	buf_printf(text, "%s\r\nHost: h\r\n%s\r\n", line, fields);
	http_head_init(&head);
	assert_int_equal(http_head_parse(&head, buf_span(text)), HTTP_HEAD_DONE);
	return head;
}
