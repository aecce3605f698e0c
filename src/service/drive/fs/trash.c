/* SPDX-License-Identifier: MIT */

#include "service/drive/fs/trash.h"

#include "base/util.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/file.h"
#include "service/drive/fs/bucket.h"
#include "service/drive/fs/install.h"
#include "service/drive/fs/remove.h"
#include "service/drive/fs/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	TRIES = 3,       /* a bucket may go while we fill it */
	TRIM_ONE_IN = 8, /* of the times something is kept, by the clock's last digits */
};

/* -- keeping -- */

typedef int keep_fn(int from_dir, const char *from, int to_dir, const char *to);

/* What link(2) says where the file can have no second name: the file system knows none
 * (EPERM, or what FUSE and network ones say), it has the most there may be, or it is another
 * account's (fs.protected_hardlinks). */
static bool has_no_links(int err)
{
	return err == -EPERM || err == -EMLINK || err == -EOPNOTSUPP || err == -ENOSYS;
}

/* Without a second name it is absent for a moment. */
static int keep_by_link(int from_dir, const char *from, int to_dir, const char *to)
{
	int err = file_link(from_dir, from, to_dir, to);

	return has_no_links(err) ? file_rename(from_dir, from, to_dir, to, 0) : err;
}

static int keep_by_move(int from_dir, const char *from, int to_dir, const char *to)
{
	return file_rename(from_dir, from, to_dir, to, 0);
}

/* Once. FS_NOT_FOUND and FS_EXISTS where somebody was in the way, @key being the bucket. */
static enum fs_result try_to_keep(const struct fs_root *root, const struct fs_place *place,
	keep_fn *by, struct fs_trashed *out, char key[FS_BUCKET_KEY_MAX])
{
	enum fs_result result = fs_bucket_open(root, place->path, key);
	if (result != FS_OK)
		return result;
	out->time_ns = (int64_t)clock_wall_ns();
	fs_trashed_name(out, key);
	return fs_result_of(by(place->dir, place->name, root->trash, out->where));
}

void fs_trash_unkept(const struct fs_root *root, const char *path, enum fs_result why)
{
	if (root->watch.failed)
		root->watch.failed(root->watch.ctx, path, why);
}

/* Whether somebody else has removed what was to be kept. */
static bool has_gone(const struct fs_root *root, const struct fs_place *place)
{
	struct fs_info info;

	return fs_stat_at(root, place->dir, place->name, &info) == FS_NOT_FOUND;
}

static enum fs_result keep(const struct fs_root *root, const struct fs_place *place,
	const struct fs_guard *guard, bool is_deleted, keep_fn *by, struct fs_trashed *out)
{
	char key[FS_BUCKET_KEY_MAX] = "";
	enum fs_result result = FS_NOT_FOUND;

	*out = (struct fs_trashed){.is_deleted = is_deleted,
		.is_measured = guard->now.type != FS_DIRECTORY,
		.size = guard->now.type == FS_DIRECTORY ? 0 : guard->now.size};
	if (root->trash < 0 || place->elsewhere || guard->for_good)
		return FS_UNSUPPORTED;
	(void)snprintf(out->user, sizeof(out->user), "%s", guard->by ? guard->by : "");
	for (unsigned i = 0; i < TRIES && (result == FS_NOT_FOUND || result == FS_EXISTS);
		i++)
		result = try_to_keep(root, place, by, out, key);
	if (result == FS_OK) {
		if (root->kept_bytes)
			atomic_fetch_add(root->kept_bytes, out->size);
		return FS_OK;
	}
	fs_bucket_drop_empty(root, key);
	out->where[0] = '\0';
	if (result == FS_NO_SPACE && guard->insists)
		return FS_NO_SPACE;
	if (!has_gone(root, place))
		fs_trash_unkept(root, place->path, result);
	return FS_UNSUPPORTED;
}

enum fs_result fs_trash_move(const struct fs_root *root, const struct fs_place *place,
	const struct fs_guard *guard, bool is_deleted, struct fs_trashed *out)
{
	return keep(root, place, guard, is_deleted, keep_by_move, out);
}

enum fs_result fs_trash_link(const struct fs_root *root, const struct fs_place *place,
	const struct fs_guard *guard, struct fs_trashed *out)
{
	out->where[0] = '\0';
	if (guard->now.type == FS_FILE && guard->now.size == 0)
		return FS_UNSUPPORTED;
	return keep(root, place, guard, false, keep_by_link, out);
}

void fs_trash_undo(
	const struct fs_root *root, const struct fs_place *place, struct fs_trashed *kept)
{
	struct fs_info info;

	if (!kept->where[0])
		return;
	if (fs_stat_at(root, place->dir, place->name, &info) == FS_OK)
		(void)file_unlink(root->trash, kept->where); /* or it is kept once more */
	else
		(void)file_rename(root->trash, kept->where, place->dir, place->name, 0);
	kept->where[0] = '\0';
}

