/* SPDX-License-Identifier: MIT */
#pragma once

#include "cmocka_all.h"

#include "base/span.h"

/* @text is what @s must hold; NULL: there must be none. */
static inline void assert_span(struct span s, const char *text)
{
	if (!text) {
		assert_null(s.p);
		return;
	}
	if (!span_eq(s, span_str(text)))
		fail_msg("\"%.*s\" is not \"%s\"", SPAN_FMT(s), text);
	assert_non_null(s.p);
}
