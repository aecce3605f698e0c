/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * trash - where what is deleted or replaced waits before it is gone for good.
 *
 * A version stands in its path's bucket (bucket.h), so it always has a path; its own
 * name says the rest (when, why, how large, by whom), so that one rename, or one link,
 * keeps it. Whoever dies meanwhile leaves a thing where it was, or in the trash, or both.
 *
 * Only what is on the root's own mount is kept: the rest would have to be copied.
 * root->trash is -1 where nothing is kept at all.
 */

#include "service/drive/fs/bucket.h"
#include "service/drive/fs/guard.h"
#include "service/drive/fs/trashed.h"
#include "service/drive/fs/watch.h"

enum {
	FS_TRASH_VERSIONS_MOST = 16, /* of one path; the oldest go, now and then */
};

/* Tells the root's watch (fs_options) of what stood at @path. */
void fs_trash_unkept(const struct fs_root *root, const char *path, enum fs_result why);

/**
 * fs_trash_move - move what stands at @place, as @guard saw it, into the trash.
 *
 * FS_OK. FS_UNSUPPORTED where it cannot be kept, which the root's watch is told unless it
 * was never to be: it stands where it did, and the caller goes on as if there were no
 * trash. FS_NO_SPACE, likewise, only to a guard that insists: the caller leaves it, makes
 * room (fs_trim_for), and comes again.
 */
[[nodiscard]] enum fs_result fs_trash_move(const struct fs_root *root,
	const struct fs_place *place, const struct fs_guard *guard, bool is_deleted,
	struct fs_trashed *out);

/**
 * fs_trash_link - keep the file or link at @place, which is about to be renamed over.
 *
 * It has two names then, so that it is never absent. As above; FS_UNSUPPORTED for an
 * empty file, which has nothing to lose. @out->where goes with fs_trash_undo if it
 * is not replaced after all; "" where it is not kept.
 */
[[nodiscard]] enum fs_result fs_trash_link(const struct fs_root *root,
	const struct fs_place *place, const struct fs_guard *guard, struct fs_trashed *out);

/**
 * fs_trash_tidy - remove the oldest versions of the path of @kept, one time in eight.
 *
 * With no lock held: it may take long. Nothing where @kept->where is "".
 */
void fs_trash_tidy(const struct fs_root *root, const struct fs_trashed *kept);

/* It stands at @place after all. */
void fs_trash_undo(
	const struct fs_root *root, const struct fs_place *place, struct fs_trashed *kept);

/**
 * fs_trash_measure - find out how large a tree is, and write it into its name.
 *
 * FS_OK; FS_OUTSIDE where another file system is mounted in it; FS_CANCELLED; ...
 */
[[nodiscard]] enum fs_result fs_trash_measure(
	const struct fs_root *root, struct fs_trashed *kept, const struct fs_watch *watch);

/* The version @id, and its @path of FS_PATH_MAX. FS_OK or FS_NOT_FOUND. */
[[nodiscard]] enum fs_result fs_trash_find(
	const struct fs_root *root, const char *id, struct fs_trashed *out, char *path);

/* -- leaving -- */

/* Removes it for good. As fs_remove_at. */
[[nodiscard]] enum fs_result fs_trash_purge(const struct fs_root *root,
	const struct fs_trashed *kept, const struct fs_watch *watch);

/**
 * fs_trash_restore - move it to @to.
 *
 * What stands there goes into the trash if @overwrite. As fs_move, whose
 * @condition is the target's here.
 */
[[nodiscard]] enum fs_result fs_trash_restore(const struct fs_root *root,
	const struct fs_trashed *kept, const char *to, bool overwrite,
	const struct fs_condition *condition, bool *created);
