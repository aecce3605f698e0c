/* SPDX-License-Identifier: MIT */

/*
 * A header's length is at most what there is and what there may be; what is one stays one, and
 * the same, with anything behind it; and every beginning of it asks for more.
 */

#include "core/proxy.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = span_of((const char *)data, size);
	struct proxy_header h, again;
	char text[ADDR_TEXT_MAX];

	int n = proxy_parse(in, &h);
	if (n <= 0) {
		assert(n == PROXY_BAD || n == PROXY_MORE);
		assert(n == PROXY_BAD || size < PROXY_HEADER_MAX);
		return 0;
	}
	assert((size_t)n <= size && (size_t)n <= PROXY_HEADER_MAX);
	assert(proxy_parse(span_of(in.p, (size_t)n), &again) == n);
	assert(memcmp(&h, &again, sizeof(h)) == 0);
	for (size_t less = 0; less < (size_t)n; less++)
		assert(proxy_parse(span_of(in.p, less), &again) == PROXY_MORE);
	if (h.known) {
		assert(h.from.sa.sa_family == h.to.sa.sa_family);
		addr_text(&h.from, text);
		addr_text(&h.to, text);
	}
	return 0;
}
