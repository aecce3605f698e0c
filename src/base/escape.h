/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * escape - a stranger's bytes made safe for a line of text.
 *
 * Printable ASCII stands as it is; the quote, the backslash and everything
 * else become \xHH. Valid UTF-8 is escaped too: a log is read on terminals
 * whose settings nobody knows.
 */

#include "base/buf.h"
#include "base/span.h"

/* Appends at most @most_bytes of @s, escaped, and "..." if that cut it. */
void escape_log(struct buf *out, struct span s, size_t most_bytes);

/* Appends @s as the inside of a JSON string (RFC 8259); bytes that are not UTF-8 become
 * U+FFFD. */
void escape_json(struct buf *out, struct span s);
