/* SPDX-License-Identifier: MIT */

#include "service/drive/fs/aside.h"

#include "base/span.h"
#include "os/fd.h"
#include "os/file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

/*
 * Between our making a thing and our flock on it a sweep may find it, take it
 * for a dead server's and remove it. Then what we have locked has no name any
 * more, and whoever made it makes another.
 */
static int lock_new(int fd)
{
	struct statx st;

	int err = file_lock(fd, LOCK_EX);
	if (err == 0)
		err = file_stat(fd, "", &st);
	if (err == 0 && st.stx_nlink == 0)
		return -ESTALE;
	return err;
}

/* Makes and locks the file @name in @dir. */
static int make_file(int dir, const char *name, unsigned mode)
{
	int err;

	do {
		AUTO_CLOSE int fd =
			file_open(dir, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
		if (fd < 0)
			return fd;
		err = lock_new(fd);
		if (err == 0)
			return fd_take(&fd);
	} while (err == -ESTALE);
	(void)file_unlink(dir, name); /* what this leaves, the sweep takes */
	return err;
}

static enum fs_result leave_note(
	struct fs_aside *aside, const struct fs_root *root, const struct fs_place *place)
{
	char parent[FS_PATH_MAX];

	aside->note = make_file(root->notes, aside->name, 0600);
	if (aside->note < 0)
		return fs_result_of(aside->note);

	fs_path_parent(place->path, parent);
	return fs_result_of(file_write_at(aside->note, parent, strlen(parent), 0));
}

void fs_aside_name(struct fs_aside *out, int dir)
{
	static const struct span prefix = SPAN(FS_TEMP_PREFIX);

	static_assert(sizeof(FS_TEMP_PREFIX) - 1 + FILE_UNIQUE_MAX <= FS_ASIDE_MAX);
	memcpy(out->name, prefix.p, prefix.n);
	file_unique(out->name + prefix.n);
	out->dir = dir;
}

enum fs_result fs_aside_choose(struct fs_aside *out, const struct fs_root *root,
	const struct fs_place *place, bool beside)
{
	struct fs_aside aside = FS_ASIDE_NONE;

	beside = beside || place->elsewhere;
	fs_aside_name(&aside, beside ? place->dir : root->tmp);

	enum fs_result result = beside ? leave_note(&aside, root, place) : FS_OK;
	if (result == FS_OK)
		*out = aside;
	else
		fs_aside_end(&aside, root);
	return result;
}

void fs_aside_end(struct fs_aside *aside, const struct fs_root *root)
{
	if (aside->note >= 0)
		(void)file_unlink(root->notes, aside->name); /* a stale note says nothing */
	fd_close(&aside->note);
	aside->dir = -1;
}

int fs_aside_make_file(const struct fs_aside *aside, unsigned mode)
{
	return make_file(aside->dir, aside->name, mode);
}

int fs_aside_make_dir(const struct fs_aside *aside)
{
	int err;

	do {
		err = file_make_dir(aside->dir, aside->name, 0777);
		if (err < 0)
			return err;
		AUTO_CLOSE int fd = file_open(
			aside->dir, aside->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
		err = fd < 0 ? fd : lock_new(fd);
		if (err == 0)
			return fd_take(&fd);
	} while (err == -ESTALE || err == -ENOENT);
	(void)file_remove_dir(
		aside->dir, aside->name); /* what this leaves, the sweep takes */
	return err;
}
