/* SPDX-License-Identifier: MIT */

/*
 * Any bytes are a PROPFIND, PROPPATCH or LOCK body or are refused; how they come in pieces
 * makes no difference; and what a PROPPATCH sets can be read again out of a 207.
 */

#include "dav/lockinfo.h"
#include "dav/multistatus.h"
#include "dav/propfind.h"
#include "dav/proppatch.h"

#include "base/util.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int on_open(void *arg, const struct xml_element *el)
{
	(void)arg, (void)el;
	return XML_OK;
}

static int on_text(void *arg, struct span text, unsigned depth)
{
	(void)arg, (void)text, (void)depth;
	return XML_OK;
}

static void must_be_well_formed(struct span document)
{
	static const struct xml_ops ops = {on_open, on_text, on_open};
	struct xml *xml = malloc(sizeof(*xml));

	assert(xml);
	xml_init(xml, &ops, NULL, document.n);
	int result = xml_feed(xml, document);
	if (result == XML_OK)
		result = xml_end(xml);
	assert(result == XML_OK || result == XML_TOO_BIG); /* one deeper than it was */
	xml_fini(xml);
	free(xml);
}

static void try_propfind(struct span body, size_t piece, struct buf *out)
{
	static const struct multistatus_facts facts = {.has = PROP_BIT(PROP_GETETAG)};
	static const struct multistatus_href href = {.folder = SPAN("/")};
	struct propfind want;
	int result = XML_OK;

	propfind_init(&want);
	for (size_t at = 0; at < body.n && result == XML_OK; at += piece)
		result =
			propfind_feed(&want, span_of(body.p + at, MIN(piece, body.n - at)));
	if (result == XML_OK)
		result = propfind_end(&want);
	if (result == XML_OK) {
		multistatus_begin(out, want.known);
		multistatus_answer(out, &href, &want, &facts, false);
		multistatus_end(out);
	}
	buf_put_u64(out, (uint64_t)result);
	propfind_fini(&want);
}

static void propfind_does_not_care_for_pieces(struct span body, size_t piece)
{
	AUTO_BUF whole = BUF_INIT(4 << 20), pieces = BUF_INIT(4 << 20);

	try_propfind(body, body.n, &whole);
	try_propfind(body, piece, &pieces);
	assert(span_eq(buf_span(&whole), buf_span(&pieces)));
	assert(!whole.failed);
	if (whole.p[0] == '<') {
		whole.n--; /* the result, 0 */
		must_be_well_formed(buf_span(&whole));
	}
}

static void proppatch_values_stand_alone(struct span body)
{
	AUTO_BUF answer = BUF_INIT(4 << 20);
	struct proppatch patch;

	proppatch_init(&patch);
	if (proppatch_feed(&patch, body) == XML_OK && proppatch_end(&patch) == XML_OK) {
		multistatus_begin(&answer, 0);
		for (size_t i = 0; i < patch.n_ops; i++) {
			if (patch.ops[i].is_remove)
				multistatus_put_name(&answer, &patch.ops[i].prop);
			else
				multistatus_put_fragment(&answer, patch.ops[i].xml);
		}
		multistatus_end(&answer);
		assert(!answer.failed);
		must_be_well_formed(buf_span(&answer));
	}
	proppatch_fini(&patch);
}

static void lock_owners_stand_alone(struct span body)
{
	struct lockinfo info;

	lockinfo_init(&info);
	if (lockinfo_feed(&info, body) == XML_OK && lockinfo_end(&info) == XML_OK
		&& info.owner.n)
		must_be_well_formed(buf_span(&info.owner));
	lockinfo_fini(&info);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span body = span_of((const char *)data, size);

	if (!size)
		return 0;
	propfind_does_not_care_for_pieces(body, 1 + data[0] % 7);
	proppatch_values_stand_alone(body);
	lock_owners_stand_alone(body);
	return 0;
}
