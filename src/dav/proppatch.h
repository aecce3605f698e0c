/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * proppatch - what a PROPPATCH sets and removes, in the order it says (RFC 4918 9.2).
 *
 * Used as propfind is; everything in ops lives until proppatch_fini. Nothing is
 * carried out here, and all of it or nothing is to be: that is the caller's.
 */

#include "base/arena.h"
#include "base/buf.h"
#include "dav/fragment.h"
#include "dav/prop.h"
#include "dav/xml.h"

#define PROPPATCH_MAX_BODY_BYTES (256 * 1024u)
#define PROPPATCH_MAX_OPS        256u

struct proppatch_op {
	bool is_remove;
	struct prop_ref prop;

	/* Only of a set: */
	struct span xml;  /* the whole element, to be put into a 207 as it is */
	struct span text; /* its text; SPAN_NONE if it holds elements */
	struct span lang; /* xml:lang, its own or inherited; SPAN_NONE if none */
};

struct proppatch {
	struct proppatch_op *ops;
	size_t n_ops;

	bool is_mkcol;      /* it is of an extended MKCOL (RFC 5689): nothing is removed */
	bool is_other_type; /* its resourcetype is not just a collection */

	/* The parser's own. */
	struct arena arena;
	struct buf value, text;
	struct fragment fragment;
	struct span langs[4]; /* at depth 1 to 4, inherited ones filled in */
	bool in_op, is_remove, in_prop;
	struct xml xml;
};

/* @patch must not move until proppatch_fini. */
void proppatch_init(struct proppatch *patch);
void proppatch_init_mkcol(struct proppatch *patch);
void proppatch_fini(struct proppatch *patch);

/* As their xml_ namesakes; a body that asks for nothing is XML_UNEXPECTED. */
[[nodiscard]] int proppatch_feed(struct proppatch *patch, struct span bytes);
[[nodiscard]] int proppatch_end(struct proppatch *patch);
