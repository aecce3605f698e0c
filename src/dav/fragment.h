/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * fragment - an element out of a document, written so that it stands by itself.
 *
 * Prefixes are kept, because values may hold prefixed names; the fragment's
 * first element therefore declares every namespace in scope. Comments and
 * processing instructions are gone. It can be put into any document that has
 * no default namespace at that place.
 */

#include "base/buf.h"
#include "dav/xml.h"

struct fragment {
	struct buf *out;
	struct span lang; /* what xml:lang to give the first element if it has none */
	unsigned root;    /* the first element's depth; 0 before it */
	bool tag_is_open; /* the last start tag still lacks its '>' */
};

/* @out is borrowed and may already hold bytes. @lang may be SPAN_NONE. */
#define FRAGMENT_INIT(out_buf, inherited_lang) \
	((struct fragment){.out = (out_buf), .lang = (inherited_lang)})

void fragment_open(struct fragment *fragment, const struct xml_element *el);
void fragment_text(struct fragment *fragment, struct span text);
void fragment_close(struct fragment *fragment, const struct xml_element *el);

/* The value of xml:lang at @el; SPAN_NONE if it has none. */
struct span fragment_lang(const struct xml_element *el);
