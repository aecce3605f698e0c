/* SPDX-License-Identifier: MIT */

#include "interp/launcher/sha256.h"

#include <string.h>

/* The fractional parts of the cube roots of the first 64 primes. */
static const uint32_t round_constant[64] = {
	0x428a2f98,
	0x71374491,
	0xb5c0fbcf,
	0xe9b5dba5,
	0x3956c25b,
	0x59f111f1,
	0x923f82a4,
	0xab1c5ed5,
	0xd807aa98,
	0x12835b01,
	0x243185be,
	0x550c7dc3,
	0x72be5d74,
	0x80deb1fe,
	0x9bdc06a7,
	0xc19bf174,
	0xe49b69c1,
	0xefbe4786,
	0x0fc19dc6,
	0x240ca1cc,
	0x2de92c6f,
	0x4a7484aa,
	0x5cb0a9dc,
	0x76f988da,
	0x983e5152,
	0xa831c66d,
	0xb00327c8,
	0xbf597fc7,
	0xc6e00bf3,
	0xd5a79147,
	0x06ca6351,
	0x14292967,
	0x27b70a85,
	0x2e1b2138,
	0x4d2c6dfc,
	0x53380d13,
	0x650a7354,
	0x766a0abb,
	0x81c2c92e,
	0x92722c85,
	0xa2bfe8a1,
	0xa81a664b,
	0xc24b8b70,
	0xc76c51a3,
	0xd192e819,
	0xd6990624,
	0xf40e3585,
	0x106aa070,
	0x19a4c116,
	0x1e376c08,
	0x2748774c,
	0x34b0bcb5,
	0x391c0cb3,
	0x4ed8aa4a,
	0x5b9cca4f,
	0x682e6ff3,
	0x748f82ee,
	0x78a5636f,
	0x84c87814,
	0x8cc70208,
	0x90befffa,
	0xa4506ceb,
	0xbef9a3f7,
	0xc67178f2,
};

static uint32_t turn(uint32_t x, int n)
{
	return x >> n | x << (32 - n);
}

static uint32_t big_endian(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void mix_block(struct sha256 *sha)
{
	uint32_t w[64];

	for (int i = 0; i < 16; i++)
		w[i] = big_endian(sha->block + 4 * i);
	for (int i = 16; i < 64; i++) {
		uint32_t a = w[i - 15], b = w[i - 2];
		w[i] = w[i - 16] + (turn(a, 7) ^ turn(a, 18) ^ a >> 3) + w[i - 7]
		       + (turn(b, 17) ^ turn(b, 19) ^ b >> 10);
	}

	/* In variables, not in an array that is moved: the compiler turns them by renaming. */
	uint32_t a = sha->h[0], b = sha->h[1], c = sha->h[2], d = sha->h[3];
	uint32_t e = sha->h[4], f = sha->h[5], g = sha->h[6], h = sha->h[7];
	for (int i = 0; i < 64; i++) {
		uint32_t t1 = h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25))
			      + ((e & f) ^ (~e & g)) + round_constant[i] + w[i];
		uint32_t t2 = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22))
			      + ((a & b) ^ (a & c) ^ (b & c));
		h = g, g = f, f = e, e = d + t1;
		d = c, c = b, b = a, a = t1 + t2;
	}
	sha->h[0] += a, sha->h[1] += b, sha->h[2] += c, sha->h[3] += d;
	sha->h[4] += e, sha->h[5] += f, sha->h[6] += g, sha->h[7] += h;
}

void sha256_init(struct sha256 *sha)
{
	/* The fractional parts of the square roots of the first eight primes. */
	*sha = (struct sha256){.h = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
				       0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19}};
}

void sha256_put(struct sha256 *sha, const void *bytes, size_t n)
{
	const uint8_t *from = bytes;

	while (n > 0) {
		size_t at = sha->n_bytes % 64, take = 64 - at < n ? 64 - at : n;
		memcpy(sha->block + at, from, take);
		sha->n_bytes += take;
		from += take;
		n -= take;
		if (at + take == 64)
			mix_block(sha);
	}
}

void sha256_end(struct sha256 *sha, uint8_t out[SHA256_BYTES])
{
	static const uint8_t padding[64] = {0x80};
	uint64_t n_bits = sha->n_bytes * 8;
	uint8_t tail[8];

	for (int i = 0; i < 8; i++)
		tail[i] = (uint8_t)(n_bits >> (56 - 8 * i));
	sha256_put(sha, padding, 1 + (119 - sha->n_bytes % 64) % 64);
	sha256_put(sha, tail, sizeof(tail));
	for (size_t i = 0; i < SHA256_BYTES; i++)
		out[i] = (uint8_t)(sha->h[i / 4] >> (24 - 8 * (i % 4)));
}
