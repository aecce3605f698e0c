/* SPDX-License-Identifier: MIT */
#pragma once

/* contents - the bytes of one file into another, by the cheapest way the disk has. */

#include "service/drive/fs/root.h"
#include "service/drive/fs/watch.h"

/* From the open file @from into the empty one @to. On a failure @to holds any part of it.
 */
[[nodiscard]] enum fs_result fs_contents_copy(
	const struct fs_root *root, int from, int to, const struct fs_watch *watch);
