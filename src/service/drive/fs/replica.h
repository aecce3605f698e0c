/* SPDX-License-Identifier: MIT */
#pragma once

/* replica - fills a new file or directory with what another one is and holds. */

#include "service/drive/fs/stat.h"
#include "service/drive/fs/watch.h"

/* Makes the empty file @to, open for writing, what the open file @from is. */
[[nodiscard]] enum fs_result fs_replica_file(const struct fs_root *root, int from,
	const struct fs_info *info, int to, const struct fs_watch *watch);

/**
 * fs_replica_tree - make the empty directory @to what the open directory @from is.
 *
 * Both are borrowed. @shallow leaves out what is in it. @path is where failures
 * are reported below. Links become links. Holds two descriptors a level. The
 * copies' owner may always write in directories, or they could not be filled.
 * FS_PARTIAL after watch->failed; at any failure @to holds any part.
 */
[[nodiscard]] enum fs_result fs_replica_tree(const struct fs_root *root, int from,
	const struct fs_info *info, int to, bool shallow, const char *path,
	const struct fs_watch *watch);
