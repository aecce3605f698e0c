/* SPDX-License-Identifier: MIT */
#pragma once

/* space - how full the disk is, in RFC 4331's two numbers. */

#include "service/drive/fs/root.h"

struct fs_space {
	uint64_t used_bytes;      /* by whatever is on that file system, ours or not */
	uint64_t available_bytes; /* for us; a project quota counts where the kernel counts
				     it */
};

/* Of the file system that holds @path. */
[[nodiscard]] enum fs_result fs_space(
	const struct fs_root *root, const char *path, struct fs_space *out);
