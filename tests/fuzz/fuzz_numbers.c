/* SPDX-License-Identifier: MIT */

/* Any text is a number, a size, a time, UTF-8, or none of it; a number that is written again
 * reads the same. */

#include "base/buf.h"
#include "base/num.h"
#include "base/utf8.h"

#include <assert.h>
#include <inttypes.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_read_again(uint64_t n)
{
	AUTO_BUF text = BUF_INIT(64);
	uint64_t again;

	buf_printf(&text, "%" PRIu64, n);
	assert(num_u64(buf_span(&text), &again) && again == n);
	assert(num_bytes(buf_span(&text), &again) && again == n);
	buf_clear(&text);
	buf_printf(&text, "%" PRIX64, n);
	assert(num_hex_u64(buf_span(&text), &again) && again == n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span s = span_of((const char *)data, size), rest = s;
	uint64_t n, ns;
	size_t step;

	if (num_u64(s, &n)) {
		must_read_again(n);
		assert(!num_duration_ns(s, &ns) || ns / 1'000'000'000 == n);
	}
	if (num_hex_u64(s, &n))
		must_read_again(n);
	if (num_bytes(s, &n) || num_duration_ns(s, &n))
		assert(s.p[0] >= '0' && s.p[0] <= '9');

	while ((step = utf8_step(rest)) > 0) {
		assert(step <= 4 && step <= rest.n);
		rest = span_from(rest, step);
	}
	assert(utf8_valid(s) == (rest.n == 0));
	return 0;
}
