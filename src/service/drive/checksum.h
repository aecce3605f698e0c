/* SPDX-License-Identifier: MIT */
#pragma once

/* checksum - whether a body is the one whose digests its client sent; computed as it comes. */

#include "base/span.h"
#include "http/digest.h"

struct evp_md_ctx_st;
struct evp_md_st;

/* How each kind is computed. Found once, because looking for it in the library takes as long
 * as a small file's checksum. */
struct checksum_ways {
	struct evp_md_st *of[HTTP_DIGEST_N_KINDS]; /* owned; NULL: the library has none */
};

void checksum_learn(struct checksum_ways *ways);
void checksum_forget(struct checksum_ways *ways);

struct checksum {
	struct http_digests want, got;
	struct evp_md_ctx_st *contexts[HTTP_DIGEST_N_KINDS]; /* owned; NULL: not computed */
};

/* Begins to compute what @want holds, to compare, and the kinds whose BITs are in @also.
 * False without memory or a way; checksum_fini ends it in any case. */
[[nodiscard]] bool checksum_init(struct checksum *sum, const struct checksum_ways *ways,
	const struct http_digests *want, unsigned also);
void checksum_fini(struct checksum *sum);

void checksum_add(struct checksum *sum, struct span piece);

/* Whether all that was added is what was wanted; then `got` has all that was computed.
 * Nothing can be added after it. */
[[nodiscard]] bool checksum_holds(struct checksum *sum);
