/* SPDX-License-Identifier: MIT */

#include "http/accept.h"

#include "http/list.h"

enum fit { NO_FIT, ANYTHING, SAME_TYPE, ITSELF };

/* "text" followed by slash and star fits every text type. */
static enum fit fit_of(struct span range, struct span what)
{
	if (span_ieq(range, what))
		return ITSELF;
	if (span_eq(range, SPAN("*/*")) || span_eq(range, SPAN("*")))
		return ANYTHING;

	size_t slash = span_find(what, '/');
	bool same_type = span_ends(range, SPAN("/*")) && range.n == slash + 2
			 && span_ieq(span_of(range.p, slash), span_of(what.p, slash));
	return same_type ? SAME_TYPE : NO_FIT;
}

/* "1", "0.5", "0.123", "1.000" in thousandths; 0 for what is none of these. */
static unsigned weight_of(struct span q)
{
	unsigned weight = 0, worth = 1000;

	if (!q.n || q.n > 5 || (q.n > 1 && q.p[1] != '.'))
		return 0;
	for (size_t i = 0; i < q.n; i++) {
		if (i == 1)
			continue;
		if (q.p[i] < '0' || q.p[i] > '9')
			return 0;
		weight += worth * (unsigned)(q.p[i] - '0');
		worth /= 10;
	}
	return weight <= 1000 ? weight : 0;
}

static unsigned weight_in(struct span params)
{
	struct span name, value;

	while (http_list_param(&params, &name, &value)) {
		if (span_ieq(name, SPAN("q")))
			return weight_of(value);
	}
	return 1000;
}

/* The best fit for @what in the field, and its weight in *@weight. */
static enum fit best_fit(const struct http_head *head, enum http_field_id id,
	struct span what, unsigned *weight)
{
	struct http_items items = http_head_items(head, id);
	enum fit best = NO_FIT;
	struct span item;

	*weight = 0;
	while (http_head_next_item(&items, &item)) {
		size_t n = span_find(item, ';');
		enum fit fit = fit_of(span_trim(span_of(item.p, n)), what);

		if (fit > best) {
			best = fit;
			*weight = weight_in(span_from(item, n));
		}
	}
	return best;
}

unsigned http_accept_weight(
	const struct http_head *head, enum http_field_id id, struct span what)
{
	unsigned weight;

	(void)best_fit(head, id, what, &weight); /* no fit weighs nothing */
	return weight;
}

bool http_accept_html(const struct http_head *head)
{
	unsigned weight;

	return best_fit(head, HTTP_H_ACCEPT, SPAN("text/html"), &weight) == ITSELF
	       && weight > 0;
}
