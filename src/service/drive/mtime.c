/* SPDX-License-Identifier: MIT */

#include "service/drive/mtime.h"

#include "base/date.h"
#include "base/num.h"
#include "base/util.h"

bool mtime_of_seconds(struct span text, int64_t *ns)
{
	uint64_t sec;
	struct span whole = span_of(text.p, span_find(text, '.'));

	if (!num_u64(whole, &sec) || sec > INT64_MAX / NS_PER_SEC)
		return false;
	*ns = (int64_t)(sec * NS_PER_SEC);
	return true;
}

bool mtime_of_date(struct span text, int64_t *ns)
{
	int64_t sec;

	if (!date_read_http(text, &sec))
		return false;
	*ns = sec * (int64_t)NS_PER_SEC;
	return true;
}
