/* SPDX-License-Identifier: MIT */

#include "service/drive/fs/move.h"

#include "os/clock.h"
#include "os/file.h"
#include "service/drive/fs/copy.h"
#include "service/drive/fs/install.h"
#include "service/drive/fs/remove.h"
#include "service/drive/fs/trim.h"
#include "service/drive/fs/walk.h"

#include <fcntl.h>
#include <stdlib.h>

/* Both ends of a move, as they were when they were locked. */
struct move {
	const struct fs_root *root;
	struct fs_place from, to;
	struct fs_guard from_guard, to_guard;
};

static enum fs_result open_places(struct move *move, const char *from, const char *to)
{
	enum fs_result result = fs_place_open(&move->from, move->root, from);

	if (result != FS_OK)
		return result == FS_NO_PARENT ? FS_NOT_FOUND : result;
	result = fs_place_open(&move->to, move->root, to);
	return result == FS_OK ? fs_place_overlap(&move->from, &move->to) : result;
}

/*
 * Two names of one inode. Where names differ in letters alone that is a change
 * of letters, and rename does it. Two hard links rename leaves as they are,
 * both; so the one goes aside first, and if the other is still there, for good.
 */
static enum fs_result rename_alias(struct move *move)
{
	const struct fs_place *from = &move->from, *to = &move->to;
	struct fs_aside aside;
	struct fs_info info;

	if (move->from_guard.now.type == FS_DIRECTORY || move->from_guard.now.n_links == 1)
		return fs_result_of(
			file_rename(from->dir, from->name, to->dir, to->name, 0));

	enum fs_result result = fs_remove_displace(move->root, from, &aside);
	if (result != FS_OK)
		return result;
	int err = fs_stat_at(move->root, to->dir, to->name, &info) == FS_OK
			  ? file_unlink(aside.dir, aside.name)
			  : file_rename(aside.dir, aside.name, to->dir, to->name, 0);
	fs_aside_end(&aside, move->root);
	return fs_result_of(err);
}

/* With both names locked. */
static enum fs_result rename_locked(
	struct move *move, bool overwrite, struct fs_displaced *displaced)
{
	const struct fs_guard *from = &move->from_guard, *to = &move->to_guard;

	*displaced = FS_DISPLACED_NONE;
	if (!from->exists)
		return FS_NOT_FOUND;
	if (to->exists && to->now.inode == from->now.inode && to->now.dev == from->now.dev
		&& (overwrite || from->now.n_links == 1 || from->now.type == FS_DIRECTORY))
		return rename_alias(move);
	return fs_install(move->root, move->from.dir, move->from.name, from->now.type,
		&move->to, to, overwrite, displaced);
}

static enum fs_result rename_once(struct move *move, bool overwrite,
	const struct fs_condition *condition, bool insists, struct fs_displaced *displaced)
{
	enum fs_result result = fs_guard_enter_two(&move->from_guard, &move->to_guard,
		move->root, &move->from, &move->to, condition);

	move->to_guard.insists = insists;
	if (result == FS_OK)
		result = rename_locked(move, overwrite, displaced);
	fs_guard_leave(&move->to_guard);
	fs_guard_leave(&move->from_guard);
	return result;
}

/* Both directories are on the disk, the new name first: a power cut may show both, never
 * none. */
static enum fs_result sync_places(const struct move *move)
{
	enum fs_result result = fs_place_sync(move->root, &move->to);

	if (result == FS_OK && move->from.inode != move->to.inode)
		result = fs_place_sync(move->root, &move->from);
	return result;
}

static bool is_what_was_copied(void *ctx, const struct fs_info *now)
{
	const struct fs_info *copied = ctx;

	return now && now->type == copied->type
	       && (copied->type != FS_FILE || fs_info_same_version(copied, now));
}

static bool is_newer(const struct fs_walk_entry *entry, int64_t since_ns)
{
	switch (entry->event) {
	case FS_WALK_ENTRY:
	case FS_WALK_ENTER: return entry->info.ctime_ns > since_ns;
	case FS_WALK_LEAVE: return false;
	case FS_WALK_TOO_DEEP:
	case FS_WALK_FAILED: break; /* it was not so when it was copied */
	}
	return true;
}

