/* SPDX-License-Identifier: MIT */

#include "service/drive/fs/move.h"

#include "os/file.h"
#include "service/drive/fs/copy.h"
#include "service/drive/fs/install.h"
#include "service/drive/fs/remove.h"
#include "service/drive/fs/trim.h"

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

	return now && (copied->type != FS_FILE || fs_info_same_version(copied, now));
}

/* Without locks, because it takes long; a file that was written meanwhile is not removed.
 */
static enum fs_result move_by_copy(struct move *move, bool overwrite,
	const struct fs_fence *fence, const struct fs_watch *watch, bool *created)
{
	struct fs_copy_how how = {
		.overwrite = overwrite, .fence = fence, .by = move->from_guard.by};
	struct fs_condition unchanged = {.kind = FS_IF_HOLDS,
		.holds = is_what_was_copied,
		.ctx = &move->from_guard.now,
		.for_good = true, /* the copy has all of it */
		.fence = fence};

	enum fs_result result =
		fs_copy(move->root, move->from.path, move->to.path, &how, watch, created);
	return result == FS_OK ? fs_remove(move->root, move->from.path, &unchanged, watch)
			       : result;
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
