/* SPDX-License-Identifier: MIT */

#include "service/drive/fs/remove.h"

#include "os/fd.h"
#include "os/file.h"
#include "service/drive/fs/props.h"
#include "service/drive/fs/release.h"
#include "service/drive/fs/trash.h"
#include "service/drive/fs/trim.h"
#include "service/drive/fs/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#define PASS_ENTRIES 256u /* between two questions whether to go on */

/* One removal of a tree. */
struct removal {
	const struct fs_root *root;
	const struct fs_watch *watch;
	const char *path; /* of the tree, as reports name it */
	int top;          /* borrowed; the directory being emptied */
	bool failed;
	bool again;    /* something was moved up to the top, or came while we worked */
	bool progress; /* this pass removed something */
};

static void report(struct removal *r, const char *below, enum fs_result why)
{
	char path[FS_PATH_MAX];

	r->failed = true;
	if (!r->watch->failed)
		return;
	if (!*below || !fs_path_join(path, r->path, below))
		r->watch->failed(r->watch->ctx, r->path, why);
	else
		r->watch->failed(r->watch->ctx, path, why);
}

/* @err is of an unlink or rmdir of what stands at @below. */
static void note(struct removal *r, int err, const char *below)
{
	if (err == 0 || err == -ENOENT)
		r->progress = true;
	else
		report(r, below, fs_result_of(err));
}

/* How @name in @dir can end. */
typedef int end_fn(
	const struct fs_root *root, int dir, const char *name, const struct fs_info *info);

static int unlink_it(
	const struct fs_root *root, int dir, const char *name, const struct fs_info *info)
{
	int held;

	int err = fs_release_unlink(root, dir, name, info, &held);
	fs_release_close(root, &held);
	return err;
}

static int rmdir_it(
	const struct fs_root *, int dir, const char *name, const struct fs_info *)
{
	return file_remove_dir(dir, name);
}

/* Ends it, by @how, and what is kept beside it. @info may be NULL. */
static int end(const struct fs_root *root, int dir, const char *name,
	const struct fs_info *info, end_fn *how)
{
	struct fs_aside beside;
	bool is_detached = info && fs_props_detach(root, info, &beside);

	int err = how(root, dir, name, info);
	if (is_detached && err == 0)
		(void)file_unlink(beside.dir, beside.name); /* or the sweep will */
	else if (is_detached)
		fs_props_reattach(root, info, &beside);
	return err;
}

/* A directory that is read to its end: what is in it now came since, or could not be
 * removed. */
static void leave_dir(struct removal *r, const struct fs_walk_entry *entry)
{
	struct fs_info info;
	bool is_known = fs_stat_at(r->root, entry->dir, entry->name, &info) == FS_OK;
	int err = end(r->root, entry->dir, entry->name, is_known ? &info : NULL, rmdir_it);

	if (err == -ENOTEMPTY || err == -EEXIST)
		r->again = true;
	else
		note(r, err, entry->path);
}

static void unlink_entry(struct removal *r, const struct fs_walk_entry *entry)
{
	note(r, end(r->root, entry->dir, entry->name, &entry->info, unlink_it),
		entry->path);
}

/* Below the last level: the tree becomes flatter, and the next pass finds it at the top. */
static void lift(struct removal *r, const struct fs_walk_entry *entry)
{
	char name[FILE_UNIQUE_MAX];

	if (entry->info.type != FS_DIRECTORY) {
		unlink_entry(r, entry);
		return;
	}
	file_unique(name);
	note(r, file_rename(entry->dir, entry->name, r->top, name, 0), entry->path);
	r->again = true;
}

