/* SPDX-License-Identifier: MIT */

#include "service/drive/fs/walk.h"

#include "os/fd.h"
#include "os/file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/* The list for the next level down, with its memory. NULL where there is none. */
static struct fs_list *spare_level(struct fs_walk *walk)
{
	struct fs_list **level = &walk->levels[walk->n_levels];

	if (!*level)
		*level = malloc(sizeof(**level));
	return *level;
}

static void init(struct fs_walk *walk, const struct fs_root *root, unsigned flags)
{
	walk->root = root;
	walk->flags = flags;
	walk->n_levels = 0;
	memset(walk->levels, 0, sizeof(walk->levels));
}

/* @result is how the top's list was opened. */
static enum fs_result begin(struct fs_walk *walk, enum fs_result result)
{
	if (result == FS_OK)
		walk->n_levels = 1;
	else
		fs_walk_close(walk);
	return result;
}

enum fs_result fs_walk_open(
	struct fs_walk *walk, const struct fs_root *root, const char *path)
{
	init(walk, root, 0);
	struct fs_list *top = spare_level(walk);
	return begin(walk, top ? fs_list_open(top, root, path) : FS_NO_MEMORY);
}

enum fs_result fs_walk_adopt(
	struct fs_walk *walk, const struct fs_root *root, int fd, unsigned flags)
{
	AUTO_CLOSE int owned = fd;

	init(walk, root, flags);
	struct fs_list *top = spare_level(walk);
	if (!top)
		return FS_NO_MEMORY;
	return begin(walk,
		fs_list_adopt(top, root, fd_take(&owned), "", walk->flags & FS_WALK_RAW));
}

void fs_walk_skip(struct fs_walk *walk)
{
	fs_list_close(walk->levels[--walk->n_levels]);
}

void fs_walk_close(struct fs_walk *walk)
{
	while (walk->n_levels)
		fs_walk_skip(walk);
	for (unsigned i = 0; i < FS_WALK_LEVELS; i++) {
		free(walk->levels[i]);
		walk->levels[i] = NULL;
	}
}

/* Opens the directory @out is about, as the next level, and says how that went in
 * out->event. */
static enum fs_result enter(struct fs_walk *walk, struct fs_walk_entry *out)
{
	struct fs_list *level = spare_level(walk);
	if (!level)
		return FS_NO_MEMORY;

	unsigned not_across =
		FILE_NO_LINKS | (walk->flags & FS_WALK_ONE_MOUNT ? FILE_NO_MOUNTS : 0);
	int fd = file_open_beneath(out->dir, out->name, O_RDONLY | O_DIRECTORY, not_across);
	out->why = fs_result_of(fd);
	if (out->why == FS_OK)
		out->why = fs_list_adopt(
			level, walk->root, fd, walk->path, walk->flags & FS_WALK_RAW);

	out->event = out->why == FS_OK ? FS_WALK_ENTER : FS_WALK_FAILED;
	if (out->why == FS_OK) {
		out->self = level->fd;
		walk->n_levels++;
	}
	return FS_OK;
}

/* The level is read to its end, or cannot be read on (@why). */
static enum fs_result leave(
	struct fs_walk *walk, enum fs_result why, struct fs_walk_entry *out)
{
	const struct fs_list *left = walk->levels[walk->n_levels - 1];

	fs_walk_skip(walk);
	if (walk->n_levels == 0 && why == FS_END)
		return FS_END;

	*out = (struct fs_walk_entry){
		.event = why == FS_END ? FS_WALK_LEAVE : FS_WALK_FAILED,
		.why = why == FS_END ? FS_OK : why,
		.dir = walk->n_levels ? walk->levels[walk->n_levels - 1]->fd : -1,
		.self = -1,
		.depth = walk->n_levels ? walk->n_levels - 1 : 0,
		.name = left->path + fs_path_last(left->path),
		.path = left->path,
	};
	return FS_OK;
}

enum fs_result fs_walk_next(struct fs_walk *walk, struct fs_walk_entry *out)
{
	struct fs_entry entry;

	if (walk->n_levels == 0)
		return FS_END;
	struct fs_list *level = walk->levels[walk->n_levels - 1];
	enum fs_result result = fs_list_next(level, true, &entry);
	if (result != FS_OK)
		return leave(walk, result, out);

	*out = (struct fs_walk_entry){
		.event = FS_WALK_ENTRY,
		.dir = level->fd,
		.self = -1,
		.depth = walk->n_levels - 1,
		.name = entry.name,
		.path = walk->path,
		.info = entry.info,
		.is_link = entry.is_link,
	};
	bool enters = entry.info.type == FS_DIRECTORY && !entry.is_link;
	if (!fs_path_join(walk->path, level->path, entry.name)
		|| (enters && walk->n_levels == FS_WALK_LEVELS)) {
		out->event = FS_WALK_TOO_DEEP;
		out->path = level->path;
		return FS_OK;
	}
	return enters ? enter(walk, out) : FS_OK;
}

enum fs_result fs_walk_sum(
	const struct fs_root *root, int tree, const struct fs_watch *watch, uint64_t *bytes)
{
	struct fs_walk_entry entry;
	struct fs_walk *walk = malloc(sizeof(*walk));
	if (!walk) {
		fd_close(&tree);
		return FS_NO_MEMORY;
	}

	enum fs_result result =
		fs_walk_adopt(walk, root, tree, FS_WALK_RAW | FS_WALK_ONE_MOUNT);
	if (result != FS_OK) {
		free(walk);
		return result;
	}
	while ((result = fs_walk_next(walk, &entry)) == FS_OK) {
		if (entry.event == FS_WALK_ENTRY)
			*bytes += entry.info.size;
		if (entry.event == FS_WALK_FAILED && entry.why == FS_OUTSIDE)
			result = FS_OUTSIDE;
		else if (!fs_watch_goes_on(watch))
			result = FS_CANCELLED;
		if (result != FS_OK)
			break;
	}
	fs_walk_close(walk);
	free(walk);
	return result == FS_END ? FS_OK : result;
}
