/* SPDX-License-Identifier: MIT */
#pragma once

/* make - a new directory. */

#include "service/drive/fs/root.h"

/* FS_OK; FS_EXISTS whatever has the name; FS_NO_PARENT; ... It is on the disk if the root
 * is durable. */
[[nodiscard]] enum fs_result fs_make_dir(const struct fs_root *root, const char *path);
