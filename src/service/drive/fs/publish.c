/* SPDX-License-Identifier: MIT */

#include "service/drive/fs/publish.h"

#include "base/util.h"
#include "os/fd.h"
#include "os/file.h"
#include "service/drive/fs/attrs.h"
#include "service/drive/fs/contents.h"
#include "service/drive/fs/install.h"
#include "service/drive/fs/props.h"
#include "service/drive/fs/release.h"
#include "service/drive/fs/trash.h"
#include "service/drive/fs/trim.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/file.h>

#define NEW_MODE 0666 /* less the umask */
#define LARGE \
	(256 * KIB) /* what is smaller is written, or found not to fit, at once anyway */
#define FLUSH_STEP \
	(8 * MIB) /* write-back begins each time, so that fsync has little left */

/* Sees what a GET of the name would show. */
static void look(struct fs_publish *pub)
{
	enum fs_result result =
		fs_stat_at(pub->root, pub->place.dir, pub->place.name, &pub->was);

	pub->replaces_file = result == FS_OK && pub->was.type == FS_FILE;
	if (result == FS_OK && pub->was.type == FS_LINK)
		result = fs_stat(pub->root, pub->path, &pub->was);
	pub->existed = result == FS_OK;
}

static enum fs_result open_named(struct fs_publish *pub)
{
	struct statx dir;

	enum fs_result result = fs_aside_choose(&pub->aside, pub->root, &pub->place, false);
	if (result != FS_OK)
		return result;
	pub->fd = fs_aside_make_file(&pub->aside, NEW_MODE);
	if (pub->fd < 0)
		return fs_result_of(pub->fd);
	pub->named = true;

	/* Made elsewhere, it misses the group that a set-group-ID directory gives its
	 * files. */
	if (file_stat(pub->place.dir, "", &dir) == 0 && dir.stx_mode & S_ISGID)
		(void)file_set_owner(pub->fd, (uid_t)-1, dir.stx_gid); /* if we may */
	return FS_OK;
}

static enum fs_result open_temporary(struct fs_publish *pub)
{
	if (!pub->root->can.unnamed)
		return open_named(pub);

	/* In the target's own directory: so it gets that directory's group, default ACL,
	 * project. With the mode it will inherit, which then mostly needs no other call. */
	mode_t mode = pub->replaces_file ? pub->was.mode & NEW_MODE : NEW_MODE;
	pub->fd = file_open(pub->place.dir, ".", O_RDWR | O_TMPFILE, mode);
	if (pub->fd == -EOPNOTSUPP || pub->fd == -EISDIR || pub->fd == -ENOENT)
		return open_named(pub); /* another mount, which cannot */
	return fs_result_of(pub->fd);
}

/*
 * Nothing is set aside: a head alone would fill the disk then, and fallocate
 * costs as much as a tenth of the writing.
 */
static enum fs_result check_room(const struct fs_publish *pub, uint64_t size)
{
	struct file_space space;

	int err = file_space(pub->fd, &space);
	if (err < 0)
		return fs_result_of(err);
	/* A disk that has no limit says 0. */
	if (space.total_bytes == 0 || size <= space.available_bytes)
		return FS_OK;
	if (!fs_trim_for(pub->root, pub->fd, size) || file_space(pub->fd, &space) < 0)
		return FS_NO_SPACE;
	return size <= space.available_bytes ? FS_OK : FS_NO_SPACE;
}

enum fs_result fs_publish_begin(
	struct fs_publish *pub, const struct fs_root *root, const char *path, uint64_t size)
{
	pub->path = path;
	pub->root = root;
	pub->place = FS_PLACE_NONE;
	pub->aside = FS_ASIDE_NONE;
	pub->fd = -1;
	pub->named = false;
	pub->flushed = 0;
	pub->existed = pub->replaces_file = false;
	pub->is_published = false;
	pub->digests.n = 0;
	pub->heir_of = (struct fs_info){0};
	pub->heir_of_plain = false;

	enum fs_result result = fs_place_open(&pub->place, root, pub->path);
	if (result == FS_OK) {
		look(pub);
		result = pub->existed && pub->was.type == FS_DIRECTORY
				 ? FS_IS_DIRECTORY
				 : open_temporary(pub);
	}
	if (result == FS_OK && size != FS_SIZE_UNKNOWN && size >= LARGE)
		result = check_room(pub, size);
	if (result != FS_OK)
		fs_publish_end(pub);
	return result;
}

/* It inherited, and comes to nothing. */
static void forget_heritage(const struct fs_publish *pub)
{
	struct fs_info info;

	if (pub->fd >= 0 && fs_stat_fd(pub->root, pub->fd, &info) == FS_OK)
		fs_props_forget(pub->root, &info);
}

