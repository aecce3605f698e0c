/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * buf - bytes that grow up to a stated maximum.
 *
 * A write that does not fit, or finds no memory, writes nothing and sets
 * `failed`, which stays; so a builder appends without checking and looks once
 * at the end. Start from BUF_INIT(max), end with buf_fini.
 */

#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
	char *p; /* owned; NULL until the first byte */
	size_t n;
	size_t cap;
	size_t max; /* it never holds more bytes than this */
	bool failed;
};

#define BUF_INIT(max_bytes) ((struct buf){.max = (max_bytes)})

/*
 * A buf over an array that is there already: never allocates, and is not given to buf_fini.
 * (The array's last byte is kept for the NULs of buf_printf and buf_cstr.)
 */
#define BUF_FIXED(array) \
	((struct buf){.p = (array), .cap = sizeof(array), .max = sizeof(array) - 1})

/* A local buf that frees itself on every way out of the block. */
#define AUTO_BUF [[gnu::cleanup(buf_fini)]] struct buf

/* Frees the bytes. What is left is empty, with the same maximum, and may be used again. */
void buf_fini(struct buf *buf);

/* Forgets the bytes and the failure; keeps the memory. */
void buf_clear(struct buf *buf);

static inline struct span buf_span(const struct buf *buf)
{
	return span_of(buf->p, buf->n);
}

/* What buf_reserve does where the memory there is does not suffice. */
[[nodiscard]] char *buf_grow(struct buf *buf, size_t n);

/**
 * buf_reserve - make room for @n more bytes, and return where they go.
 *
 * The caller writes there and then adds what it wrote to buf->n. NULL (and
 * `failed`) if it would pass the maximum or there is no memory.
 */
[[nodiscard]] static inline char *buf_reserve(struct buf *buf, size_t n)
{
	if (n <= buf->cap - buf->n && n <= buf->max - buf->n && buf->p)
		return buf->p + buf->n;
	return buf_grow(buf, n);
}

/* Here, because a listing puts a million little pieces, most of a length the compiler knows. */
static inline void buf_put(struct buf *buf, const void *bytes, size_t n)
{
	char *at = n ? buf_reserve(buf, n) : NULL;
	if (!at)
		return;
	memcpy(at, bytes, n);
	buf->n += n;
}

static inline void buf_put_byte(struct buf *buf, char byte)
{
	buf_put(buf, &byte, 1);
}

void buf_put_u64(struct buf *buf, uint64_t n); /* in decimal */
[[gnu::format(printf, 2, 3)]] void buf_printf(struct buf *buf, const char *fmt, ...);

static inline void buf_put_span(struct buf *buf, struct span s)
{
	buf_put(buf, s.p, s.n);
}

static inline void buf_put_str(struct buf *buf, const char *s)
{
	buf_put_span(buf, span_str(s));
}

/* Removes @n bytes (at most all) from the front; the rest moves down. */
void buf_drop(struct buf *buf, size_t n);

/* A NUL behind the bytes, not counted in them. NULL if there is no room for it. */
[[nodiscard]] const char *buf_cstr(struct buf *buf);
