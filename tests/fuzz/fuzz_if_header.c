/* SPDX-License-Identifier: MIT */

/* Whatever an If header says, what was read of it points into it and can be evaluated. */

#include "dav/if_header.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_inside(struct span s, struct span text)
{
	return s.p >= text.p && s.p + s.n <= text.p + text.n && s.n;
}

static bool count(void *arg, struct span resource, const struct if_condition *condition)
{
	(void)resource;
	++*(size_t *)arg;
	return condition->kind == IF_TOKEN;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_of((const char *)data, size);
	struct if_header header;
	size_t n_asked = 0, n_conditions = 0;

	if (if_header_parse(text, &header) != IF_HEADER_OK)
		return 0;
	assert(header.n_lists);
	for (size_t i = 0; i < header.n_lists; i++) {
		const struct if_list *list = &header.lists[i];

		assert(list->first == n_conditions && list->n);
		assert(!list->resource.p || is_inside(list->resource, text));
		assert(!list->resource.p == !header.lists[0].resource.p);
		n_conditions += list->n;
	}
	assert(n_conditions == header.n_conditions);
	for (size_t i = 0; i < n_conditions; i++) {
		struct span piece = header.conditions[i].text;

		assert(is_inside(piece, text));
		if (header.conditions[i].kind == IF_TOKEN)
			assert(if_header_submits(&header, piece));
	}
	(void)if_header_holds(&header, count, &n_asked); /* either is right here */
	assert(n_asked && n_asked <= n_conditions);
	return 0;
}
