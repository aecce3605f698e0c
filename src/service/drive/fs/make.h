/* SPDX-License-Identifier: MIT */
#pragma once

/* make - a new directory, a new empty file. */

#include "service/drive/fs/guard.h"
#include "service/drive/fs/props.h"

/* FS_OK; FS_EXISTS whatever has the name; FS_NO_PARENT; ... It is on the disk if the root
 * is durable. */
[[nodiscard]] enum fs_result fs_make_dir(
	const struct fs_root *root, const char *path, const struct fs_condition *condition);

/* Likewise, with what @change sets; it appears whole or not at all. */
[[nodiscard]] enum fs_result fs_make_dir_with(const struct fs_root *root, const char *path,
	const struct fs_condition *condition, fs_props_change_fn *change, void *ctx);

/* As fs_make_dir; but an empty file is not worth waiting for the disk. *@out is what it is. */
[[nodiscard]] enum fs_result fs_make_file(
	const struct fs_root *root, const char *path, struct fs_info *out);

/* Makes the directories that @path would stand in, as far as they are missing. FS_OK; why
 * not. */
[[nodiscard]] enum fs_result fs_make_parents(const struct fs_root *root, const char *path);
