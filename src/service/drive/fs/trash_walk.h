/* SPDX-License-Identifier: MIT */
#pragma once

/* trash_walk - all versions in the trash, bucket by bucket, in constant memory. */

#include "service/drive/fs/list.h"
#include "service/drive/fs/trash.h"

enum {
	FS_TRASH_WALK_RENAMED = 16, /* trees of one bucket that one walk measures */
};

/* Large: not for the stack. */
struct fs_trash_walk {
	const struct fs_root *root; /* borrowed */
	struct fs_list buckets, versions;
	bool is_inside;
	unsigned n_versions; /* of this bucket, that were seen and stay */
	unsigned n_renamed;  /* of them were measured just now, */
	int64_t renamed_ns[FS_TRASH_WALK_RENAMED]; /* which are of these times */
	char key[FS_BUCKET_KEY_MAX];
	char path[FS_PATH_MAX]; /* what the version had, until the next call */
};

/* FS_OK, and fs_trash_walk_close ends it; FS_NOT_FOUND where there is no trash. */
[[nodiscard]] enum fs_result fs_trash_walk_open(
	struct fs_trash_walk *walk, const struct fs_root *root);

/* FS_OK with a version, FS_END, or why not. Tidies up after who died. */
[[nodiscard]] enum fs_result fs_trash_walk_next(
	struct fs_trash_walk *walk, struct fs_trashed *out);

/**
 * fs_trash_walk_measure, fs_trash_walk_purge - fs_trash_measure and fs_trash_purge for the
 * version that fs_trash_walk_next gave last.
 *
 * The walk does not give it again, and ends a bucket that has become empty.
 */
void fs_trash_walk_measure(struct fs_trash_walk *walk, struct fs_trashed *version,
	const struct fs_watch *watch);
[[nodiscard]] enum fs_result fs_trash_walk_purge(struct fs_trash_walk *walk,
	const struct fs_trashed *version, const struct fs_watch *watch);

void fs_trash_walk_close(struct fs_trash_walk *walk);
