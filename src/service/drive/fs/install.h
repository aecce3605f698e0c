/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * install - gives a finished file or tree its name, in place of what has it.
 *
 * File over file is one rename. Where a directory is involved rename(2) will
 * not replace, so the two names are exchanged; where the file system cannot
 * exchange, the old thing steps aside first, and for a moment nothing has the
 * name. What is displaced is out of sight, and is removed when the locks are
 * open again. Where there is a trash (trash.h) the old thing goes there first: a
 * file gets a second name, a directory leaves, so that no crash can lose it.
 */

#include "service/drive/fs/aside.h"
#include "service/drive/fs/guard.h"
#include "service/drive/fs/trashed.h"
#include "service/drive/fs/watch.h"

/* What had the name before. */
struct fs_displaced {
	struct fs_aside aside;  /* it stands there, to be removed; or */
	struct fs_trashed kept; /* there, where that is not ""; or */
	int held; /* owned: it has no name any more, and this is its last descriptor; or -1 */
};

#define FS_DISPLACED_NONE ((struct fs_displaced){.aside = FS_ASIDE_NONE, .held = -1})

/**
 * fs_install_check - whether what stands at @to can be replaced at all.
 *
 * Takes long for a large tree, so before anything is locked. FS_OK; FS_BUSY where another
 * file system is mounted in it, which would be out of everybody's sight with the rest;
 * FS_CANCELLED, ...
 */
[[nodiscard]] enum fs_result fs_install_check(const struct fs_root *root,
	const struct fs_place *to, const struct fs_watch *watch);

/**
 * fs_install - rename @name in @dir to @to; both names are guarded by the caller.
 *
 * @type is of what moves, @target what the guard saw at @to. FS_OK, with
 * @displaced to be given to fs_install_discard; FS_EXISTS where something has
 * the name and @overwrite is false. FS_OUTSIDE means, here, that they are on
 * different file systems; FS_NO_SPACE, also that there is none in the trash, if the guard
 * insists on it. Not FS_OK: both are as they were.
 */
[[nodiscard]] enum fs_result fs_install(const struct fs_root *root, int dir,
	const char *name, enum fs_type type, const struct fs_place *to,
	const struct fs_guard *target, bool overwrite, struct fs_displaced *displaced);

/**
 * fs_install_shadow - see to it that a file which is about to be renamed over goes whole.
 *
 * @displaced is to be given to fs_install_discard, as its aside, whether it is renamed over or
 * not. True
 * where that cannot be done (fs.protected_hardlinks): then fs_props_forget is to follow.
 */
[[nodiscard]] bool fs_install_shadow(const struct fs_root *root,
	const struct fs_place *place, const struct fs_info *now,
	struct fs_aside *displaced);

/* With no lock held, and the new name on the disk: removes what was displaced, if anything
 * was, or tidies up where it is kept. What resists is the sweep's. */
void fs_install_discard(const struct fs_root *root, struct fs_displaced *displaced);