void fs_publish_end(struct fs_publish *pub)
{
	if (!pub->is_published && pub->heir_of.inode)
		forget_heritage(pub); /* while the file has a name */
	if (pub->named)
		(void)file_unlink(pub->aside.dir, pub->aside.name); /* or the sweep will */
	pub->named = false;
	if (pub->is_published)
		fd_close(&pub->fd);
	else
		fs_release_given_up(pub->root, &pub->fd);
	fs_aside_end(&pub->aside, pub->root);
	fs_place_close(&pub->place);
}

static void flush_early(struct fs_publish *pub, uint64_t end)
{
	if (!pub->root->durable || end < pub->flushed + FLUSH_STEP)
		return;
	file_flush_early(pub->fd, pub->flushed, end - pub->flushed);
	pub->flushed = end;
}

/* After @err. To be asked once: if that is no help, the trash is not what fills the disk, or
 * the quota. */
static bool makes_room(const struct fs_publish *pub, ssize_t err, size_t n)
{
	return (err == -ENOSPC || err == -EDQUOT) && fs_trim_for(pub->root, pub->fd, n);
}

enum fs_result fs_publish_write(
	struct fs_publish *pub, const void *bytes, size_t n, uint64_t offset)
{
	int err = file_write_at(pub->fd, bytes, n, offset);

	if (makes_room(pub, err, n))
		err = file_write_at(pub->fd, bytes, n, offset);
	if (err < 0)
		return fs_result_of(err);
	flush_early(pub, offset + n);
	return FS_OK;
}

bool fs_publish_splices(const struct fs_publish *pub)
{
	/* Another mount may be of another kind, which was not probed. */
	return pub->root->can.splice && !pub->place.elsewhere;
}

enum fs_result fs_publish_splice(
	struct fs_publish *pub, int pipe, size_t n, uint64_t offset)
{
	bool has_trimmed = false;

	for (size_t at = 0; at < n;) {
		ssize_t put = file_splice(pipe, pub->fd, offset + at, n - at);
		if (put < 0 && (has_trimmed || !makes_room(pub, put, n - at)))
			return fs_result_of((int)put);
		if (put < 0)
			has_trimmed = true;
		else
			at += (size_t)put;
	}
	flush_early(pub, offset + n);
	return FS_OK;
}

/* Within one mount a rename is refused across project quotas and subvolumes: no way out of
 * the root. */
static enum fs_result of_rename(int err)
{
	return err == -EXDEV ? FS_UNSUPPORTED : fs_result_of(err);
}

/* Gives the unnamed file a name of ours, by which a rename, or the sweep, takes it. */
static int name_it(struct fs_publish *pub)
{
	/* Locked before it can be found. */
	int err = file_lock(pub->fd, LOCK_EX);
	if (err < 0)
		return err;

	for (int beside = 0; beside < 2; beside++) {
		if (fs_aside_choose(&pub->aside, pub->root, &pub->place, beside) != FS_OK)
			return -errno;
		err = file_link_unnamed(pub->fd, pub->aside.dir, pub->aside.name);
		pub->named = err == 0;
		if (err != -EXDEV)
			return err;
		fs_aside_end(&pub->aside, pub->root);
	}
	return err;
}

/* Takes over from @old, the file that had the name at the last look, what a new version keeps. */
static enum fs_result inherit(struct fs_publish *pub, const struct fs_info *old)
{
	const struct fs_place *place = &pub->place;
	/* Only at first: what it has of another heritage would have to go. */
	bool plain = !pub->heir_of.inode
		     && fs_attrs_plain_at(pub->root, place->dir, place->name);
	AUTO_CLOSE int fd = plain ? -1
				  : file_open(place->dir, place->name,
					  O_RDONLY | O_NONBLOCK | O_NOFOLLOW, 0);
	if (fd == -ENOENT)
		return FS_OK; /* gone since: there is nobody to take over from */

	/* What it inherits may stand beside it, and is found by its name alone. */
	int err = plain || pub->named ? 0 : name_it(pub);
	if (err < 0)
		return of_rename(err);
	enum fs_result result = fs_attrs_inherit(pub->root, fd, old, pub->fd, &pub->made);
	if (result == FS_OK) {
		pub->heir_of = *old;
		pub->heir_of_plain = plain;
	}
	return result;
}

static bool is_heir_of(const struct fs_publish *pub, const struct fs_info *old)
{
	return pub->heir_of.inode == old->inode && pub->heir_of.ctime_ns == old->ctime_ns;
}

/* Whether @old was seen to have no properties, at this very version of it: whoever gives a
 * file attributes moves its ctime. */
static bool was_plain(const struct fs_publish *pub, const struct fs_info *old)
{
	return pub->heir_of_plain && is_heir_of(pub, old);
}

static enum fs_result flush(const struct fs_publish *pub)
{
	return pub->root->durable ? fs_result_of(file_sync(pub->fd)) : FS_OK;
}

/* All that takes long, before anything is locked. */
static enum fs_result prepare(struct fs_publish *pub, int64_t mtime_ns)
{
	enum fs_result result = fs_stat_new_generation(pub->root, pub->fd);

