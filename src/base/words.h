/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * words - another program's command line as one text, quoted as a shell quotes.
 *
 * White space separates words. Between single quotes everything stands for
 * itself; between double quotes, and outside of quotes, a backslash makes the next
 * byte stand for itself. Nothing else is special: no variables, no patterns.
 */

#include "base/buf.h"
#include "base/reason.h"
#include "base/span.h"

#include <stddef.h>

struct words {
	char **v; /* owned: n of them, then NULL; NULL where there is none */
	size_t n;
	char *bytes; /* owned: what they point into */
};
#define WORDS_NONE ((struct words){0})

/**
 * words_split - take @text apart.
 *
 * Returns 0 with *@out for words_fini; or negative with @reason (a quote that
 * nobody ends, a NUL, no memory) and *@out WORDS_NONE.
 */
[[nodiscard]] int words_split(struct span text, struct words *out, struct reason *reason);
void words_fini(struct words *words);

/* Appends @word, quoted where it must be and behind a space where it is not the first:
 * words_split gives it back. */
void words_put(struct buf *out, struct span word);
