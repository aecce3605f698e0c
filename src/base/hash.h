/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * hash - FNV-1a of 64 bits: for tables of bounded size, and for spreading work.
 *
 * Who knows it can make collisions, so a table must stay right, and fast
 * enough, when everything in it collides. Nothing secret comes of it.
 */

#include "base/span.h"

#include <stdint.h>

#define HASH_START 14695981039346656037ull

/* @hash with one more byte in it. */
static inline uint64_t hash_byte(uint64_t hash, unsigned char byte)
{
	return (hash ^ byte) * 1099511628211ull;
}

/* @hash with the bytes of @s in it. Begin with HASH_START. */
static inline uint64_t hash_span(uint64_t hash, struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		hash = hash_byte(hash, (unsigned char)s.p[i]);
	return hash;
}

/* A number below @n. The high bits of FNV are the better mixed ones, so they take part. */
static inline size_t hash_below(uint64_t hash, size_t n)
{
	return (size_t)((hash ^ hash >> 32) % n);
}
