/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * bucket - the directory in the trash that is one path's.
 *
 *   .prefork/trash/KEY/0, 1, ...   links to nowhere, whose text is the path, in pieces
 *   .prefork/trash/KEY/...         what had that path (trash.h)
 *
 * It is made whole before it gets its name, so it always says its path; and it is
 * renamed to KEY.gone before it is removed: who adds then finds no bucket, and makes
 * another. What somebody who had found it adds after that all the same is not removed
 * with it.
 */

#include "service/drive/fs/root.h"

#define FS_BUCKET_KEY_MAX 24u /* bytes, with the NUL */

/* Finds the bucket of @path, or makes it: FS_OK with @key. */
[[nodiscard]] enum fs_result fs_bucket_open(
	const struct fs_root *root, const char *path, char key[FS_BUCKET_KEY_MAX]);

/* Whether the entry @name of the trash is a bucket. One that was going is helped. */
[[nodiscard]] bool fs_bucket_is(const struct fs_root *root, const char *name);

/* The path of the bucket @key, into @out of FS_PATH_MAX. False if there is none. */
[[nodiscard]] bool fs_bucket_path(const struct fs_root *root, const char *key, char *out);

/* Calls @each for every entry but those that say the path, until it says false. */
[[nodiscard]] enum fs_result fs_bucket_each(const struct fs_root *root, const char *key,
	bool (*each)(void *ctx, const char *name), void *ctx);

/* Removes the bucket if nothing is in it. */
void fs_bucket_drop_empty(const struct fs_root *root, const char *key);
