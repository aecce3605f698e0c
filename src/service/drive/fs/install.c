/* SPDX-License-Identifier: MIT */

#include "service/drive/fs/install.h"

#include "os/file.h"
#include "service/drive/fs/props.h"
#include "service/drive/fs/release.h"
#include "service/drive/fs/remove.h"
#include "service/drive/fs/trash.h"
#include "service/drive/fs/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>

enum fs_result fs_install_check(
	const struct fs_root *root, const struct fs_place *to, const struct fs_watch *watch)
{
	uint64_t n_bytes = 0;

	int tree = file_open(to->dir, to->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	if (tree < 0) /* no directory, or what the rename will say */
		return FS_OK;
	enum fs_result result = fs_walk_sum(root, tree, watch, &n_bytes);
	return result == FS_OUTSIDE ? FS_BUSY : result;
}

/* Where nothing has the name, or had it a moment ago. */
static int install_new(const struct fs_root *root, int dir, const char *name,
	enum fs_type type, const struct fs_place *to)
{
	if (root->can.noreplace && !to->elsewhere)
		return file_rename(dir, name, to->dir, to->name, RENAME_NOREPLACE);

	/* A directory cannot be linked; but renamed it replaces nothing except an empty
	 * one. */
	if (type == FS_DIRECTORY)
		return file_rename(dir, name, to->dir, to->name, 0);

	int err = file_link(dir, name, to->dir, to->name);
	return err < 0 ? err : file_unlink(dir, name);
}

/* The old thing ends up at (dir, name), and steps aside from there. */
static enum fs_result exchange(const struct fs_root *root, int dir, const char *name,
	const struct fs_place *to, struct fs_aside *displaced)
{
	enum fs_result result = fs_aside_choose(displaced, root, to, false);
	if (result != FS_OK)
		return result;

	int err = file_rename(dir, name, to->dir, to->name, RENAME_EXCHANGE);
	if (err == 0) {
		err = file_rename(dir, name, displaced->dir, displaced->name, 0);
		if (err < 0) /* as before, then */
			(void)file_rename(dir, name, to->dir, to->name, RENAME_EXCHANGE);
	}
	if (err < 0)
		fs_aside_end(displaced, root);
	return fs_result_of(err);
}

static enum fs_result step_aside(const struct fs_root *root, int dir, const char *name,
	const struct fs_place *to, struct fs_aside *displaced)
{
	enum fs_result result = fs_remove_displace(root, to, displaced);
	if (result != FS_OK)
		return result;

	int err = file_rename(dir, name, to->dir, to->name, 0);
	if (err < 0) { /* as before, then */
		(void)file_rename(displaced->dir, displaced->name, to->dir, to->name, 0);
		fs_aside_end(displaced, root);
	}
	return fs_result_of(err);
}

bool fs_install_shadow(const struct fs_root *root, const struct fs_place *place,
	const struct fs_info *now, struct fs_aside *displaced)
{
	*displaced = FS_ASIDE_NONE;
	return fs_props_beside(root, now)
	       && fs_remove_shadow(root, place, displaced) != FS_OK;
}

/* A file or link over another, or where nothing is. */
static enum fs_result install_file(const struct fs_root *root, int dir, const char *name,
	enum fs_type type, const struct fs_place *to, const struct fs_guard *target,
	bool overwrite, struct fs_displaced *displaced)
{
	enum fs_result keeps = FS_UNSUPPORTED;

	if (target->exists)
		keeps = fs_trash_link(root, to, target, &displaced->kept);
	if (keeps == FS_NO_SPACE)
		return keeps;
	bool forgets = target->exists && keeps != FS_OK
		       && fs_install_shadow(root, to, &target->now, &displaced->aside);
	int err = overwrite ? fs_release_rename(root, dir, name, to->dir, to->name,
			  target->exists && keeps != FS_OK ? &target->now : NULL,
			  &displaced->held)
			    : install_new(root, dir, name, type, to);
	if (err < 0) {
		fs_trash_undo(root, to, &displaced->kept);
		fs_install_discard(root, displaced);
	} else if (forgets) {
		fs_props_forget(root, &target->now);
	}
	return fs_result_of(err);
}

/* Over a directory, or a directory over anything. */
static enum fs_result install_tree(const struct fs_root *root, int dir, const char *name,
	const struct fs_place *to, const struct fs_guard *target,
	struct fs_displaced *displaced)
{
	enum fs_result keeps = fs_trash_move(root, to, target, false, &displaced->kept);

	if (keeps == FS_OK) {
		int err = file_rename(dir, name, to->dir, to->name, 0);
		if (err < 0)
			fs_trash_undo(root, to, &displaced->kept);
		return fs_result_of(err);
	}
	if (keeps == FS_NO_SPACE)
		return keeps;
	return root->can.exchange && !to->elsewhere
		       ? exchange(root, dir, name, to, &displaced->aside)
		       : step_aside(root, dir, name, to, &displaced->aside);
}

enum fs_result fs_install(const struct fs_root *root, int dir, const char *name,
	enum fs_type type, const struct fs_place *to, const struct fs_guard *target,
	bool overwrite, struct fs_displaced *displaced)
{
	*displaced = FS_DISPLACED_NONE;
	if (target->exists && !overwrite)
		return FS_EXISTS;
	if (target->exists && (type == FS_DIRECTORY || target->now.type == FS_DIRECTORY))
		return install_tree(root, dir, name, to, target, displaced);
	return install_file(root, dir, name, type, to, target, overwrite, displaced);
}

void fs_install_discard(const struct fs_root *root, struct fs_displaced *displaced)
{
	const struct fs_watch watch = fs_root_own_watch(root);
	struct fs_aside *aside = &displaced->aside;

	fs_release_close(root, &displaced->held);
	fs_trash_tidy(root, &displaced->kept);
	if (aside->dir < 0)
		return;
	/* What could not be removed is under a name that nobody sees, unlocked. */
	(void)!fs_remove_at(root, aside->dir, aside->name, "", &watch);
	fs_aside_end(aside, root);
}
