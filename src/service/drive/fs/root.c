/* SPDX-License-Identifier: MIT */

#include "service/drive/fs/root.h"

#include "base/reason.h"
#include "base/util.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/latch.h"
#include "service/drive/fs/probe.h"
#include "service/drive/fs/release.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPEN_DIRECTORY (O_RDONLY | O_DIRECTORY | O_NOFOLLOW)

/* Opens @name in @dir, a directory of ours, and makes it first if need be. */
static int open_own(int dir, const char *name, bool make)
{
	if (make) {
		int err = file_make_dir(dir, name, 0700);
		if (err < 0 && err != -EEXIST)
			return err;
	}
	return file_open(dir, name, OPEN_DIRECTORY, 0);
}

static bool means_read_only(int err)
{
	return err == -EROFS || err == -EACCES || err == -EPERM;
}

/* The stores every publish needs. */
static int open_stores(struct fs_root *root, bool with_trash)
{
	if ((root->tmp = open_own(root->private, "tmp", true)) < 0)
		return root->tmp;
	if ((root->locks = open_own(root->private, "locks", true)) < 0)
		return root->locks;
	if ((root->notes = open_own(root->private, "notes", true)) < 0)
		return root->notes;
	root->names = malloc(sizeof(*root->names));
	if (!root->names)
		return -ENOMEM;
	*root->names = latch_at(root->locks, "names");
	root->kept = calloc(1, sizeof(*root->kept));
	if (!root->kept)
		return -ENOMEM;
	root->kept->dir = -1;
	root->releases = fs_releases_new();
	if (!root->releases)
		return -ENOMEM;
	if (!with_trash)
		return 0;
	int fd = open_own(root->private, "trash", true);
	if (fd >= 0)
		root->trash = fd;
	/* Somebody else's: then nothing is kept, which chores tells. */
	return means_read_only(fd) ? 0 : MIN(fd, 0);
}

/* Sets up .prefork/; where that may not be written, root->can.writable stays false. */
static int open_private(
	struct fs_root *root, const struct fs_options *options, struct reason *reason)
{
	bool read_only = options->read_only;
	struct statx st;

	int fd = open_own(root->fd, FS_PRIVATE, !read_only);
	if (means_read_only(fd))
		fd = open_own(
			root->fd, FS_PRIVATE, false); /* to know it, and keep it hidden */
	if (fd < 0) {
		if (fd == -ENOENT || means_read_only(fd))
			return 0;
		errno = -fd;
		return reason_errno(reason, "cannot use its directory %s", FS_PRIVATE);
	}

	root->private = fd;
	int err = file_stat(fd, "", &st);
	if (err == 0) {
		root->private_inode = st.stx_ino;
		if (read_only)
			return 0;
		err = open_stores(root, options->trash);
		root->can.writable = err == 0;
		if (means_read_only(err))
			return 0;
	}
	errno = -err;
	return err < 0 ? reason_errno(reason, "cannot set up its directory %s", FS_PRIVATE)
		       : 0;
}

static int open_folder(struct fs_root *root, const char *dir, struct reason *reason)
{
	struct statx st;

	/* The administrator's own path: links in it are meant. */
	root->fd = file_open(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY, 0);
	int err = root->fd < 0 ? root->fd : file_stat(root->fd, "", &st);
	errno = -err;
	if (err < 0)
		return reason_errno(reason, "cannot open the folder %s", dir);
	root->mount = st.stx_mnt_id;
	root->dev = file_device(&st);

	int probe = file_open_beneath(root->fd, ".", O_PATH, 0);
	errno = -probe;
	if (probe < 0)
		return reason_errno(reason,
			"this kernel cannot keep paths inside the folder (openat2)");
	fd_close(&probe);
	return 0;
}

int fs_root_open(struct fs_root *out, const char *dir, const struct fs_options *options,
	struct reason *reason)
{
	struct fs_root root = FS_ROOT_NONE;

	int err = open_folder(&root, dir, reason);
	if (err == 0)
		err = open_private(&root, options, reason);
	if (err < 0) {
		fs_root_close(&root);
		return err;
	}

	root.durable = !options->rename_only;
	root.kept_bytes = options->kept_bytes;
	root.watch = options->watch;
	fs_probe(&root, options->plain);
	*out = root;
	return 0;
}

