/* SPDX-License-Identifier: MIT */

#include "http/cond.h"

#include "base/date.h"

typedef bool same_fn(struct http_etag a, struct http_etag b);

/* Whether a line of that field is "*" and something is there, or names the present tag. */
static bool matches(const struct http_head *head, enum http_field_id id,
	const struct http_now *now, same_fn *same)
{
	unsigned place = http_head_first(head, id);

	for (; now->exists && place; place = http_head_next(head, place)) {
		struct span rest = http_head_value(head, place);
		struct http_etag etag;

		if (span_eq(rest, SPAN("*")))
			return true;
		while (http_etag_next(&rest, &etag)) {
			if (same(etag, now->etag))
				return true;
		}
	}
	return false;
}

/* Whether it was changed after the date in that field; @otherwise without date or mtime. */
static bool changed_since(const struct http_head *head, enum http_field_id id,
	const struct http_now *now, bool otherwise)
{
	int64_t date_sec;

	if (!http_head_has(head, id) || !now->exists || !now->has_mtime
		|| !date_read_http(http_head_get(head, id), &date_sec))
		return otherwise;
	return now->mtime_sec > date_sec;
}

int http_cond_check(const struct http_head *head, const struct http_now *now)
{
	bool reads = head->method == HTTP_GET || head->method == HTTP_HEAD;

	if (http_head_has(head, HTTP_H_IF_MATCH)) {
		if (!matches(head, HTTP_H_IF_MATCH, now, http_etag_equal_strong))
			return HTTP_COND_FAILED;
	} else if (changed_since(head, HTTP_H_IF_UNMODIFIED_SINCE, now, false)) {
		return HTTP_COND_FAILED;
	}

	if (http_head_has(head, HTTP_H_IF_NONE_MATCH)) {
		if (matches(head, HTTP_H_IF_NONE_MATCH, now, http_etag_equal_weak))
			return reads ? HTTP_COND_NOT_MODIFIED : HTTP_COND_FAILED;
	} else if (reads && !changed_since(head, HTTP_H_IF_MODIFIED_SINCE, now, true)) {
		return HTTP_COND_NOT_MODIFIED;
	}
	return HTTP_COND_PROCEED;
}

bool http_cond_range(const struct http_head *head, const struct http_now *now)
{
	struct span value = http_head_get(head, HTTP_H_IF_RANGE);
	struct http_etag etag;
	int64_t date_sec;

	if (!value.p)
		return true;
	if (http_etag_read(value, &etag))
		return http_etag_equal_strong(etag, now->etag);
	return date_read_http(value, &date_sec) && now->has_mtime && !now->etag.weak
	       && date_sec == now->mtime_sec;
}
