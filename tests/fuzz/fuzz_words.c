/* SPDX-License-Identifier: MIT */

/* Any text is words or a sentence; words that are put together again are the same words. */

#include "base/words.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_BUF text = BUF_INIT(1 << 20);
	struct reason reason;
	struct words words, again;

	if (words_split(span_of((const char *)data, size), &words, &reason) < 0) {
		assert(strnlen(reason.text, sizeof(reason.text)) > 0 && !words.v);
		return 0;
	}
	for (size_t i = 0; i < words.n; i++)
		words_put(&text, span_str(words.v[i]));
	assert(!text.failed);
	assert(words_split(buf_span(&text), &again, &reason) == 0);
	assert(again.n == words.n && !again.v[again.n]);
	for (size_t i = 0; i < words.n; i++)
		assert(strcmp(words.v[i], again.v[i]) == 0);
	words_fini(&words);
	words_fini(&again);
	return 0;
}
