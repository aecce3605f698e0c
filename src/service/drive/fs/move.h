/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * move - a file or a tree gets another name.
 *
 * One rename, and so whole or not at all; to another file system a copy, and
 * then the old one goes. A link is moved itself, not what it leads to.
 */

#include "service/drive/fs/guard.h"
#include "service/drive/fs/watch.h"

/**
 * fs_move - rename @from to @to.
 *
 * @condition is @from's. FS_OK with *@created; FS_EXISTS without @overwrite;
 * FS_NOT_FOUND (@from), FS_NO_PARENT (@to), FS_SAME, FS_INSIDE_ITSELF (which
 * includes replacing a directory by something in it), FS_CHANGED, ... with
 * nothing changed. Across file systems FS_PARTIAL and FS_CHANGED may mean that @to
 * is whole, and some of @from could not be removed or was written meanwhile.
 */
[[nodiscard]] enum fs_result fs_move(const struct fs_root *root, const char *from,
	const char *to, bool overwrite, const struct fs_condition *condition,
	const struct fs_watch *watch, bool *created);
