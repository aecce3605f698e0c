/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * escape - a stranger's bytes made safe for a log, for JSON, for markup, for a URL.
 */

#include "base/buf.h"
#include "base/span.h"

#include <stdbool.h>

/*
 * Appends at most @most_bytes of @s, and "..." if that cut it. Printable ASCII stands as it
 * is; the quote, the backslash and everything else become \xHH. Valid UTF-8 is escaped too:
 * a log is read on terminals whose settings nobody knows.
 */
void escape_log(struct buf *out, struct span s, size_t most_bytes);

/* Appends @s as the inside of a JSON string (RFC 8259); bytes that are not UTF-8 become
 * U+FFFD. */
void escape_json(struct buf *out, struct span s);

/*
 * Appends @s as text or as an attribute's value, for HTML and XML alike. Line ends are
 * written as references, so they survive an attribute; what is not UTF-8, and characters
 * XML 1.0 cannot hold in any form, become U+FFFD.
 */
void escape_markup(struct buf *out, struct span s);

/*
 * Appends @s as a URL's path: slashes, RFC 3986's unreserved characters and the marks
 * !$()*,:@ stand as they are, the rest is %HH in upper case. Of any bytes, and needs no
 * further escaping in markup: the ampersand, quotes and semicolon are encoded too.
 */
void escape_path(struct buf *out, struct span s);

/*
 * The other way: appends what \n, \r, \t, \\ and \xHH in @s stand for, and all else as it is.
 * False for any other backslash, and for what does not fit.
 */
[[nodiscard]] bool escape_undo(struct buf *out, struct span s);
