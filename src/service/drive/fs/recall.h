/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * recall - what listings ask of files, remembered until the files change.
 *
 * Properties and digests lie in attributes, and each costs a system call for
 * every entry. Neither changes without the file's ctime, which a listing looks
 * at in any case: so what was read of a file holds as long as it has the same.
 * Only a change within one tick of the clock could go unseen, so nothing is
 * kept of a file until its ctime is seconds old (cache.h tells that story).
 * What lies in a file of its own under .prefork/props/ is not kept: that can
 * change alone.
 *
 * A table of a fixed size, touched as far as it is used. A file has a few places
 * in it, and takes another's only if none of them is free. One process, one table.
 */

#include "service/drive/fs/digests.h"
#include "service/drive/fs/props.h"

struct fs_recall {
	struct fs_recall_slot *slots; /* owned */
	size_t n_slots;               /* 0: nothing is remembered */
	size_t n_displaced;
	int64_t min_age_ns;
};

/* For at most @bytes, which may be 0. @min_age_ns is FS_CACHE_MIN_AGE_NS, but for tests.
 * FS_OK, and fs_recall_fini ends it; FS_NO_MEMORY. */
[[nodiscard]] enum fs_result fs_recall_init(
	struct fs_recall *recall, size_t bytes, int64_t min_age_ns);
void fs_recall_fini(struct fs_recall *recall);

/* As fs_digests_read_at. @info is what was just seen of the entry. */
void fs_recall_digests(struct fs_recall *recall, const struct fs_root *root, int dir,
	const char *name, const struct fs_info *info, struct fs_digests *out);

/* As fs_props_read_at. */
[[nodiscard]] enum fs_result fs_recall_props(struct fs_recall *recall,
	const struct fs_root *root, int dir, const char *name, const struct fs_info *info,
	struct buf *out);
