/* SPDX-License-Identifier: MIT */

#include "service/drive/fs/bucket.h"

#include "base/hash.h"
#include "base/num.h"
#include "os/fd.h"
#include "os/file.h"
#include "service/drive/fs/aside.h"
#include "service/drive/fs/list.h"
#include "service/drive/fs/remove.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

enum {
	KEY_DIGITS = NUM_HEX_MAX,
	PIECE = 1000, /* of a path in one link: XFS has room for 1,023 */
	PIECES = FS_PATH_MAX / PIECE + 1,
	PROBES = 8, /* paths of one hash that get a bucket; more are an attack */
	TRIES = 3,  /* to remove one to which others add */
};

#define GONE ".gone"

/* Reads the path into @out of FS_PATH_MAX; 0 or -errno. */
static int read_path(const struct fs_root *root, const char *key, char *out)
{
	size_t n = 0, got = PIECE;

	for (unsigned i = 0; got == PIECE; i++) {
		char name[FS_BUCKET_KEY_MAX + 8];
		(void)snprintf(name, sizeof(name), "%s/%u", key, i);
		int err = file_read_link(root->trash, name, out + n, FS_PATH_MAX - n);
		if (err == -ENOENT && i > 0)
			return 0;
		if (err < 0)
			return err;
		got = strlen(out + n);
		n += got;
	}
	return 0;
}

static int write_path(int bucket, const char *path)
{
	size_t n = strlen(path);

	for (size_t at = 0; at < n; at += PIECE) {
		char name[8], piece[PIECE + 1];
		(void)snprintf(name, sizeof(name), "%u", (unsigned)(at / PIECE));
		(void)snprintf(piece, sizeof(piece), "%.*s", PIECE, path + at);
		int err = file_symlink(bucket, name, piece);
		if (err < 0)
			return err;
	}
	return 0;
}

static enum fs_result make(const struct fs_root *root, const char *key, const char *path)
{
	struct fs_aside aside = FS_ASIDE_NONE;

	fs_aside_name(&aside, root->tmp);
	AUTO_CLOSE int fd = fs_aside_make_dir(&aside);
	int err = fd < 0 ? fd : write_path(fd, path);
	if (err == 0)
		err = file_rename(aside.dir, aside.name, root->trash, key, 0);
	if (err < 0 && fd >= 0) /* what resists is the sweep's */
		(void)!fs_remove_at(root, aside.dir, aside.name, "", FS_NO_WATCH);
	/* Somebody was faster. */
	return err == -ENOTEMPTY || err == -EEXIST ? FS_OK : fs_result_of(err);
}

enum fs_result fs_bucket_open(
	const struct fs_root *root, const char *path, char key[FS_BUCKET_KEY_MAX])
{
	uint64_t hash = hash_span(HASH_START, span_str(path));
	char there[FS_PATH_MAX];

	for (unsigned i = 0; i < PROBES; i++) {
		*num_put_hex_full(key, hash + i) = '\0';
		int err = read_path(root, key, there);
		if (err == -ENOENT) {
			enum fs_result made = make(root, key, path);
			if (made != FS_OK)
				return made;
			err = read_path(root, key, there);
		}
		if (err < 0)
			return fs_result_of(err);
		if (strcmp(there, path) == 0)
			return FS_OK;
	}
	return FS_UNSUPPORTED;
}

bool fs_bucket_path(const struct fs_root *root, const char *key, char *out)
{
	return read_path(root, key, out) == 0;
}

