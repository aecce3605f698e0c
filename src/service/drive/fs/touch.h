/* SPDX-License-Identifier: MIT */
#pragma once

/* touch - the time of a file's contents, as a client wants it. */

#include "service/drive/fs/root.h"

#include <limits.h>

#define FS_MTIME_NOW INT64_MIN

/*
 * A whole second gets a fraction from the clock: clients that set times set whole seconds,
 * and two versions of one size must not share an ETag.
 */
[[nodiscard]] int64_t fs_touch_time(int64_t mtime_ns);

/* Sets the time of the file or directory @path. */
[[nodiscard]] enum fs_result fs_touch(
	const struct fs_root *root, const char *path, int64_t mtime_ns);