void fs_root_close(struct fs_root *root)
{
	fd_close(&root->trash);
	fd_close(&root->notes);
	if (root->names)
		latch_fini(root->names);
	free(root->names);
	root->names = NULL;
	if (root->kept)
		fd_close(&root->kept->dir);
	free(root->kept);
	root->kept = NULL;
	fs_releases_free(root->releases);
	root->releases = NULL;
	fd_close(&root->locks);
	fd_close(&root->tmp);
	fd_close(&root->private);
	fd_close(&root->fd);
}

/* Whether @path's first name is .prefork in other letters, on a root that does not tell
 * cases apart. */
static bool spells_private(const struct fs_root *root, const char *path)
{
	char first[FS_NAME_MAX];
	struct statx st;

	if (!root->can.case_blind || !*path)
		return false;
	size_t n = strcspn(path, "/");
	memcpy(first, path, n); /* checked: no name is longer */
	first[n] = '\0';
	return file_stat(root->fd, first, &st) == 0 && st.stx_ino == root->private_inode;
}

enum fs_result fs_resolve_check(const struct fs_root *root, const char *path)
{
	enum fs_result result = fs_path_check(path);

	if (result == FS_OK && spells_private(root, path))
		return FS_NOT_FOUND;
	return result;
}

/* Where @fd lies below the root, into @out of FS_PATH_MAX. */
static enum fs_result locate(const struct fs_root *root, int fd, char *out)
{
	char top[FS_PATH_MAX], at[FS_PATH_MAX];

	int err = file_where(root->fd, top, sizeof(top));
	if (err == 0)
		err = file_where(fd, at, sizeof(at));
	if (err < 0)
		return fs_result_of(err);

	size_t n = strcmp(top, "/") == 0 ? 0 : strlen(top);
	if (strncmp(at, top, n) != 0 || (at[n] != '/' && at[n]))
		return FS_OUTSIDE; /* moved out since it was opened */
	const char *path = at[n] ? at + n + 1 : "";
	memcpy(out, path, strlen(path) + 1);
	return FS_OK;
}

/* Where the links of a path led is judged as if the path had said it. */
static enum fs_result check_arrival(const struct fs_root *root, int fd)
{
	char path[FS_PATH_MAX];

	enum fs_result result = locate(root, fd, path);
	return result == FS_OK ? fs_resolve_check(root, path) : result;
}

enum fs_result fs_resolve(
	const struct fs_root *root, const char *path, int flags, int *fd, bool *by_link)
{
	enum fs_result result = fs_resolve_check(root, path);
	if (result != FS_OK)
		return result;

	const char *name = *path ? path : ".";
	int straight = file_open_beneath(root->fd, name, flags, FILE_NO_LINKS);
	if (by_link)
		*by_link = straight == -ELOOP;
	if (straight != -ELOOP) {
		if (straight >= 0)
			*fd = straight;
		return fs_result_of(straight);
	}

	AUTO_CLOSE int linked = file_open_beneath(root->fd, name, flags, 0);
	if (linked < 0)
		return fs_result_of(linked);
	result = check_arrival(root, linked);
	if (result == FS_OK)
		*fd = fd_take(&linked);
	return result;
}

/* As fs_resolve_name, of a directory alone; *@by_link as fs_resolve's. */
static enum fs_result name_directory(
	const struct fs_root *root, const char *path, char *out, bool *by_link)
{
	AUTO_CLOSE int fd = -1;

	enum fs_result result = fs_resolve(root, path, O_PATH | O_DIRECTORY, &fd, by_link);
	if (result != FS_OK)
		return result;
	if (*by_link)
		return locate(root, fd, out);
	memmove(out, path, strlen(path) + 1);
	return FS_OK;
}

enum fs_result fs_resolve_name(const struct fs_root *root, const char *path, char *out)
{
	char parent[FS_PATH_MAX];
	bool by_link = false;

	enum fs_result result = name_directory(root, path, out, &by_link);
	if (result == FS_OK || !*path)
		return result;
	fs_path_parent(path, parent);
	result = name_directory(root, parent, parent, &by_link);
	if (result != FS_OK)
		return result;
	return fs_path_join(out, parent, path + fs_path_last(path)) ? FS_OK : FS_TOO_LONG;
}
