/* SPDX-License-Identifier: MIT */

#include "dav/if_header.h"

static void skip_space(struct span *rest)
{
	while (rest->n && (rest->p[0] == ' ' || rest->p[0] == '\t'))
		*rest = span_from(*rest, 1);
}

static bool take_byte(struct span *rest, char byte)
{
	if (!rest->n || rest->p[0] != byte)
		return false;
	*rest = span_from(*rest, 1);
	return true;
}

/* Whether no byte of @s is below @least or DEL. */
static bool all_from(struct span s, unsigned char least)
{
	for (size_t i = 0; i < s.n; i++) {
		if ((unsigned char)s.p[i] < least || s.p[i] == 0x7f)
			return false;
	}
	return true;
}

/* "<...>" off the front of *@rest, without its brackets. */
static bool take_bracketed(struct span *rest, struct span *uri)
{
	if (!take_byte(rest, '<'))
		return false;
	*uri = span_of(rest->p, span_find(*rest, '>'));
	*rest = span_from(*rest, uri->n);
	return take_byte(rest, '>') && uri->n && all_from(*uri, '!')
	       && span_find(*uri, '<') == uri->n;
}

/* "[W/"..."]" off the front of *@rest, without its brackets. The quotes may hold a ']'. */
static bool take_etag(struct span *rest, struct span *etag)
{
	if (!take_byte(rest, '['))
		return false;

	const char *start = rest->p;
	if (span_starts(*rest, SPAN("W/")))
		*rest = span_from(*rest, 2);
	if (!take_byte(rest, '"'))
		return false;
	*rest = span_from(*rest, span_find(*rest, '"'));
	if (!take_byte(rest, '"'))
		return false;
	*etag = span_of(start, (size_t)(rest->p - start));
	/* A space is no etagc, but stands in RFC 4918's own examples. */
	return take_byte(rest, ']') && all_from(*etag, ' ');
}

static bool take_not(struct span *rest)
{
	if (rest->n < 3 || !span_ieq(span_of(rest->p, 3), SPAN("Not")))
		return false;
	*rest = span_from(*rest, 3);
	skip_space(rest);
	return true;
}

/* An absolute URI, as a state token is: a scheme and a colon. */
static bool has_scheme(struct span uri)
{
	size_t colon = span_find(uri, ':');

	return colon > 0 && colon < uri.n && span_find(uri, '/') > colon;
}

static int take_condition(struct span *rest, struct if_header *out)
{
	if (out->n_conditions == IF_HEADER_MAX_CONDITIONS)
		return IF_HEADER_TOO_LONG;

	struct if_condition *c = &out->conditions[out->n_conditions++];
	c->negated = take_not(rest);
	if (take_bracketed(rest, &c->text)) {
		c->kind = IF_TOKEN;
		return has_scheme(c->text) ? IF_HEADER_OK : IF_HEADER_MALFORMED;
	}
	c->kind = IF_ETAG;
	return take_etag(rest, &c->text) ? IF_HEADER_OK : IF_HEADER_MALFORMED;
}

/* "(" 1*condition ")"; the opening parenthesis is taken already. */
static int take_list(struct span *rest, struct span resource, struct if_header *out)
{
	if (out->n_lists == IF_HEADER_MAX_LISTS)
		return IF_HEADER_TOO_LONG;

	struct if_list *list = &out->lists[out->n_lists++];
	*list = (struct if_list){.resource = resource, .first = out->n_conditions};
	for (;;) {
		skip_space(rest);
		if (take_byte(rest, ')'))
			break;
		int result = take_condition(rest, out);
		if (result != IF_HEADER_OK)
			return result;
		list->n++;
	}
	return list->n ? IF_HEADER_OK : IF_HEADER_MALFORMED;
}

int if_header_parse(struct span text, struct if_header *out)
{
	struct span rest = text, resource = SPAN_NONE;
	bool tag_needs_list = false;
	int result = IF_HEADER_OK;

	out->n_lists = out->n_conditions = 0;
	for (skip_space(&rest); rest.n && result == IF_HEADER_OK; skip_space(&rest)) {
		if (take_byte(&rest, '(')) {
			result = take_list(&rest, resource, out);
			tag_needs_list = false;
			continue;
		}
		/* All lists are tagged or none is, and a tag has a list. */
		if (tag_needs_list || (out->n_lists && !resource.p)
			|| !take_bracketed(&rest, &resource))
			return IF_HEADER_MALFORMED;
		tag_needs_list = true;
	}
	if (result != IF_HEADER_OK)
		return result;
	return out->n_lists && !tag_needs_list ? IF_HEADER_OK : IF_HEADER_MALFORMED;
}

bool if_header_holds(const struct if_header *header,
	bool (*matches)(
		void *arg, struct span resource, const struct if_condition *condition),
	void *arg)
{
	for (size_t i = 0; i < header->n_lists; i++) {
		const struct if_list *list = &header->lists[i];
		size_t n_true = 0;

		while (n_true < list->n) {
			const struct if_condition *c =
				&header->conditions[list->first + n_true];

			if (matches(arg, list->resource, c) == c->negated)
				break;
			n_true++;
		}
		if (n_true == list->n)
			return true;
	}
	return false;
}

bool if_header_submits(const struct if_header *header, struct span token)
{
	for (size_t i = 0; i < header->n_conditions; i++) {
		const struct if_condition *c = &header->conditions[i];

		if (c->kind == IF_TOKEN && span_eq(c->text, token))
			return true;
	}
	return false;
}
