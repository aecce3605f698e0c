/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * lockinfo - what a LOCK asks for (RFC 4918 14.11).
 *
 * Used as propfind is. A LOCK without a body is a refresh: lockinfo_end says
 * XML_EMPTY then, and the caller looks at the If header.
 */

#include "base/buf.h"
#include "dav/fragment.h"
#include "dav/xml.h"

#define LOCKINFO_MAX_BODY_BYTES  (16 * 1024u)
#define LOCKINFO_MAX_OWNER_BYTES (4 * 1024u)

struct lockinfo {
	bool is_shared;   /* or exclusive */
	struct buf owner; /* the whole <owner> element, to go into lockdiscovery as it is;
			     empty if there was none */

	/* The parser's own. */
	struct fragment fragment;
	bool has_exclusive, has_shared, has_write, in_owner;
	bool in_scope, in_type;
	struct xml xml;
};

/* @info must not move until lockinfo_fini. */
void lockinfo_init(struct lockinfo *info);
void lockinfo_fini(struct lockinfo *info);

/* As their xml_ namesakes; XML_OK means one scope, and the type write. */
[[nodiscard]] int lockinfo_feed(struct lockinfo *info, struct span bytes);
[[nodiscard]] int lockinfo_end(struct lockinfo *info);
