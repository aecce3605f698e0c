/* SPDX-License-Identifier: MIT */
#pragma once

/* stat - what is known of one file or directory, and the tag that names its version. */

#include "service/drive/fs/root.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct statx;

enum fs_type {
	FS_FILE,
	FS_DIRECTORY,
	FS_LINK,  /* a symbolic link itself; only where links are not followed */
	FS_OTHER, /* a device, FIFO or socket: nobody may open it */
};

struct fs_info {
	enum fs_type type;
	uint32_t mode; /* permission bits alone */
	uint32_t uid, gid;
	uint32_t n_links;
	uint64_t size; /* bytes; what a directory says here means nothing */
	uint64_t inode, dev, mount;
	int64_t mtime_ns, ctime_ns; /* since the epoch */
	int64_t birth_ns;           /* 0 where the file system does not know it */
	uint64_t generation; /* on a coarse clock: our own mark of the version; else 0 */
};

/* What statx said, as this room keeps it; generation 0. */
struct fs_info fs_info_of(const struct statx *st);

/* Looks at an open file, with its generation where that matters. */
[[nodiscard]] enum fs_result fs_stat_fd(
	const struct fs_root *root, int fd, struct fs_info *out);

/**
 * fs_stat - look at what @path names, through links that stay inside.
 *
 * FS_OK with *@out filled; FS_NOT_FOUND (for hidden names too), FS_OUTSIDE,
 * FS_FORBIDDEN, ...
 */
[[nodiscard]] enum fs_result fs_stat(
	const struct fs_root *root, const char *path, struct fs_info *out);

/* Looks at @name in @dir, not through a link. */
[[nodiscard]] enum fs_result fs_stat_at(
	const struct fs_root *root, int dir, const char *name, struct fs_info *out);

/* Whether both are the same contents of the same file, as far as its file system can tell.
 */
bool fs_info_same_version(const struct fs_info *a, const struct fs_info *b);

#define FS_ETAG_MAX 68u /* bytes, with the NUL: four numbers of 16 digits, three dashes */

/**
 * fs_etag - write the version of a file as an opaque tag, without quotes.
 *
 * Returns whether the tag is strong: that no two contents ever share it. On a
 * coarse clock it is weak while the change is so young that another one could
 * get the same time (@now_ns, since the epoch).
 */
[[nodiscard]] bool fs_etag(const struct fs_root *root, const struct fs_info *info,
	int64_t now_ns, char out[FS_ETAG_MAX]);

#define FS_GENERATION_ATTR "user.prefork.generation"

/* On a coarse clock, gives an open file a generation it never had. FS_OK elsewhere too. */
[[nodiscard]] enum fs_result fs_stat_new_generation(const struct fs_root *root, int fd);