	if (result == FS_OK && mtime_ns != FS_MTIME_NOW)
		result = fs_result_of(file_set_mtime(pub->fd, fs_touch_time(mtime_ns)));
	if (result == FS_OK)
		result = fs_stat_fd(pub->root, pub->fd, &pub->made);
	if (result == FS_OK && pub->replaces_file)
		result = inherit(pub, &pub->was);
	if (result == FS_OK && pub->digests.n > 0)
		(void)!fs_digests_write(pub->root, pub->fd, &pub->made,
			&pub->digests); /* without room: then not */
	return result == FS_OK ? flush(pub) : result;
}

/* Over whatever file or link has the name; @old, if it goes for good. */
static int replace(struct fs_publish *pub, const struct fs_info *old, int *held)
{
	int err = pub->named ? 0 : name_it(pub);

	if (err == 0)
		err = fs_release_rename(pub->root, pub->aside.dir, pub->aside.name,
			pub->place.dir, pub->place.name, old, held);
	if (err == 0)
		pub->named = false;
	return err;
}

/* Where nothing has the name; -EEXIST to all but one of those who try at once. */
static int create(struct fs_publish *pub)
{
	const struct fs_place *place = &pub->place;

	if (!pub->named)
		return file_link_unnamed(pub->fd, place->dir, place->name);

	bool renames = pub->root->can.noreplace && !place->elsewhere;
	int err = renames ? file_rename(pub->aside.dir, pub->aside.name, place->dir,
			  place->name, RENAME_NOREPLACE)
			  : file_link(
				  pub->aside.dir, pub->aside.name, place->dir, place->name);
	if (err < 0)
		return err;
	if (!renames)
		(void)file_unlink(pub->aside.dir, pub->aside.name); /* or the sweep will */
	pub->named = false;
	return 0;
}

/* What is at the name may be other than it was when we prepared, by somebody's PROPPATCH or
 * PUT. */
static enum fs_result inherit_again(struct fs_publish *pub, const struct fs_guard *guard)
{
	if (guard->now.type != FS_FILE || is_heir_of(pub, &guard->now))
		return FS_OK;

	enum fs_result result = inherit(pub, &guard->now);
	return result == FS_OK ? flush(pub) : result;
}

static enum fs_result put_in_place(struct fs_publish *pub, const struct fs_guard *guard,
	enum fs_if kind, bool *created, struct fs_displaced *displaced)
{
	enum fs_result keeps = FS_UNSUPPORTED;

	*created = !guard->exists;
	if (guard->exists && guard->now.type == FS_DIRECTORY)
		return FS_IS_DIRECTORY;

	if (!guard->exists) {
		int err = create(pub);
		if (err != -EEXIST || kind == FS_IF_ABSENT)
			return of_rename(err);
		if (kind != FS_IF_ANY)
			return FS_CHANGED;
		*created = false; /* somebody was faster, and is replaced */
	} else {
		enum fs_result result = inherit_again(pub, guard);
		if (result != FS_OK)
			return result;
	}
	if (guard->exists)
		keeps = fs_trash_link(pub->root, &pub->place, guard, &displaced->kept);
	if (keeps == FS_NO_SPACE)
		return keeps;
	bool forgets = guard->exists && keeps != FS_OK && !was_plain(pub, &guard->now)
		       && fs_install_shadow(
			       pub->root, &pub->place, &guard->now, &displaced->aside);
	int err = replace(pub, guard->exists && keeps != FS_OK ? &guard->now : NULL,
		&displaced->held);
	if (err < 0)
		fs_trash_undo(pub->root, &pub->place, &displaced->kept);
	else if (forgets)
		fs_props_forget(pub->root, &guard->now);
	return of_rename(err);
}

static enum fs_result commit_once(struct fs_publish *pub,
	const struct fs_condition *condition, bool insists, bool *created,
	struct fs_displaced *displaced)
{
	AUTO_GUARD guard = FS_GUARD_NONE;

	enum fs_result result = fs_guard_enter(&guard, pub->root, &pub->place, condition);
	if (result != FS_OK)
		return result;
	guard.insists = insists;
	return put_in_place(pub, &guard, condition->kind, created, displaced);
}

enum fs_result fs_publish_commit(struct fs_publish *pub,
	const struct fs_condition *condition, int64_t mtime_ns, struct fs_published *out)
{
	struct fs_displaced displaced = FS_DISPLACED_NONE;

	enum fs_result result = prepare(pub, mtime_ns);
	if (result != FS_OK)
		return result;
	result = commit_once(pub, condition, true, &out->created, &displaced);
	if (result == FS_NO_SPACE) {
		fs_install_discard(pub->root, &displaced);
		fs_trim_to_keep(pub->root);
		result = commit_once(pub, condition, false, &out->created, &displaced);
	}
	pub->is_published = result == FS_OK;
	if (pub->is_published) {
		out->info = pub->made;
		out->info.n_links = 1; /* it had no name of its own yet */
		result = fs_place_sync(pub->root, &pub->place);
	}
	fs_install_discard(pub->root, &displaced);
	return result;
}
