/* SPDX-License-Identifier: MIT */

/* Any bytes are a file's time, a page's origin, kept digests, a name in the trash, or are
 * refused. */

#include "base/date.h"
#include "base/util.h"
#include "service/drive/digests.h"
#include "service/drive/fs/touch.h"
#include "service/drive/fs/trashed.h"
#include "service/drive/mtime.h"
#include "service/drive/origin.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void as_time(struct span s)
{
	int64_t ns;

	if (!mtime_of_seconds(s, &ns) && !mtime_of_date(s, &ns))
		return;
	assert(ns != FS_MTIME_NOW && ns % (int64_t)NS_PER_SEC == 0);
	assert(date_sec(fs_touch_time(ns)) == ns / (int64_t)NS_PER_SEC);
}

static void as_origin(struct span s)
{
	char name[] = "nas.lan";
	char *const names[] = {name};
	struct span site, rest = s;

	(void)origin_is_ours(
		s, names, ARRAY_LEN(names)); /* any answer, as long as it ends */
	if (span_cut(&rest, '\n', &site))
		(void)origin_is_foreign(SPAN_NONE, site, rest);
	assert(!origin_is_foreign(SPAN_NONE, SPAN_NONE, s));
}

static void as_digests(struct span s)
{
	struct fs_digests kept = {.n = MIN(s.n, sizeof(kept.bytes))}, again;
	struct http_digests digests;

	memcpy(kept.bytes, s.p, kept.n);
	digests_unpack(&kept, &digests);
	digests_pack(&digests, &again);
	assert(again.n <= kept.n);
	if (again.n > 1)
		assert(memcmp(again.bytes + 1, kept.bytes + 1, again.n - 1) == 0);
}

static void as_trashed(struct span s)
{
	static const char key[] = "0123456789abcdef";
	char *name = strndup(s.p, s.n);
	struct fs_trashed kept, again;

	assert(name);
	if (fs_trashed_read(key, name, &kept)) {
		fs_trashed_name(&kept, key);
		assert(fs_trashed_read(key, kept.where + sizeof(key), &again));
		assert(again.time_ns == kept.time_ns && again.is_deleted == kept.is_deleted
			&& again.is_measured == kept.is_measured
			&& again.size == kept.size);
		assert(strcmp(again.user, kept.user) == 0 && strcmp(again.id, kept.id) == 0
			&& strcmp(again.where, kept.where) == 0);
	}
	free(name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span s = span_of((const char *)data, size);

	if (!size)
		return 0;
	as_time(s);
	as_origin(s);
	as_digests(s);
	as_trashed(s);
	return 0;
}
