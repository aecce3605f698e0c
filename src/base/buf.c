/* SPDX-License-Identifier: MIT */

#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define FIRST_CAP 256u

void buf_fini(struct buf *buf)
{
	free(buf->p);
	*buf = BUF_INIT(buf->max);
}

void buf_clear(struct buf *buf)
{
	buf->n = 0;
	buf->failed = false;
}

char *buf_grow(struct buf *buf, size_t n)
{
	if (n > buf->max - buf->n) {
		buf->failed = true;
		return NULL;
	}

	size_t cap = buf->cap ? buf->cap : FIRST_CAP;
	while (cap - buf->n < n)
		cap *= 2; /* cannot overflow: n is below max, which is a real size */

	char *p = realloc(buf->p, cap);
	if (!p) {
		buf->failed = true;
		return NULL;
	}
	buf->p = p;
	buf->cap = cap;
	return buf->p + buf->n;
}

void buf_put_u64(struct buf *buf, uint64_t n)
{
	char digits[20]; /* 2^64 - 1 has twenty */
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + n % 10);
		n /= 10;
	} while (n);
	buf_put(buf, digits + at, sizeof(digits) - at);
}

void buf_printf(struct buf *buf, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int want = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (want < 0) {
		buf->failed = true;
		return;
	}

	size_t n = (size_t)want;
	if (n > buf->max - buf->n) {
		buf->failed = true;
		return;
	}

	/* vsnprintf ends with a NUL, which the maximum does not count. */
	buf->max++;
	char *at = buf_reserve(buf, n + 1);
	buf->max--;
	if (!at)
		return;

	va_start(ap, fmt);
	(void)vsnprintf(at, n + 1, fmt, ap);
	va_end(ap);
	buf->n += n;
}

void buf_drop(struct buf *buf, size_t n)
{
	if (n >= buf->n) {
		buf->n = 0;
		return;
	}
	memmove(buf->p, buf->p + n, buf->n - n);
	buf->n -= n;
}

const char *buf_cstr(struct buf *buf)
{
	buf->max++;
	char *at = buf_reserve(buf, 1);
	buf->max--;
	if (!at)
		return NULL;
	*at = '\0';
	return buf->p;
}
