/* SPDX-License-Identifier: MIT */

/* Whatever path comes out of a URL stays below its folder, and names the same file when a
 * link is made of it. */

#include "base/buf.h"
#include "base/escape.h"
#include "http/form.h"
#include "http/path.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_stay_below(struct span rel)
{
	struct span segment;

	assert(span_find(rel, '\0') == rel.n);
	while (rel.n && span_cut(&rel, '/', &segment)) {
		assert(segment.n);
		assert(!span_eq(segment, SPAN(".")) && !span_eq(segment, SPAN("..")));
	}
}

static void must_come_back(struct span rel)
{
	AUTO_BUF url = BUF_INIT(3 * rel.n + 1);
	struct http_path path;
	const char *why;

	buf_put_byte(&url, '/');
	escape_path(&url, rel);
	assert(!url.failed);
	assert(http_path_decode(buf_span(&url), url.p, &path, &why) == 0);
	assert(span_eq(path.rel, rel));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span url = span_of((const char *)data, size);
	char *out = malloc(size + 1);
	struct http_path path;
	const char *why = NULL;
	assert(out);

	if (http_path_decode(url, out, &path, &why)) {
		assert(why);
	} else {
		must_stay_below(path.rel);
		must_come_back(path.rel);
	}
	free(out);
	return 0;
}