static void handle(struct removal *r, const struct fs_walk_entry *entry)
{
	switch (entry->event) {
	case FS_WALK_ENTER: return;
	case FS_WALK_ENTRY: unlink_entry(r, entry); return;
	case FS_WALK_LEAVE: leave_dir(r, entry); return;
	case FS_WALK_TOO_DEEP: lift(r, entry); return;
	case FS_WALK_FAILED:
		/* One that we may not read can be removed if it is empty. */
		if (entry->dir < 0 || file_remove_dir(entry->dir, entry->name) != 0)
			report(r, entry->path,
				entry->why == FS_OUTSIDE ? FS_BUSY : entry->why);
		return;
	}
}

/* Once through the tree. */
static enum fs_result pass(struct removal *r, struct fs_walk *walk)
{
	struct fs_walk_entry entry;
	enum fs_result result;
	unsigned n = 0;

	r->again = r->progress = false;
	while ((result = fs_walk_next(walk, &entry)) == FS_OK) {
		handle(r, &entry);
		if (++n % PASS_ENTRIES == 0 && !fs_watch_goes_on(r->watch))
			return FS_CANCELLED;
	}
	return result == FS_END ? FS_OK : result;
}

/* Empties r->top. */
static enum fs_result empty(struct removal *r)
{
	struct fs_walk *walk = malloc(sizeof(*walk));
	enum fs_result result;

	if (!walk)
		return FS_NO_MEMORY;
	do {
		int fd = file_open(r->top, ".", O_RDONLY | O_DIRECTORY, 0);
		result = fs_result_of(fd);
		if (result == FS_OK)
			result = fs_walk_adopt(
				walk, r->root, fd, FS_WALK_RAW | FS_WALK_ONE_MOUNT);
		if (result == FS_OK) {
			result = pass(r, walk);
			fs_walk_close(walk);
		}
	} while (result == FS_OK && r->again && r->progress && !r->failed);
	free(walk);
	return result;
}

enum fs_result fs_remove_at(const struct fs_root *root, int dir, const char *name,
	const char *path, const struct fs_watch *watch)
{
	struct removal r = {.root = root, .watch = watch, .path = path};
	struct fs_info info;

	bool is_known = fs_stat_at(root, dir, name, &info) == FS_OK;
	bool is_file = is_known && info.type != FS_DIRECTORY;
	int err = end(root, dir, name, is_file ? &info : NULL, unlink_it);
	if (err == 0 || err == -ENOENT)
		return FS_OK;
	AUTO_CLOSE int top = err == -EISDIR || err == -EPERM ? /* POSIX says EPERM */
				     file_open_beneath(dir, name, O_RDONLY | O_DIRECTORY,
					     FILE_NO_LINKS | FILE_NO_MOUNTS)
							     : err;
	if (top == -ENOENT)
		return FS_OK;
	if (top < 0) {
		report(&r, "", top == -EXDEV ? FS_BUSY : fs_result_of(top));
		return FS_PARTIAL;
	}

	r.top = top;
	enum fs_result result = empty(&r);
	if (result != FS_OK)
		return result;
	if (!r.failed) {
		note(&r, end(root, dir, name, is_known ? &info : NULL, rmdir_it), "");
	}
	return r.failed ? FS_PARTIAL : FS_OK;
}

static enum fs_result set_aside(const struct fs_root *root, const struct fs_place *place,
	bool stays, struct fs_aside *out)
{
	int err = 0;

	for (int beside = 0; beside < 2; beside++) {
		struct fs_aside aside;
		enum fs_result result = fs_aside_choose(&aside, root, place, beside);
		if (result != FS_OK)
			return result;
		err = stays ? file_link(place->dir, place->name, aside.dir, aside.name)
			    : file_rename(
				    place->dir, place->name, aside.dir, aside.name, 0);
		if (err == 0) {
			*out = aside;
			return FS_OK;
		}
		fs_aside_end(&aside, root);
		if (err != -EXDEV)
			break;
	}
	return err == -EXDEV ? FS_BUSY : fs_result_of(err);
}

enum fs_result fs_remove_displace(
	const struct fs_root *root, const struct fs_place *place, struct fs_aside *out)
{
	return set_aside(root, place, false, out);
}

