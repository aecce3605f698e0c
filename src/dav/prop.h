/* SPDX-License-Identifier: MIT */
#pragma once

/* prop - the names of the properties we know (props.def), as numbers and back. */

#include "base/span.h"
#include "dav/xml.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

enum prop_id {
	PROP_UNKNOWN, /* anything not in props.def: it is known by its xml_name only */
#define PROP(ID, ns, local, in_allprop, is_protected) PROP_##ID,
#include "dav/props.def"
#undef PROP
	N_PROPS,
};
static_assert(N_PROPS <= 64, "a set of properties is the bits of a uint64_t");

#define PROP_BIT(id) (UINT64_C(1) << (id))

/* The namespaces of props.def and the prefixes a 207 gives them. */
#define PROP_NS_D "DAV:"
#define PROP_NS_A "http://apache.org/dav/props/"
#define PROP_NS_O "http://owncloud.org/ns"
#define PROP_NS_W "urn:schemas-microsoft-com:"

static inline bool prop_is_dav(struct xml_name name, struct span local)
{
	return span_eq(name.local, local) && span_eq(name.ns, SPAN(PROP_NS_D));
}

enum prop_ns { PROP_IN_D, PROP_IN_A, PROP_IN_O, PROP_IN_W };

/* A property by number if it is known, and always by name. */
struct prop_ref {
	enum prop_id id;
	struct xml_name name;
};

/* Exact, as XML is: case counts. */
enum prop_id prop_find(struct xml_name name);

struct xml_name prop_name(enum prop_id id); /* not of PROP_UNKNOWN */
enum prop_ns prop_ns(enum prop_id id);      /* not of PROP_UNKNOWN */

/* Whether a PROPPATCH of it is to be refused with cannot-modify-protected-property. */
bool prop_protected(enum prop_id id);

/* What allprop asks for, as PROP_BITs. */
uint64_t prop_allprop(void);
