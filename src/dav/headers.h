/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * headers - WebDAV's small request headers (RFC 4918 10), one value each.
 *
 * Each returns false, and leaves *@out alone, for a value that is none: answer
 * 400. A header that is absent is the caller's to see, and to give its default.
 */

#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

enum depth { DEPTH_0, DEPTH_1, DEPTH_INFINITY };

[[nodiscard]] bool headers_depth(struct span value, enum depth *out);

/* "T" or "F". */
[[nodiscard]] bool headers_overwrite(struct span value, bool *out);

#define HEADERS_TIMEOUT_INFINITE UINT32_MAX

/* In seconds, the first of the list that can be read; more than 32 bits is infinite. */
[[nodiscard]] bool headers_timeout(struct span value, uint32_t *out);

/* The token's URI, also where Windows forgets the brackets around it. */
[[nodiscard]] bool headers_lock_token(struct span value, struct span *out);