enum fs_result fs_remove_shadow(
	const struct fs_root *root, const struct fs_place *place, struct fs_aside *out)
{
	return set_aside(root, place, true, out);
}

enum fs_result fs_remove_displaced(const struct fs_root *root, const struct fs_place *place,
	struct fs_aside *aside, const struct fs_watch *watch)
{
	enum fs_result result =
		fs_remove_at(root, aside->dir, aside->name, place->path, watch);

	/* A directory renamed over anything but nothing or an empty one is refused, which
	 * is right. */
	if (result == FS_PARTIAL)
		(void)file_rename(aside->dir, aside->name, place->dir, place->name, 0);
	fs_aside_end(aside, root);
	return result == FS_PARTIAL ? result : FS_OK;
}

/* What was deleted is in the trash. A tree that something is mounted in cannot stay there,
 * and goes as if there were none. */
static enum fs_result settle(const struct fs_root *root, const struct fs_place *place,
	struct fs_trashed *tree, const struct fs_watch *watch)
{
	struct fs_aside aside = FS_ASIDE_NONE;

	enum fs_result synced = fs_place_sync(root, place);
	if (!tree || fs_trash_measure(root, tree, watch) != FS_OUTSIDE)
		return synced;
	fs_trash_unkept(root, place->path, FS_OUTSIDE);
	fs_aside_name(&aside, root->tmp);
	if (file_rename(root->trash, tree->where, aside.dir, aside.name, 0) < 0)
		return synced;
	return fs_remove_displaced(root, place, &aside, watch);
}

/* What fs_remove took away, out of everybody's sight. */
struct taken {
	bool is_tree;
	struct fs_aside aside;  /* it stands there, to be removed; or */
	struct fs_trashed kept; /* there, where that is not "" */
	int held;               /* or it is gone but for this, where that is not -1 */
};

static enum fs_result take_away(const struct fs_root *root, const struct fs_place *place,
	const struct fs_condition *condition, bool insists, struct taken *taken)
{
	AUTO_GUARD guard = FS_GUARD_NONE;

	enum fs_result result = fs_guard_enter(&guard, root, place, condition);
	if (result != FS_OK)
		return result;
	if (!guard.exists)
		return FS_NOT_FOUND;
	guard.insists = insists;
	taken->is_tree = guard.now.type == FS_DIRECTORY;
	result = fs_trash_move(root, place, &guard, true, &taken->kept);
	if (result == FS_OK || result == FS_NO_SPACE)
		return result;
	if (taken->is_tree || fs_props_beside(root, &guard.now)) /* two, or more */
		return fs_remove_displace(root, place, &taken->aside);
	return fs_result_of(
		fs_release_unlink(root, place->dir, place->name, &guard.now, &taken->held));
}

enum fs_result fs_remove(const struct fs_root *root, const char *path,
	const struct fs_condition *condition, const struct fs_watch *watch)
{
	AUTO_PLACE place = FS_PLACE_NONE;
	struct taken taken = {.aside = FS_ASIDE_NONE, .held = -1};

	enum fs_result result = fs_place_open(&place, root, path);
	if (result == FS_OK)
		result = take_away(root, &place, condition, true, &taken);
	if (result == FS_NO_SPACE) {
		fs_trim_to_keep(root);
		result = take_away(root, &place, condition, false, &taken);
	}
	if (result != FS_OK)
		return result == FS_NO_PARENT ? FS_NOT_FOUND : result;
	if (taken.kept.where[0]) {
		fs_trash_tidy(root, &taken.kept);
		return settle(root, &place, taken.is_tree ? &taken.kept : NULL, watch);
	}

	/* First, or a power cut could bring half a directory back. */
	result = fs_place_sync(root, &place);
	fs_release_close(root, &taken.held);
	enum fs_result emptied = taken.aside.dir >= 0 ? fs_remove_displaced(
					 root, &place, &taken.aside, watch)
						      : FS_OK;
	return emptied == FS_OK ? result : emptied;
}
