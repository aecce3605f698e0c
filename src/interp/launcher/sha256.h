/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * sha256 - FIPS 180-4, because the static launcher has no libcrypto to ask.
 *
 * It names sockets; nothing secret passes through it.
 */

#include <stddef.h>
#include <stdint.h>

#define SHA256_BYTES 32u

struct sha256 {
	uint32_t h[8];
	uint64_t n_bytes; /* so far */
	uint8_t block[64];
};

void sha256_init(struct sha256 *sha);
void sha256_put(struct sha256 *sha, const void *bytes, size_t n);
void sha256_end(struct sha256 *sha, uint8_t out[SHA256_BYTES]);
