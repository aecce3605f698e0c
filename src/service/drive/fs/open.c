/* SPDX-License-Identifier: MIT */

#include "service/drive/fs/open.h"

#include "os/fd.h"

#include <fcntl.h>

enum fs_result fs_open(const struct fs_root *root, const char *path, struct fs_file *out)
{
	struct fs_file file = FS_FILE_NONE;
	AUTO_CLOSE int fd = -1;

	/* O_NONBLOCK: opening a FIFO returns at once. On a regular file it means nothing.
	 */
	enum fs_result result = fs_resolve(
		root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, &fd, &file.by_link);
	if (result == FS_OK)
		result = fs_stat_fd(root, fd, &file.info);
	if (result != FS_OK)
		return result;

	if (file.info.type == FS_FILE)
		file.fd = fd_take(&fd);
	*out = file;
	if (file.info.type == FS_DIRECTORY)
		return FS_IS_DIRECTORY;
	return file.info.type == FS_FILE ? FS_OK : FS_FORBIDDEN;
}
