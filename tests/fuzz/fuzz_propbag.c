/* SPDX-License-Identifier: MIT */

/* Whatever the bytes are: what is read lies in them, and a property set is found, removed is
 * not. */

#include "dav/propbag.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_inside(struct span s, struct span text)
{
	assert(s.p >= text.p && s.p + s.n <= text.p + text.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span bag = span_of((const char *)data, size), rest = bag;
	static const struct xml_name name = {SPAN("urn:x"), SPAN("n")};
	AUTO_BUF set = BUF_INIT(2 * size + 1024);
	AUTO_BUF removed = BUF_INIT(2 * size + 1024);
	struct propbag_item item;

	while (propbag_next(&rest, &item)) {
		check_inside(item.name.ns, bag);
		check_inside(item.name.local, bag);
		check_inside(item.xml, bag);
		assert(propbag_find(bag, item.name).p);
	}
	if (propbag_set(&set, bag, name, SPAN("<n/>")) && !set.failed)
		assert(span_eq(propbag_find(buf_span(&set), name), SPAN("<n/>")));
	bool fits = propbag_set(&removed, buf_span(&set), name, SPAN_NONE);
	assert(fits && !propbag_find(buf_span(&removed), name).p);
	return 0;
}
