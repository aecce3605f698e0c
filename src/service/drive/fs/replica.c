/* SPDX-License-Identifier: MIT */

#include "service/drive/fs/replica.h"

#include "os/fd.h"
#include "os/file.h"
#include "service/drive/fs/attrs.h"
#include "service/drive/fs/contents.h"
#include "service/drive/fs/digests.h"
#include "service/drive/fs/walk.h"

#include <fcntl.h>
#include <stdlib.h>

static enum fs_result inherit(
	const struct fs_root *root, int from, const struct fs_info *info, int to)
{
	struct fs_info made;

	enum fs_result result = fs_stat_fd(root, to, &made);
	return result == FS_OK ? fs_attrs_inherit(root, from, info, to, &made) : result;
}

enum fs_result fs_replica_file(const struct fs_root *root, int from,
	const struct fs_info *info, int to, const struct fs_watch *watch)
{
	enum fs_result result = fs_contents_copy(root, from, to, watch);

	if (result == FS_OK)
		result = inherit(root, from, info, to);
	if (result == FS_OK)
		result = fs_stat_new_generation(root, to);
	if (result == FS_OK)
		result = fs_result_of(file_set_mtime(to, info->mtime_ns));
	if (result == FS_OK)
		fs_digests_copy(root, from, to);
	return result;
}

/* One copy of a tree. */
struct tree_copy {
	const struct fs_root *root;
	const struct fs_watch *watch;
	const char *from; /* the path of the source, for reports */
	bool failed;
	int dirs[FS_WALK_LEVELS]; /* owned but for the first; the open copies, as deep as
				     the walk is */
	char link[FS_PATH_MAX];
};

static enum fs_result copy_file(struct tree_copy *copy, const struct fs_walk_entry *entry)
{
	struct fs_info info;

	AUTO_CLOSE int from = file_open(
		entry->dir, entry->name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY, 0);
	enum fs_result result = fs_result_of(from);
	if (result == FS_OK)
		result = fs_stat_fd(copy->root, from, &info);
	if (result != FS_OK)
		return result;
	if (info.type != FS_FILE)
		return FS_FORBIDDEN;

	AUTO_CLOSE int to = file_open(copy->dirs[entry->depth], entry->name,
		O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0666);
	result = fs_result_of(to);
	return result == FS_OK ? fs_replica_file(copy->root, from, &info, to, copy->watch)
			       : result;
}

static enum fs_result copy_link(struct tree_copy *copy, const struct fs_walk_entry *entry)
{
	int err = file_read_link(entry->dir, entry->name, copy->link, sizeof(copy->link));

	if (err == 0)
		err = file_symlink(copy->dirs[entry->depth], entry->name, copy->link);
	return fs_result_of(err);
}

/* What a directory is itself. Its owner may write there, or we could not fill it. */
static enum fs_result inherit_dir(
	const struct fs_root *root, int from, const struct fs_info *info, int to)
{
	struct fs_info writable = *info;

	writable.mode |= 0700;
	return inherit(root, from, &writable, to);
}

/* Makes the copy of a directory, as the next level. */
static enum fs_result copy_dir(struct tree_copy *copy, const struct fs_walk_entry *entry)
{
	int err = file_make_dir(copy->dirs[entry->depth], entry->name, 0777);
	if (err < 0)
		return fs_result_of(err);

	AUTO_CLOSE int to = file_open(copy->dirs[entry->depth], entry->name,
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	enum fs_result result = fs_result_of(to);
	if (result == FS_OK)
		result = inherit_dir(copy->root, entry->self, &entry->info, to);
	if (result == FS_OK)
		copy->dirs[entry->depth + 1] = fd_take(&to);
	return result;
}

static enum fs_result copy_entry(struct tree_copy *copy, const struct fs_walk_entry *entry)
{
	switch (entry->event) {
	case FS_WALK_ENTER: return copy_dir(copy, entry);
	case FS_WALK_LEAVE: fd_close(&copy->dirs[entry->depth + 1]); return FS_OK;
	case FS_WALK_TOO_DEEP: return FS_TOO_DEEP;
	case FS_WALK_FAILED: return entry->why;
	case FS_WALK_ENTRY: break;
	}
	if (fs_path_hides(entry->name, false))
		return FS_OK; /* somebody's temporary */
	return entry->info.type == FS_LINK ? copy_link(copy, entry)
					   : copy_file(copy, entry);
}

/* Whether the rest need not be tried: it would fail as this did, or nobody wants it. */
static bool is_final(enum fs_result result)
{
	return result == FS_NO_SPACE || result == FS_CANCELLED
	       || result == FS_NO_DESCRIPTORS || result == FS_NO_MEMORY;
}

static void report(struct tree_copy *copy, const char *below, enum fs_result why)
{
	char path[FS_PATH_MAX];

	copy->failed = true;
	if (copy->watch->failed)
		copy->watch->failed(copy->watch->ctx,
			fs_path_join(path, copy->from, below) ? path : copy->from, why);
}

static enum fs_result copy_walked(struct tree_copy *copy, struct fs_walk *walk)
{
	struct fs_walk_entry entry;
	enum fs_result result;

	while ((result = fs_walk_next(walk, &entry)) == FS_OK) {
		if (!fs_watch_goes_on(copy->watch))
			return FS_CANCELLED;
		result = copy_entry(copy, &entry);
		if (is_final(result))
			return result;
		if (result != FS_OK) {
			report(copy, entry.path, result);
			if (entry.event == FS_WALK_ENTER)
				fs_walk_skip(walk);
		}
	}
	return result == FS_END ? FS_OK : result;
}

/* What is in @from into @to; both stay the caller's. */
static enum fs_result copy_inside(struct tree_copy *copy, int from, int to)
{
	struct fs_walk *walk = malloc(sizeof(*walk));
	if (!walk)
		return FS_NO_MEMORY;

	copy->dirs[0] = to;
	for (unsigned i = 1; i < FS_WALK_LEVELS; i++)
		copy->dirs[i] = -1;

	int own = file_open(from, ".", O_RDONLY | O_DIRECTORY, 0);
	enum fs_result result = fs_result_of(own);
	if (result == FS_OK)
		result = fs_walk_adopt(walk, copy->root, own, FS_WALK_RAW);
	if (result == FS_OK) {
		result = copy_walked(copy, walk);
		fs_walk_close(walk);
	}
	for (unsigned i = 1; i < FS_WALK_LEVELS; i++)
		fd_close(&copy->dirs[i]);
	free(walk);
	return result == FS_OK && copy->failed ? FS_PARTIAL : result;
}

enum fs_result fs_replica_tree(const struct fs_root *root, int from,
	const struct fs_info *info, int to, bool shallow, const char *path,
	const struct fs_watch *watch)
{
	enum fs_result result = inherit_dir(root, from, info, to);
	if (result != FS_OK || shallow)
		return result;

	struct tree_copy *copy = calloc(1, sizeof(*copy));
	if (!copy)
		return FS_NO_MEMORY;
	copy->root = root;
	copy->watch = watch;
	copy->from = path;
	result = copy_inside(copy, from, to);
	free(copy);
	return result;
}