enum fs_result fs_bucket_each(const struct fs_root *root, const char *key,
	bool (*each)(void *ctx, const char *name), void *ctx)
{
	struct fs_entry entry;
	struct fs_list *list = malloc(sizeof(*list));
	if (!list)
		return FS_NO_MEMORY;

	int fd = file_open(root->trash, key, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	enum fs_result result = fs_result_of(fd);
	if (result == FS_OK)
		result = fs_list_adopt(list, root, fd, "", true);
	if (result == FS_OK) {
		while ((result = fs_list_next(list, false, &entry)) == FS_OK)
			if (strlen(entry.name) > 2 && !each(ctx, entry.name))
				break; /* short names are pieces of the path */
		fs_list_close(list);
	}
	free(list);
	return result == FS_END ? FS_OK : result;
}

/* -- going -- */

static bool stop(void *ctx, const char *name)
{
	bool *is_empty = ctx;

	(void)name;
	*is_empty = false;
	return false;
}

struct leaving {
	const struct fs_root *root;
	const char *from, *to;
	bool is_stuck;
};

static bool move_one(void *ctx, const char *name)
{
	struct leaving *leaving = ctx;
	char from[FS_NAME_MAX + 40], to[FS_NAME_MAX + 40];

	(void)snprintf(from, sizeof(from), "%s/%s", leaving->from, name);
	(void)snprintf(to, sizeof(to), "%s/%s", leaving->to, name);
	if (file_rename(leaving->root->trash, from, leaving->root->trash, to, 0) < 0)
		leaving->is_stuck = true;
	return true;
}

/* Moves all versions from @gone to a bucket of @path. */
static bool empty(const struct fs_root *root, const char *gone, const char *path)
{
	char key[FS_BUCKET_KEY_MAX];
	struct leaving leaving = {root, gone, key, false};

	return fs_bucket_open(root, path, key) == FS_OK
	       && fs_bucket_each(root, gone, move_one, &leaving) == FS_OK
	       && !leaving.is_stuck;
}

/* Never with what is in it: others may add to it up to the moment in which it is gone. False
 * if one has; then it says @path again. */
static bool remove_bucket(
	const struct fs_root *root, const char *gone, int dir, const char *path)
{
	for (unsigned i = 0; i < PIECES; i++) {
		char name[8];
		(void)snprintf(name, sizeof(name), "%u", i);
		(void)file_unlink(dir, name); /* few paths have so many */
	}
	int err = file_remove_dir(root->trash, gone);
	if (err != -ENOTEMPTY && err != -EEXIST)
		return true;
	/* Not if another has come in its place, and not without room. */
	return write_path(dir, path) < 0;
}

/* Opens @gone for the one who is to end it. -1 if that is another, or it is not there. */
static int open_gone(const struct fs_root *root, const char *gone)
{
	struct statx locked, there;

	AUTO_CLOSE int dir =
		file_open(root->trash, gone, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	if (dir < 0 || file_lock(dir, LOCK_EX | LOCK_NB) < 0
		|| file_stat(dir, "", &locked) < 0
		|| file_stat(root->trash, gone, &there) < 0
		|| locked.stx_ino != there.stx_ino)
		return -1;
	return fd_take(&dir);
}

/* Ends what was begun, here or by a process that died. What cannot be ended is left for the
 * next who comes by. */
static void finish(const struct fs_root *root, const char *gone)
{
	char path[FS_PATH_MAX], key[FS_BUCKET_KEY_MAX];

	AUTO_CLOSE int dir = open_gone(root, gone);
	if (dir < 0)
		return;
	(void)snprintf(key, sizeof(key), "%.*s", KEY_DIGITS, gone);
	if (read_path(root, gone, path) < 0) { /* who removed that died */
		memcpy(path, key, sizeof(key));
		if (write_path(dir, path) < 0)
			return;
	}
	for (unsigned i = 0; i < TRIES; i++) {
		bool is_empty = true;
		if (fs_bucket_each(root, gone, stop, &is_empty) != FS_OK)
			return;
		if (!is_empty && file_rename(root->trash, gone, root->trash, key, 0) == 0)
			return;
		if (!is_empty
			&& !empty(root, gone, path)) /* there is a new bucket by now */
			return;
		if (remove_bucket(root, gone, dir, path))
			return;
	}
}

void fs_bucket_drop_empty(const struct fs_root *root, const char *key)
{
	char gone[FS_BUCKET_KEY_MAX + 8];
	bool is_empty = true;

	if (fs_bucket_each(root, key, stop, &is_empty) != FS_OK || !is_empty)
		return;
	(void)snprintf(gone, sizeof(gone), "%s" GONE, key);
	if (file_rename(root->trash, key, root->trash, gone, 0) == 0)
		finish(root, gone);
}

bool fs_bucket_is(const struct fs_root *root, const char *name)
{
	if (strspn(name, "0123456789abcdef") != KEY_DIGITS)
		return false;
	if (strcmp(name + KEY_DIGITS, GONE) == 0)
		finish(root, name);
	return !name[KEY_DIGITS];
}
