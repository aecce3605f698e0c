/* SPDX-License-Identifier: MIT */

/* Any bytes are a request, and read the same however they arrive; what a head is asked
 * for afterwards lies within it. */

#include "base/util.h"
#include "http/accept.h"
#include "http/cond.h"
#include "http/digest.h"
#include "http/path.h"
#include "http/prefer.h"
#include "http/range.h"
#include "http/target.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_lie_within(struct span s, struct span bytes)
{
	assert(s.p >= bytes.p && s.p + s.n <= bytes.p + bytes.n);
}

static void must_decode_in_place(struct span url)
{
	char *own = malloc(url.n);
	struct http_path path;
	const char *why = NULL;
	assert(own);

	memcpy(own, url.p, url.n);
	if (http_path_decode(span_of(own, url.n), own, &path, &why))
		assert(why);
	else
		assert(path.rel.n < url.n && path.rel.p[path.rel.n] == '\0');
	free(own);
}

static void use(const struct http_head *head, struct span bytes)
{
	static const struct http_now now = {true, {SPAN("a"), false}, true, 784111777};
	struct http_target target;
	struct http_ranges ranges;
	struct http_digests digests;
	const char *why = NULL;

	must_lie_within(http_head_method(head), bytes);
	must_lie_within(http_head_target(head), bytes);
	for (unsigned i = 1; i <= head->n_fields; i++) {
		must_lie_within(http_head_name(head, i), bytes);
		must_lie_within(http_head_value(head, i), bytes);
	}
	if (http_target_read(head, &target, &why) == 0)
		must_decode_in_place(target.path);
	else
		assert(why);
	if (http_target_destination(head, &target, &why) == 0)
		must_decode_in_place(target.path);
	(void)http_cond_check(head, &now); /* any answer is right, as long as it ends */
	(void)http_cond_range(head, &now);
	(void)http_accept_html(head);
	(void)http_prefer(head, SPAN("return"), SPAN("minimal"));
	if (http_digest_read(head, &digests))
		assert(digests.has < BIT(HTTP_DIGEST_N_KINDS));
	(void)http_digest_wanted(
		head, HTTP_H_WANT_REPR_DIGEST, BIT(HTTP_DIGEST_N_KINDS) - 1, 0);
	(void)http_range_read(http_head_get(head, HTTP_H_RANGE), 1000, &ranges);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span bytes = span_of((const char *)data, size);
	struct http_head whole, slow;
	int slow_rc = HTTP_HEAD_MORE;

	http_head_init(&whole);
	int rc = http_head_parse(&whole, bytes);
	http_head_init(&slow);
	for (size_t n = 0; n <= size && slow_rc == HTTP_HEAD_MORE; n++)
		slow_rc = http_head_parse(&slow, span_of(bytes.p, n));

	assert(rc == slow_rc && whole.status == slow.status && whole.why == slow.why);
	assert(whole.n_fields == slow.n_fields && whole.n_bytes == slow.n_bytes);
	assert((rc == HTTP_HEAD_BAD) == (whole.status >= 400 && whole.why));
	if (rc == HTTP_HEAD_DONE)
		use(&whole, bytes);
	return 0;
}
