/* SPDX-License-Identifier: MIT */

#include "service/drive/fs/sweep.h"

#include "os/fd.h"
#include "os/file.h"
#include "service/drive/fs/list.h"
#include "service/drive/fs/remove.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>

struct sweep {
	const struct fs_root *root;
	const struct fs_watch *watch;
	struct fs_swept *done;
};

static void count(struct sweep *sweep, enum fs_result result)
{
	if (result == FS_OK)
		sweep->done->n_removed++;
	else
		sweep->done->n_failed++;
}

/* Takes the flock of @name in @dir; -EWOULDBLOCK where its owner lives. */
static int take_over(int dir, const char *name)
{
	AUTO_CLOSE int fd = file_open(dir, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW, 0);
	if (fd < 0)
		return fd;

	int err = file_lock(fd, LOCK_EX | LOCK_NB);
	return err < 0 ? err : fd_take(&fd);
}

/* What a note's owner had past a mount point. That it is not there any more is well. */
static enum fs_result remove_noted(struct sweep *sweep, int note, const char *name)
{
	char parent[FS_PATH_MAX];
	AUTO_CLOSE int dir = -1;

	ssize_t n = file_read_at(note, parent, sizeof(parent) - 1, 0);
	if (n < 0)
		return fs_result_of((int)n);
	parent[n] = '\0';

	enum fs_result result =
		fs_resolve(sweep->root, parent, O_PATH | O_DIRECTORY, &dir, NULL);
	if (result == FS_NOT_FOUND)
		return FS_OK;
	if (result != FS_OK)
		return result;
	return fs_remove_at(sweep->root, dir, name, parent, sweep->watch);
}

static void sweep_one(struct sweep *sweep, int dir, const char *name)
{
	AUTO_CLOSE int fd = take_over(dir, name);
	if (fd == -EWOULDBLOCK) {
		sweep->done->n_held++;
		return;
	}
	if (fd == -ENOENT)
		return; /* another sweep, or its owner, was faster */

	enum fs_result result = FS_OK;
	if (dir == sweep->root->notes && fs_path_hides(name, false))
		result = fd < 0 ? fs_result_of(fd) : remove_noted(sweep, fd, name);
	if (result == FS_OK)
		result = fs_remove_at(sweep->root, dir, name, name, sweep->watch);
	count(sweep, result);
}

static enum fs_result sweep_all(struct sweep *sweep, int dir, struct fs_list *list)
{
	struct fs_entry entry;

	int fd = file_open(dir, ".", O_RDONLY | O_DIRECTORY, 0);
	enum fs_result result = fs_result_of(fd);
	if (result == FS_OK)
		result = fs_list_adopt(list, sweep->root, fd, "", true);
	if (result != FS_OK)
		return result;

	while ((result = fs_list_next(list, false, &entry)) == FS_OK) {
		if (!fs_watch_goes_on(sweep->watch)) {
			result = FS_CANCELLED;
			break;
		}
		sweep_one(sweep, dir, entry.name);
	}
	fs_list_close(list);
	return result == FS_END ? FS_OK : result;
}

enum fs_result fs_sweep(
	const struct fs_root *root, const struct fs_watch *watch, struct fs_swept *out)
{
	struct sweep sweep = {.root = root, .watch = watch, .done = out};

	*out = (struct fs_swept){0};
	if (!root->can.writable)
		return FS_OK;

	struct fs_list *list = malloc(sizeof(*list));
	if (!list)
		return FS_NO_MEMORY;
	enum fs_result result = sweep_all(&sweep, root->tmp, list);
	if (result == FS_OK)
		result = sweep_all(&sweep, root->notes, list);
	free(list);
	return result;
}
