/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * copy - a file or a tree once more, under another name.
 *
 * The copy is made aside and then put in place, so one that breaks off, or in
 * which anything cannot be read, changes nothing. It takes along the time of
 * the contents (of files), permissions and user. attributes; where the disk can
 * share blocks it costs none. A link that was asked for is copied as what it
 * leads to; links in a tree are copied as links.
 */

#include "service/drive/fs/guard.h"
#include "service/drive/fs/watch.h"

struct fs_copy_how {
	bool overwrite; /* replace what has the name; a directory too, with all in it */
	bool shallow;   /* of a directory, copy itself and nothing in it (Depth: 0) */
	const struct fs_fence *fence; /* around the change of @to's name; may be NULL */
	const char *by;               /* borrowed: as fs_condition's */
};

/**
 * fs_copy - copy @from to @to.
 *
 * FS_OK with *@created; FS_EXISTS without overwrite; FS_SAME, FS_INSIDE_ITSELF,
 * FS_NOT_FOUND (@from), FS_NO_PARENT (@to); FS_PARTIAL after watch->failed,
 * FS_CANCELLED, FS_NO_SPACE, ... with nothing changed.
 */
[[nodiscard]] enum fs_result fs_copy(const struct fs_root *root, const char *from,
	const char *to, const struct fs_copy_how *how, const struct fs_watch *watch,
	bool *created);
