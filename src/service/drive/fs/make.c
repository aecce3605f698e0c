/* SPDX-License-Identifier: MIT */

#include "service/drive/fs/make.h"

#include "os/file.h"

enum fs_result fs_make_dir(const struct fs_root *root, const char *path)
{
	AUTO_PLACE place = FS_PLACE_NONE;

	if (!*path)
		return FS_EXISTS; /* the root */
	enum fs_result result = fs_place_open(&place, root, path);
	if (result == FS_OK)
		result = fs_result_of(file_make_dir(place.dir, place.name, 0777));
	return result == FS_OK ? fs_place_sync(root, &place) : result;
}
