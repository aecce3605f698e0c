/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * date - seconds since 1970 as the protocols write them, in UTC, without libc's
 * locale and time zone.
 *
 * A listing writes two of these an entry, so they are arithmetic and one copy.
 * Years outside 0001 to 9999 become the nearest end: both forms have four digits.
 */

#include "base/buf.h"

#include <stdint.h>

#define DATE_HTTP_BYTES 29u /* "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 5.6.7) */
#define DATE_ISO_BYTES  20u /* "1994-11-06T08:49:37Z" (RFC 3339) */

/* Write exactly as many bytes as the constants say, and no NUL. */
void date_http(int64_t unix_sec, char out[DATE_HTTP_BYTES]);
void date_iso(int64_t unix_sec, char out[DATE_ISO_BYTES]);

void date_put_http(struct buf *out, int64_t unix_sec);
void date_put_iso(struct buf *out, int64_t unix_sec);
