/* SPDX-License-Identifier: MIT */

#include "base/words.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define SPACES  " \t\n\r\v\f"
#define SPECIAL SPACES "'\"\\"

static bool is_space(char c)
{
	return c && strchr(SPACES, c);
}

/* Copies the word at the front of *@rest to @out, without its quotes. NULL if one does not
 * end, else where it ends. */
static char *take_word(struct span *rest, char *out)
{
	char quote = 0;

	for (; rest->n && (quote || !is_space(*rest->p)); *rest = span_from(*rest, 1)) {
		char c = *rest->p;

		if (c == quote) {
			quote = 0;
		} else if (!quote && (c == '\'' || c == '"')) {
			quote = c;
		} else {
			if (c == '\\' && quote != '\'') {
				*rest = span_from(*rest, 1);
				if (!rest->n)
					return NULL;
				c = *rest->p;
			}
			*out++ = c;
		}
	}
	return quote ? NULL : out;
}

int words_split(struct span text, struct words *out, struct reason *reason)
{
	struct words w = {
		.v = calloc(
			text.n / 2 + 2, sizeof(*w.v)), /* each but the last has a space */
		.bytes = malloc(text.n + 1),           /* and a NUL takes its place */
	};
	char *at = w.bytes;

	*out = WORDS_NONE;
	if (!w.v || !w.bytes) {
		words_fini(&w);
		return reason_set(reason, "out of memory");
	}
	if (span_find(text, '\0') < text.n) {
		words_fini(&w);
		return reason_set(reason, "there is a NUL in the text");
	}
	for (;;) {
		while (text.n && is_space(*text.p))
			text = span_from(text, 1);
		if (!text.n)
			break;
		w.v[w.n++] = at;
		at = take_word(&text, at);
		if (!at) {
			words_fini(&w);
			return reason_set(
				reason, "a quote or a backslash has nothing behind it");
		}
		*at++ = '\0';
	}
	*out = w;
	return 0;
}

void words_fini(struct words *words)
{
	free(words->v);
	free(words->bytes);
	*words = WORDS_NONE;
}

void words_put(struct buf *out, struct span word)
{
	bool bare = word.n > 0;

	for (size_t i = 0; i < word.n; i++)
		bare = bare && !strchr(SPECIAL, word.p[i]);
	if (out->n)
		buf_put_byte(out, ' ');
	if (bare) {
		buf_put_span(out, word);
		return;
	}
	buf_put_byte(out, '"');
	for (size_t i = 0; i < word.n; i++) {
		if (word.p[i] == '"' || word.p[i] == '\\')
			buf_put_byte(out, '\\');
		buf_put_byte(out, word.p[i]);
	}
	buf_put_byte(out, '"');
}
