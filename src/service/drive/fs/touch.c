/* SPDX-License-Identifier: MIT */

#include "service/drive/fs/touch.h"

#include "base/util.h"
#include "os/fd.h"
#include "os/file.h"

#include <fcntl.h>

int64_t fs_touch_time(int64_t mtime_ns)
{
	const int64_t second = (int64_t)NS_PER_SEC;

	return mtime_ns % second ? mtime_ns : mtime_ns + file_clock_ns() % second;
}

enum fs_result fs_touch(const struct fs_root *root, const char *path, int64_t mtime_ns)
{
	AUTO_CLOSE int fd = -1;

	if (!root->can.writable)
		return FS_READ_ONLY;
	enum fs_result result = fs_resolve(root, path, O_RDONLY | O_NONBLOCK, &fd, NULL);
	return result == FS_OK ? fs_result_of(file_set_mtime(fd, fs_touch_time(mtime_ns)))
			       : result;
}
