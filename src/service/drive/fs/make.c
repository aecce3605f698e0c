/* SPDX-License-Identifier: MIT */

#include "service/drive/fs/make.h"

#include "os/fd.h"
#include "os/file.h"
#include "service/drive/fs/install.h"
#include "service/drive/fs/remove.h"

#include <fcntl.h>
#include <string.h>

/* What a new directory is to be; no @change: bare. */
struct making {
	fs_props_change_fn *change;
	void *ctx;
};

/*
 * Out of sight, and then it gets its name. It is made beside its place, so that it has the
 * group and the access list that are given to what is made there.
 */
static enum fs_result make_aside(const struct fs_root *root, const struct fs_place *place,
	const struct fs_guard *guard, const struct making *making)
{
	struct fs_aside aside;
	struct fs_displaced displaced;

	enum fs_result result = fs_aside_choose(&aside, root, place, true);
	if (result != FS_OK)
		return result;
	AUTO_CLOSE int fd = fs_aside_make_dir(&aside);
	result = fs_result_of(fd);
	if (result == FS_OK)
		result = fs_props_change_open(root, fd, making->change, making->ctx);
	if (result == FS_OK)
		result = fs_install(root, aside.dir, aside.name, FS_DIRECTORY, place, guard,
			false, &displaced);
	if (result != FS_OK && fd >= 0) /* what resists is the sweep's */
		(void)!fs_remove_at(root, aside.dir, aside.name, "", FS_NO_WATCH);
	fs_aside_end(&aside, root);
	return result;
}

static enum fs_result make_guarded(const struct fs_root *root, const struct fs_place *place,
	const struct fs_condition *condition, const struct making *making)
{
	AUTO_GUARD guard = FS_GUARD_NONE;

	enum fs_result result = fs_guard_enter(&guard, root, place, condition);
	if (result != FS_OK)
		return result;
	if (making->change)
		return guard.exists ? FS_EXISTS : make_aside(root, place, &guard, making);
	return fs_result_of(file_make_dir(place->dir, place->name, 0777));
}

static enum fs_result make(const struct fs_root *root, const char *path,
	const struct fs_condition *condition, const struct making *making)
{
	AUTO_PLACE place = FS_PLACE_NONE;

	if (!*path)
		return FS_EXISTS; /* the root */
	enum fs_result result = fs_place_open(&place, root, path);
	if (result == FS_OK)
		result = make_guarded(root, &place, condition, making);
	return result == FS_OK ? fs_place_sync(root, &place) : result;
}

enum fs_result fs_make_dir(
	const struct fs_root *root, const char *path, const struct fs_condition *condition)
{
	return make(root, path, condition, &(struct making){0});
}

enum fs_result fs_make_dir_with(const struct fs_root *root, const char *path,
	const struct fs_condition *condition, fs_props_change_fn *change, void *ctx)
{
	struct fs_condition alone = *condition;

	/* mkdir(2) has one winner; a rename, where it cannot be told not to replace, has none. */
	if (alone.kind == FS_IF_ANY)
		alone.kind = FS_IF_ABSENT;
	return make(root, path, &alone, &(struct making){change, ctx});
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
