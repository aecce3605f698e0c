/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * date - seconds since 1970 as the protocols write and read them, in UTC, without
 * libc's locale and time zone.
 *
 * A listing writes two of these an entry, so they are arithmetic and one copy.
 * Years outside 0001 to 9999 become the nearest end: both forms have four digits.
 */

#include "base/buf.h"
#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

/* The second that @unix_ns, in nanoseconds, is in: before 1970 the one that ends later. */
int64_t date_sec(int64_t unix_ns);

#define DATE_HTTP_BYTES 29u /* "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 5.6.7) */
#define DATE_ISO_BYTES  20u /* "1994-11-06T08:49:37Z" (RFC 3339) */

/* Write exactly as many bytes as the constants say, and no NUL. */
void date_http(int64_t unix_sec, char out[DATE_HTTP_BYTES]);
void date_iso(int64_t unix_sec, char out[DATE_ISO_BYTES]);

void date_put_http(struct buf *out, int64_t unix_sec);
void date_put_iso(struct buf *out, int64_t unix_sec);

/*
 * Reads HTTP's date in any of its three forms. A year of two digits is between 1970 and
 * 2069. The day of the week must be one, but is not compared with the date. False leaves
 * *@unix_sec alone.
 */
[[nodiscard]] bool date_read_http(struct span s, int64_t *unix_sec);
