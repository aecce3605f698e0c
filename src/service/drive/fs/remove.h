/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * remove - a file, or a directory with all that is in it.
 *
 * A directory is first renamed to a name of ours, so that it is gone at once
 * and whole, and then emptied; what a crash leaves of it, the sweep takes.
 * What cannot be removed (another file system mounted in it, permissions) goes
 * back to its old place, with the directories above it, as RFC 4918 asks.
 */

#include "service/drive/fs/aside.h"
#include "service/drive/fs/guard.h"
#include "service/drive/fs/watch.h"

/**
 * fs_remove - remove what @path names: a link itself, not what it leads to.
 *
 * FS_OK; FS_PARTIAL after watch->failed; FS_CHANGED, FS_NOT_FOUND, ... with
 * nothing removed. When watch->go_on ends it the directory is gone all the
 * same, and the sweep does the rest.
 */
[[nodiscard]] enum fs_result fs_remove(const struct fs_root *root, const char *path,
	const struct fs_condition *condition, const struct fs_watch *watch);

/**
 * fs_remove_at - remove @name in @dir and all that is in it, for this room's own work.
 *
 * @path is what failures are reported as. FS_OK (also if it was not there),
 * FS_PARTIAL, FS_CANCELLED, FS_NO_MEMORY.
 */
[[nodiscard]] enum fs_result fs_remove_at(const struct fs_root *root, int dir,
	const char *name, const char *path, const struct fs_watch *watch);

/**
 * fs_remove_displace - rename what stands at @place to a name of ours on its mount.
 *
 * FS_OK with @out, which the caller ends after he has removed what is there;
 * FS_BUSY for a mount point.
 */
[[nodiscard]] enum fs_result fs_remove_displace(
	const struct fs_root *root, const struct fs_place *place, struct fs_aside *out);

/* The end of what was displaced so from @place: it goes for good, and what cannot go comes
 * back. FS_OK, or FS_PARTIAL after watch->failed; @aside is ended. */
[[nodiscard]] enum fs_result fs_remove_displaced(const struct fs_root *root,
	const struct fs_place *place, struct fs_aside *aside, const struct fs_watch *watch);

/* As fs_remove_displace, of a file that has something beside it (props.h) and is about to be renamed over:
 * the name of ours is its second until then. */
[[nodiscard]] enum fs_result fs_remove_shadow(
	const struct fs_root *root, const struct fs_place *place, struct fs_aside *out);