/* FS_OK where nothing in the tree @aside has changed since then, FS_CHANGED, ... */
static enum fs_result check_tree(
	const struct fs_root *root, const struct fs_aside *aside, int64_t since_ns)
{
	struct fs_walk_entry entry;
	struct fs_walk *walk = malloc(sizeof(*walk));
	if (!walk)
		return FS_NO_MEMORY;

	int fd = file_open(aside->dir, aside->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	enum fs_result result = fs_result_of(fd);
	if (result == FS_OK)
		result = fs_walk_adopt(walk, root, fd, FS_WALK_RAW | FS_WALK_ONE_MOUNT);
	if (result == FS_OK) {
		while ((result = fs_walk_next(walk, &entry)) == FS_OK)
			if (is_newer(&entry, since_ns)) {
				result = FS_CHANGED;
				break;
			}
		fs_walk_close(walk);
	}
	free(walk);
	return result == FS_END ? FS_OK : result;
}

static enum fs_result displace(
	struct move *move, const struct fs_condition *condition, struct fs_aside *out)
{
	AUTO_GUARD guard = FS_GUARD_NONE;

	enum fs_result result = fs_guard_enter(&guard, move->root, &move->from, condition);
	return result == FS_OK ? fs_remove_displace(move->root, &move->from, out) : result;
}

/* Out of sight nobody adds to it any more; and what was added while it was copied, which may
 * have taken long, is found. */
static enum fs_result remove_tree(struct move *move, const struct fs_condition *condition,
	int64_t since_ns, const struct fs_watch *watch)
{
	struct fs_aside aside;

	enum fs_result result = displace(move, condition, &aside);
	if (result != FS_OK)
		return result;
	result = check_tree(move->root, &aside, since_ns);
	if (result != FS_OK) { /* as before, then */
		(void)file_rename(
			aside.dir, aside.name, move->from.dir, move->from.name, 0);
		fs_aside_end(&aside, move->root);
		return result;
	}
	result = fs_place_sync(move->root, &move->from);
	enum fs_result emptied =
		fs_remove_displaced(move->root, &move->from, &aside, watch);
	return emptied == FS_OK ? result : emptied;
}

/* Without locks, because it takes long; what was written meanwhile is not removed. */
static enum fs_result move_by_copy(struct move *move, bool overwrite,
	const struct fs_fence *fence, const struct fs_watch *watch, bool *created)
{
	const struct fs_info *from = &move->from_guard.now;
	struct fs_copy_how how = {
		.overwrite = overwrite, .fence = fence, .by = move->from_guard.by};
	struct fs_condition unchanged = {.kind = FS_IF_HOLDS,
		.holds = is_what_was_copied,
		.ctx = &move->from_guard.now,
		.for_good = true, /* the copy has all of it */
		.fence = fence};
	int64_t since_ns = (int64_t)clock_wall_ns();

	enum fs_result result =
		fs_copy(move->root, move->from.path, move->to.path, &how, watch, created);
	if (result != FS_OK)
		return result;
	return from->type == FS_DIRECTORY
		       ? remove_tree(move, &unchanged, since_ns, watch)
		       : fs_remove(move->root, move->from.path, &unchanged, watch);
}

enum fs_result fs_move(const struct fs_root *root, const char *from, const char *to,
	bool overwrite, const struct fs_condition *condition, const struct fs_watch *watch,
	bool *created)
{
	struct move move = {
		root, FS_PLACE_NONE, FS_PLACE_NONE, FS_GUARD_NONE, FS_GUARD_NONE};
	struct fs_displaced displaced = FS_DISPLACED_NONE;

	enum fs_result result = open_places(&move, from, to);
	if (result == FS_OK && overwrite)
		result = fs_install_check(root, &move.to, watch);
	if (result == FS_OK)
		result = rename_once(&move, overwrite, condition, true, &displaced);
	if (result == FS_NO_SPACE) {
		fs_trim_to_keep(root);
		result = rename_once(&move, overwrite, condition, false, &displaced);
	}
	*created = !move.to_guard.exists;

	if (result == FS_OK) {
		result = sync_places(&move);
		fs_install_discard(root, &displaced);
	} else if (result == FS_OUTSIDE && move.to.dir >= 0) {
		result = move_by_copy(&move, overwrite, condition->fence, watch, created);
	}
	fs_place_close(&move.to);
	fs_place_close(&move.from);
	return result;
}