enum fs_result fs_trash_measure(
	const struct fs_root *root, struct fs_trashed *kept, const struct fs_watch *watch)
{
	struct fs_trashed measured = *kept;

	int fd =
		file_open(root->trash, kept->where, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	if (fd < 0)
		return fs_result_of(fd);
	measured.size = 0;
	measured.is_measured = true;
	enum fs_result result = fs_walk_sum(root, fd, watch, &measured.size);
	if (result != FS_OK)
		return result;
	fs_trashed_name(&measured, kept->id);
	result = fs_result_of(
		file_rename(root->trash, kept->where, root->trash, measured.where, 0));
	if (result != FS_OK)
		return result;
	if (root->kept_bytes)
		atomic_fetch_add(root->kept_bytes, measured.size);
	*kept = measured;
	return FS_OK;
}

/* -- looking -- */

/* @id's two halves, as its bucket's key and the beginning of its name. */
static bool read_id(const char *id, char *key, char *time)
{
	if (strspn(id, "0123456789abcdef") != 16 || id[16] != '-'
		|| strspn(id + 17, "0123456789abcdef") != 16 || id[33])
		return false;
	memcpy(key, id, 16);
	memcpy(time, id + 17, 16);
	key[16] = time[16] = '\0';
	return true;
}

struct search {
	const char *key, *time;
	struct fs_trashed *out;
	bool is_found;
};

static bool is_other(void *ctx, const char *name)
{
	struct search *search = ctx;

	search->is_found = strncmp(name, search->time, 16) == 0
			   && fs_trashed_read(search->key, name, search->out);
	return !search->is_found;
}

enum fs_result fs_trash_find(
	const struct fs_root *root, const char *id, struct fs_trashed *out, char *path)
{
	char key[FS_BUCKET_KEY_MAX], time[17];
	struct search search = {key, time, out, false};

	if (root->trash < 0 || !read_id(id, key, time) || !fs_bucket_path(root, key, path))
		return FS_NOT_FOUND;
	enum fs_result result = fs_bucket_each(root, key, is_other, &search);
	if (result != FS_OK)
		return result;
	return search.is_found ? FS_OK : FS_NOT_FOUND;
}

/* -- leaving -- */

/* The oldest versions of a path, in their order: names begin with the time. */
struct oldest {
	unsigned n, n_all;
	char names[2 * FS_TRASH_VERSIONS_MOST][FS_NAME_MAX];
};

static bool remember_oldest(void *ctx, const char *name)
{
	struct oldest *oldest = ctx;
	unsigned at = oldest->n;

	oldest->n_all++;
	while (at > 0 && strcmp(name, oldest->names[at - 1]) < 0)
		at--;
	if (at == ARRAY_LEN(oldest->names))
		return true;
	unsigned n_after = MIN(oldest->n, (unsigned)ARRAY_LEN(oldest->names) - 1) - at;
	memmove(oldest->names[at + 1], oldest->names[at],
		n_after * sizeof(oldest->names[0]));
	memcpy(oldest->names[at], name, strlen(name) + 1); /* no entry's is longer */
	oldest->n = at + n_after + 1;
	return true;
}

/* So that who rewrites a file all day fills no disk. What is left to do now is done the next
 * time. */
void fs_trash_tidy(const struct fs_root *root, const struct fs_trashed *kept)
{
	const struct fs_watch watch = fs_root_own_watch(root);
	char key[FS_BUCKET_KEY_MAX], where[FS_TRASH_WHERE_MAX];

	if (!kept->where[0] || kept->time_ns / 1000 % TRIM_ONE_IN != 0)
		return;
	struct oldest oldest = {0}; /* kilobytes: not to be cleared for nothing */
	(void)snprintf(key, sizeof(key), "%.16s", kept->where);
	if (fs_bucket_each(root, key, remember_oldest, &oldest) != FS_OK)
		return;
	for (unsigned i = 0; i < oldest.n && i + FS_TRASH_VERSIONS_MOST < oldest.n_all;
		i++) {
		(void)snprintf(where, sizeof(where), "%s/%s", key, oldest.names[i]);
		if (strcmp(where, kept->where) == 0) /* the clock was set back */
			continue;
		if (fs_remove_at(root, root->trash, where, "", &watch) != FS_OK)
			return;
	}
}

static void left(const struct fs_root *root, const struct fs_trashed *kept)
{
	char key[FS_BUCKET_KEY_MAX];

	(void)snprintf(key, sizeof(key), "%.16s", kept->where);
	fs_bucket_drop_empty(root, key);
}

enum fs_result fs_trash_purge(const struct fs_root *root, const struct fs_trashed *kept,
	const struct fs_watch *watch)
{
	enum fs_result result = fs_remove_at(root, root->trash, kept->where, "", watch);

	if (result == FS_OK)
		left(root, kept);
	return result;
}

enum fs_result fs_trash_restore(const struct fs_root *root, const struct fs_trashed *kept,
	const char *to, bool overwrite, const struct fs_condition *condition, bool *created)
{
	AUTO_PLACE place = FS_PLACE_NONE;
	AUTO_GUARD guard = FS_GUARD_NONE;
	struct fs_displaced displaced = FS_DISPLACED_NONE;
	const struct fs_watch watch = fs_root_own_watch(root);
	struct fs_info info;

	enum fs_result result = fs_place_open(&place, root, to);
	if (result == FS_OK)
		result = fs_stat_at(root, root->trash, kept->where, &info);
	if (result == FS_OK && overwrite)
		result = fs_install_check(root, &place, &watch);
	if (result == FS_OK)
		result = fs_guard_enter(&guard, root, &place, condition);
	if (result != FS_OK)
		return result;
	guard.insists = true; /* no room is made: this may be the oldest */
	*created = !guard.exists;
	if (guard.exists && overwrite && guard.now.inode == info.inode
		&& guard.now.dev == info.dev) /* who kept it died before more */
		result = fs_result_of(file_unlink(root->trash, kept->where));
	else
		result = fs_install(root, root->trash, kept->where, info.type, &place,
			&guard, overwrite, &displaced);
	fs_guard_leave(&guard);
	if (result != FS_OK)
		return result;
	result = fs_place_sync(root, &place);
	fs_install_discard(root, &displaced);
	left(root, kept);
	return result;
}
