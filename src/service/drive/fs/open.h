/* SPDX-License-Identifier: MIT */
#pragma once

/* open - a file for reading: two system calls for most. */

#include "service/drive/fs/stat.h"

struct fs_file {
	int fd;              /* owned by who opened it */
	struct fs_info info; /* of the open file, not of its name */
	bool by_link;        /* a symbolic link was on the way */
};

#define FS_FILE_NONE ((struct fs_file){.fd = -1})

/**
 * fs_open - open the regular file @path for reading.
 *
 * FS_OK with @out filled, out->fd the caller's. FS_IS_DIRECTORY with out->info
 * filled and no descriptor; FS_FORBIDDEN for devices, FIFOs and sockets, which
 * are never waited for nor read; FS_NOT_FOUND, FS_OUTSIDE, ...
 */
[[nodiscard]] enum fs_result fs_open(
	const struct fs_root *root, const char *path, struct fs_file *out);
