/* SPDX-License-Identifier: MIT */

/* Any bytes are a Depth, an Overwrite, a Timeout, a Lock-Token, or are refused, and then
 * leave what was there. */

#include "dav/headers.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span value = span_of((const char *)data, size), token = SPAN_NONE;
	enum depth depth = (enum depth)7;
	bool overwrite = true;
	uint32_t seconds = 7;

	if (headers_depth(value, &depth))
		assert(depth <= DEPTH_INFINITY && value.n <= 8);
	else
		assert(depth == (enum depth)7);
	assert(headers_overwrite(value, &overwrite) || overwrite);
	assert(headers_timeout(value, &seconds) || seconds == 7);
	if (headers_lock_token(value, &token)) {
		assert(token.p >= value.p && token.p + token.n <= value.p + value.n);
		assert(span_find(token, ':') > 0 && span_find(token, ':') < token.n);
		assert(span_find(token, '>') == token.n
			&& span_find(token, ' ') == token.n);
	} else {
		assert(!token.p);
	}
	return 0;
}
