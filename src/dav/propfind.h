/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * propfind - what a PROPFIND asks for (RFC 4918 9.1).
 *
 * propfind_init, feed the body as it comes (or not at all), propfind_end; then
 * the fields are the answer. Property names live until propfind_fini.
 */

#include "base/arena.h"
#include "dav/prop.h"
#include "dav/xml.h"

#define PROPFIND_MAX_BODY_BYTES (64 * 1024u)
#define PROPFIND_MAX_PROPS      256u

enum propfind_kind {
	PROPFIND_ALLPROP,  /* also for an empty body */
	PROPFIND_PROPNAME, /* names only */
	PROPFIND_PROP,     /* those in props */
};

struct propfind {
	enum propfind_kind kind;

	/*
	 * In the order asked for, each once. For PROPFIND_ALLPROP what its <include>
	 * asked for; it may name what allprop gives anyway.
	 */
	struct prop_ref *props;
	size_t n_props;
	uint64_t known; /* PROP_BITs of props; for PROPFIND_ALLPROP also what it stands for
			 */
	bool has_unknown; /* one of props is PROP_UNKNOWN */

	/* The parser's own. */
	struct arena arena;
	bool has_kind, has_include, in_list;
	struct xml xml;
};

/* @want must not move until propfind_fini. */
void propfind_init(struct propfind *want);
void propfind_fini(struct propfind *want);

/* Both as their xml_ namesakes; xml_status gives the status to answer with. */
[[nodiscard]] int propfind_feed(struct propfind *want, struct span bytes);
[[nodiscard]] int propfind_end(struct propfind *want);
