/* SPDX-License-Identifier: MIT */

#include "service/drive/fs/space.h"

#include "os/fd.h"
#include "os/file.h"

#include <fcntl.h>

enum fs_result fs_space(const struct fs_root *root, const char *path, struct fs_space *out)
{
	struct file_space space;
	AUTO_CLOSE int fd = -1;

	enum fs_result result = fs_resolve(root, path, O_PATH, &fd, NULL);
	if (result != FS_OK)
		return result;

	int err = file_space(fd, &space);
	if (err < 0)
		return fs_result_of(err);
	*out = (struct fs_space){
		.used_bytes = space.total_bytes - space.free_bytes,
		.available_bytes = space.available_bytes,
	};
	return FS_OK;
}
