/* SPDX-License-Identifier: MIT */

#include "service/drive/fs/trash_walk.h"

#include "os/file.h"
#include "service/drive/fs/remove.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

enum fs_result fs_trash_walk_open(struct fs_trash_walk *walk, const struct fs_root *root)
{
	if (root->trash < 0)
		return FS_NOT_FOUND;
	walk->root = root;
	walk->is_inside = false;
	int fd = file_open(root->trash, ".", O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0)
		return fs_result_of(fd);
	return fs_list_adopt(&walk->buckets, root, fd, "", true);
}

static void leave_bucket(struct fs_trash_walk *walk)
{
	if (!walk->is_inside)
		return;
	fs_list_close(&walk->versions);
	walk->is_inside = false;
}

void fs_trash_walk_close(struct fs_trash_walk *walk)
{
	leave_bucket(walk);
	fs_list_close(&walk->buckets);
}

/* Enters the next bucket. */
static enum fs_result next_bucket(struct fs_trash_walk *walk)
{
	struct fs_entry entry;
	enum fs_result result;

	while ((result = fs_list_next(&walk->buckets, false, &entry)) == FS_OK) {
		if (!fs_bucket_is(walk->root, entry.name)
			|| !fs_bucket_path(walk->root, entry.name, walk->path))
			continue;
		int fd = file_open(walk->root->trash, entry.name,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
		if (fd == -ENOENT)
			continue;
		if (fd < 0)
			return fs_result_of(fd);
		(void)snprintf(walk->key, sizeof(walk->key), "%.16s", entry.name);
		walk->n_versions = walk->n_renamed = 0;
		result = fs_list_adopt(&walk->versions, walk->root, fd, "", true);
		walk->is_inside = result == FS_OK;
		return result;
	}
	return result;
}

/* Whoever renames what is in a directory may meet it there once more. */
static bool is_again(const struct fs_trash_walk *walk, const struct fs_trashed *version)
{
	for (unsigned i = 0; i < walk->n_renamed; i++)
		if (walk->renamed_ns[i] == version->time_ns)
			return true;
	return false;
}

void fs_trash_walk_measure(struct fs_trash_walk *walk, struct fs_trashed *version,
	const struct fs_watch *watch)
{
	if (walk->n_renamed < FS_TRASH_WALK_RENAMED
		&& fs_trash_measure(walk->root, version, watch) == FS_OK)
		walk->renamed_ns[walk->n_renamed++] = version->time_ns;
}

enum fs_result fs_trash_walk_purge(struct fs_trash_walk *walk,
	const struct fs_trashed *version, const struct fs_watch *watch)
{
	enum fs_result result =
		fs_remove_at(walk->root, walk->root->trash, version->where, "", watch);

	if (result == FS_OK)
		walk->n_versions--;
	return result;
}

enum fs_result fs_trash_walk_next(struct fs_trash_walk *walk, struct fs_trashed *out)
{
	struct fs_entry entry;

	for (;;) {
		if (!walk->is_inside) {
			enum fs_result result = next_bucket(walk);
			if (result != FS_OK)
				return result;
		}
		enum fs_result result = fs_list_next(&walk->versions, false, &entry);
		if (result == FS_OK) {
			if (!fs_trashed_read(walk->key, entry.name, out)
				|| is_again(walk, out))
				continue;
			walk->n_versions++;
			return FS_OK;
		}
		leave_bucket(walk);
		if (result != FS_END && result != FS_NOT_FOUND) /* somebody removed it */
			return result;
		if (walk->n_versions == 0)
			fs_bucket_drop_empty(walk->root, walk->key);
	}
}
