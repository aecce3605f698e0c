/* SPDX-License-Identifier: MIT */

/* "SIZE VALUE": no Range field asks for a byte the file has not, or for more than all of
 * it; and a multipart body is as long as was said. */

#include "base/num.h"
#include "http/range.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_be_as_long_as_said(const struct http_ranges *ranges, uint64_t size)
{
	static const struct span boundary = SPAN("b"), type = SPAN("text/plain");
	AUTO_BUF body = BUF_INIT(1 << 16);
	uint64_t n_payload = 0;

	for (unsigned i = 0; i < ranges->n; i++) {
		http_range_put_part(&body, boundary, type, ranges->at[i], size);
		n_payload += ranges->at[i].n;
	}
	http_range_put_end(&body, boundary);
	assert(!body.failed);
	assert(http_range_multipart_length(ranges, boundary, type, size)
		== body.n + n_payload);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span value = span_of((const char *)data, size), number;
	struct http_ranges ranges;
	uint64_t file_size, total = 0;

	if (!span_cut(&value, ' ', &number) || !num_u64(number, &file_size)
		|| file_size > INT64_MAX)
		return 0;
	if (http_range_read(value, file_size, &ranges) != HTTP_RANGE_SOME)
		return 0;

	assert(ranges.n > 0 && ranges.n <= HTTP_RANGES_MAX);
	for (unsigned i = 0; i < ranges.n; i++) {
		assert(ranges.at[i].n > 0 && ranges.at[i].from < file_size);
		assert(ranges.at[i].n <= file_size - ranges.at[i].from);
		total += ranges.at[i].n;
	}
	assert(total <= file_size);
	must_be_as_long_as_said(&ranges, file_size);
	return 0;
}
