/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * propbag - a resource's dead properties as one run of bytes, to be stored as it is.
 *
 * Each is a line of three lengths and then a namespace, a local name and the
 * whole element (dav/fragment.h):
 *
 *   6 1 21
 *   urn:xn<n xmlns="urn:x">1</n>
 */

#include "base/buf.h"
#include "dav/xml.h"

#define PROPBAG_MAX_PROPS 256u

struct propbag_item {
	struct xml_name name;
	struct span xml; /* the element */
};

/* Takes the next off the front of *@rest. False at the end, and where the bytes are none
 * of ours: nothing more can be read of them then. */
bool propbag_next(struct span *rest, struct propbag_item *out);

/* The element of that name; SPAN_NONE if there is none. */
struct span propbag_find(struct span bag, struct xml_name name);

void propbag_put(struct buf *out, const struct propbag_item *item);

/**
 * propbag_set - put @bag into the empty @out, with @xml as the property @name.
 *
 * SPAN_NONE removes it. Returns false, with @out of no use, where that would be
 * more than PROPBAG_MAX_PROPS.
 */
[[nodiscard]] bool propbag_set(
	struct buf *out, struct span bag, struct xml_name name, struct span xml);
