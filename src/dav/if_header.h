/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * if_header - the If request header (RFC 4918 10.4): what a client says it knows.
 *
 *   If: <url> (<token> ["etag"]) (Not <token>) <url2> (...)     tagged lists
 *   If: (<token> ["etag"]) (Not <token>)                        untagged lists
 *
 * A list holds if all its conditions do; the header holds if any list does.
 * Pure: whether a condition holds is asked of the caller.
 */

#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>

#define IF_HEADER_MAX_LISTS      32u
#define IF_HEADER_MAX_CONDITIONS 64u /* of all lists together */

enum if_header_outcome {
	IF_HEADER_OK = 0,
	IF_HEADER_MALFORMED, /* answer 400 */
	IF_HEADER_TOO_LONG,  /* past the limits above: answer 400 as well */
};

enum if_condition_kind { IF_TOKEN, IF_ETAG };

struct if_condition {
	enum if_condition_kind kind;
	bool negated;     /* "Not": looked at by if_header_holds, not by its caller */
	struct span text; /* a token's URI without <>, or an etag with its quotes and W/ */
};

struct if_list {
	struct span resource; /* the URL as written; SPAN_NONE for the request's own */
	size_t first, n;      /* of if_header.conditions */
};

/* Its spans point into the header's text. */
struct if_header {
	struct if_list lists[IF_HEADER_MAX_LISTS];
	size_t n_lists;
	struct if_condition conditions[IF_HEADER_MAX_CONDITIONS];
	size_t n_conditions;
};

/* An outcome. Unless it is IF_HEADER_OK, *@out is of no use. */
[[nodiscard]] int if_header_parse(struct span text, struct if_header *out);

/**
 * if_header_holds - evaluate the header.
 *
 * @matches says whether @condition, taken without its Not, is true of @resource
 * (SPAN_NONE: the request's own): the resource has that etag, or is locked with
 * that token. It is asked only as long as the answer matters.
 */
[[nodiscard]] bool if_header_holds(const struct if_header *header,
	bool (*matches)(
		void *arg, struct span resource, const struct if_condition *condition),
	void *arg);

/* Whether @token is submitted: it stands anywhere in the header, even behind a Not. */
[[nodiscard]] bool if_header_submits(const struct if_header *header, struct span token);
