/* SPDX-License-Identifier: MIT */

#include "service/drive/fs/contents.h"

#include "os/file.h"

#define STEP (16u << 20) /* bytes between two questions whether to go on */

enum fs_result fs_contents_copy(
	const struct fs_root *root, int from, int to, const struct fs_watch *watch)
{
	if (root->can.reflink && file_clone(from, to) == 0)
		return FS_OK;

	for (uint64_t at = 0;;) {
		ssize_t n = file_copy_range(from, to, at, STEP);
		if (n <= 0)
			return fs_result_of((int)n);
		if (root->durable) /* so that the flush at the end has little left */
			file_flush_early(to, at, (uint64_t)n);
		at += (uint64_t)n;
		if (!fs_watch_goes_on(watch))
			return FS_CANCELLED;
	}
}
