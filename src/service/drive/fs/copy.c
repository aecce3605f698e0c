/* SPDX-License-Identifier: MIT */

#include "service/drive/fs/copy.h"

#include "os/fd.h"
#include "os/file.h"
#include "service/drive/fs/install.h"
#include "service/drive/fs/remove.h"
#include "service/drive/fs/replica.h"
#include "service/drive/fs/trim.h"
#include "service/drive/fs/walk.h"

#include <fcntl.h>

/* What is to be copied, looked at once. */
struct source {
	int fd; /* owned */
	const char *path;
	struct fs_info info;
};

static enum fs_result open_source(
	const struct fs_root *root, const char *path, struct source *out)
{
	*out = (struct source){.fd = -1, .path = path};

	enum fs_result result =
		fs_resolve(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, &out->fd, NULL);
	if (result == FS_OK)
		result = fs_stat_fd(root, out->fd, &out->info);
	if (result == FS_OK && out->info.type != FS_FILE && out->info.type != FS_DIRECTORY)
		result = FS_FORBIDDEN;
	return result;
}

/* Refuses a copy into itself; and, before the work, one over what may not be replaced. */
static enum fs_result check_target(const struct fs_root *root, const struct source *source,
	const struct fs_place *to, bool overwrite, const struct fs_watch *watch)
{
	struct fs_info info;

	enum fs_result result = fs_place_overlaps_fd(to, source->fd);
	if (result != FS_OK)
		return result;
	result = fs_stat_at(root, to->dir, to->name, &info);
	if (result == FS_OK && info.inode == source->info.inode
		&& info.dev == source->info.dev)
		return FS_SAME; /* a hard link, or the name in other letters */
	if (result == FS_OK)
		return overwrite ? fs_install_check(root, to, watch) : FS_EXISTS;
	return result == FS_NOT_FOUND ? FS_OK : result;
}

/* Makes the copy under the name @aside; *@fd, the caller's, is it. */
static enum fs_result build(const struct fs_root *root, const struct source *source,
	const struct fs_aside *aside, bool shallow, const struct fs_watch *watch, int *fd)
{
	bool is_tree = source->info.type == FS_DIRECTORY;

	*fd = is_tree ? fs_aside_make_dir(aside) : fs_aside_make_file(aside, 0666);
	if (*fd < 0)
		return fs_result_of(*fd);

	enum fs_result result =
		is_tree ? fs_replica_tree(
			root, source->fd, &source->info, *fd, shallow, source->path, watch)
			: fs_replica_file(root, source->fd, &source->info, *fd, watch);
	if (result != FS_OK || !root->durable)
		return result;
	/* A tree is many files: one flush of everything is cheaper than one of each. */
	return fs_result_of(is_tree ? file_sync_all(*fd) : file_sync(*fd));
}

static enum fs_result install(const struct fs_root *root, const struct fs_aside *aside,
	enum fs_type type, const struct fs_place *to, const struct fs_copy_how *how,
	bool insists, struct fs_displaced *displaced, bool *created)
{
	const struct fs_condition fenced = {
		.kind = FS_IF_ANY, .fence = how->fence, .by = how->by};
	AUTO_GUARD guard = FS_GUARD_NONE;

	enum fs_result result = fs_guard_enter(&guard, root, to, &fenced);
	if (result != FS_OK)
		return result;
	guard.insists = insists;
	*created = !guard.exists;
	return fs_install(
		root, aside->dir, aside->name, type, to, &guard, how->overwrite, displaced);
}

static enum fs_result put_in_place(const struct fs_root *root, const struct fs_aside *aside,
	enum fs_type type, const struct fs_place *to, const struct fs_copy_how *how,
	bool *created)
{
	struct fs_displaced displaced;

	enum fs_result result =
		install(root, aside, type, to, how, true, &displaced, created);
	if (result == FS_NO_SPACE) {
		fs_trim_to_keep(root);
		result = install(root, aside, type, to, how, false, &displaced, created);
	}
	if (result != FS_OK)
		return result;

	result = fs_place_sync(root, to);
	fs_install_discard(root, &displaced);
	return result;
}

/* For all of @source at @place, out of the trash. False if there is none to be had. */
static bool make_room(const struct fs_root *root, const struct source *source,
	const struct fs_place *place, const struct fs_watch *watch)
{
	uint64_t bytes = source->info.size;

	if (source->info.type == FS_DIRECTORY) {
		int tree = file_open(source->fd, ".", O_RDONLY | O_DIRECTORY, 0);
		bytes = 0;
		if (tree < 0 || fs_walk_sum(root, tree, watch, &bytes) != FS_OK)
			return false;
	}
	return fs_trim_for(root, place->dir, bytes);
}

enum fs_result fs_copy(const struct fs_root *root, const char *from, const char *to,
	const struct fs_copy_how *how, const struct fs_watch *watch, bool *created)
{
	AUTO_PLACE place = FS_PLACE_NONE;
	struct fs_aside aside = FS_ASIDE_NONE;
	struct source source;
	AUTO_CLOSE int fd = -1;

	enum fs_result result = open_source(root, from, &source);
	AUTO_CLOSE int source_fd = source.fd;
	if (result == FS_OK)
		result = fs_place_open(&place, root, to);
	if (result == FS_OK)
		result = check_target(root, &source, &place, how->overwrite, watch);
	if (result == FS_OK)
		result = fs_aside_choose(&aside, root, &place, false);
	if (result != FS_OK)
		return result;

	result = build(root, &source, &aside, how->shallow, watch, &fd);
	if (result == FS_NO_SPACE) {
		fd_close(&fd);
		(void)!fs_remove_at(root, aside.dir, aside.name, "", FS_NO_WATCH);
		if (make_room(root, &source, &place, watch))
			result = build(root, &source, &aside, how->shallow, watch, &fd);
	}
	if (result == FS_OK)
		result = put_in_place(root, &aside, source.info.type, &place, how, created);
	if (result != FS_OK && fd >= 0) /* what resists is the sweep's */
		(void)!fs_remove_at(root, aside.dir, aside.name, "", FS_NO_WATCH);
	fs_aside_end(&aside, root);
	return result;
}
