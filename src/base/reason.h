/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * reason - one sentence for a person about one failure: what, where, what to do.
 *
 * Fixed size and no allocation, so that it works when memory has run out and
 * in a child between fork and exec. Every function takes NULL for a caller who
 * has no reader.
 */

#define REASON_MAX 512u /* bytes, with the terminating NUL; longer is cut */

struct reason {
	char text[REASON_MAX];
};

/* Writes the sentence. Returns -EINVAL, so that a refusal is one statement. */
[[gnu::format(printf, 2, 3)]] int reason_set(struct reason *reason, const char *fmt, ...);

/* Writes "<fmt>: <what errno means>". Returns -errno. */
[[gnu::format(printf, 2, 3)]] int reason_errno(struct reason *reason, const char *fmt, ...);
