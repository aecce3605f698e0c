/* SPDX-License-Identifier: MIT */

#include "base/sip.h"

#include <endian.h>

struct state {
	uint64_t a, b, c, d;
};

static uint64_t turn(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

static void mix(struct state *s)
{
	s->a += s->b;
	s->c += s->d;
	s->b = turn(s->b, 13) ^ s->a;
	s->d = turn(s->d, 16) ^ s->c;
	s->a = turn(s->a, 32);
	s->c += s->b;
	s->a += s->d;
	s->b = turn(s->b, 17) ^ s->c;
	s->d = turn(s->d, 21) ^ s->a;
	s->c = turn(s->c, 32);
}

static void take(struct state *s, uint64_t word)
{
	s->d ^= word;
	mix(s);
	mix(s);
	s->a ^= word;
}

/* Up to eight bytes, the first the lowest. */
static uint64_t word_of(const char *p, size_t n)
{
	uint64_t word = 0;

	if (n)
		memcpy(&word, p, n);
	return le64toh(word);
}

uint64_t sip_hash(const struct sip_key *key, struct span bytes)
{
	/* "somepseudorandomlygeneratedbytes", by definition. */
	struct state s = {
		key->k0 ^ 0x736f6d6570736575,
		key->k1 ^ 0x646f72616e646f6d,
		key->k0 ^ 0x6c7967656e657261,
		key->k1 ^ 0x7465646279746573,
	};
	size_t whole = bytes.n & ~(size_t)7;

	for (size_t i = 0; i < whole; i += 8)
		take(&s, word_of(bytes.p + i, 8));
	take(&s, word_of(bytes.p + whole, bytes.n - whole) | (uint64_t)bytes.n << 56);
	s.c ^= 0xff;
	for (int i = 0; i < 4; i++)
		mix(&s);
	return s.a ^ s.b ^ s.c ^ s.d;
}
