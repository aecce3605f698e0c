/* SPDX-License-Identifier: MIT */

/* Any bytes are a date, a list, base 64, a table of media types: none reads past them, and
 * what is read and can be written again reads the same. */

#include "base/base64.h"
#include "base/date.h"
#include "http/etag.h"
#include "http/form.h"
#include "http/list.h"
#include "http/media.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void as_date(struct span s)
{
	char text[DATE_HTTP_BYTES];
	int64_t sec, again;

	if (!date_read_http(s, &sec))
		return;
	date_http(sec, text);
	assert(date_read_http(span_of(text, sizeof(text)), &again));
	assert(again == sec || sec < -62'135'596'800 || sec > 253'402'300'799);
}

static void as_base64(struct span s)
{
	AUTO_BUF again = BUF_INIT(s.n);
	char *out = malloc(s.n + 1);
	size_t n;
	assert(out);

	if (base64_decode(s, out, &n)) {
		base64_encode(&again, span_of(out, n));
		assert(span_eq(buf_span(&again), s));
	}
	free(out);
}

static void as_list(struct span s)
{
	struct span rest = s, item, name, value;
	struct http_etag etag;

	while (http_list_next(&rest, &item)) {
		assert(item.n);
		struct span params = span_from(item, span_find(item, ';'));
		while (http_list_param(&params, &name, &value))
			assert(name.n + value.n <= item.n);
	}
	rest = s;
	while (http_etag_next(&rest, &etag))
		assert(etag.opaque.p);
	rest = s;
	while (http_form_next(&rest, &name, &value))
		assert(name.n + value.n <= s.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span s = span_of((const char *)data, size);
	struct http_media *media = NULL;

	as_date(s);
	as_base64(s);
	as_list(s);
	if (http_media_new(s, &media) == 0)
		assert(http_media_of(media, s).n);
	http_media_free(media);
	return 0;
}
