/* SPDX-License-Identifier: MIT */

#include "service/drive/mtime.h"

#include "base/date.h"
#include "base/num.h"
#include "base/util.h"

#define SEC_MOST \
	(INT64_MAX / (int64_t)NS_PER_SEC - 1) /* the year 2262; a fraction still fits in */

static bool in_ns(int64_t sec, int64_t *ns)
{
	if (sec < -SEC_MOST || sec > SEC_MOST)
		return false;
	*ns = sec * (int64_t)NS_PER_SEC;
	return true;
}

bool mtime_of_seconds(struct span text, int64_t *ns)
{
	uint64_t sec;
	bool is_before = text.n && text.p[0] == '-';
	struct span digits = is_before ? span_from(text, 1) : text;

	if (!num_u64(span_of(digits.p, span_find(digits, '.')), &sec) || sec > SEC_MOST)
		return false;
	return in_ns(is_before ? -(int64_t)sec : (int64_t)sec, ns);
}

bool mtime_of_date(struct span text, int64_t *ns)
{
	int64_t sec;

	return date_read_http(text, &sec) && in_ns(sec, ns);
}
