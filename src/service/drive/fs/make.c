/* SPDX-License-Identifier: MIT */

#include "service/drive/fs/make.h"

#include "os/fd.h"
#include "os/file.h"

#include <fcntl.h>
#include <string.h>

static enum fs_result make_guarded(const struct fs_root *root, const struct fs_place *place,
	const struct fs_condition *condition)
{
	AUTO_GUARD guard = FS_GUARD_NONE;

	enum fs_result result = fs_guard_enter(&guard, root, place, condition);
	return result == FS_OK ? fs_result_of(file_make_dir(place->dir, place->name, 0777))
			       : result;
}

enum fs_result fs_make_dir(
	const struct fs_root *root, const char *path, const struct fs_condition *condition)
{
	AUTO_PLACE place = FS_PLACE_NONE;

	if (!*path)
		return FS_EXISTS; /* the root */
	enum fs_result result = fs_place_open(&place, root, path);
	if (result == FS_OK)
		result = make_guarded(root, &place, condition);
	return result == FS_OK ? fs_place_sync(root, &place) : result;
}

enum fs_result fs_make_file(
	const struct fs_root *root, const char *path, struct fs_info *out)
{
	AUTO_PLACE place = FS_PLACE_NONE;

	enum fs_result result = fs_place_open(&place, root, path);
	if (result != FS_OK)
		return result;
	AUTO_CLOSE int fd = file_open(
		place.dir, place.name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0666);
	return fd < 0 ? fs_result_of(fd) : fs_stat_fd(root, fd, out);
}

enum fs_result fs_make_parents(const struct fs_root *root, const char *path)
{
	char parent[FS_PATH_MAX];
	const char *at = path;

	while ((at = strchr(at, '/'))) {
		memcpy(parent, path, (size_t)(at - path));
		parent[at - path] = '\0';
		enum fs_result result = fs_make_dir(root, parent, FS_NO_CONDITION);
		if (result != FS_OK && result != FS_EXISTS)
			return result;
		at++;
	}
	return FS_OK;
}
