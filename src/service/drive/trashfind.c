/* SPDX-License-Identifier: MIT */

#include "service/drive/trashfind.h"

#include "os/fd.h"
#include "os/file.h"
#include "service/drive/drive.h"
#include "service/drive/request.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define ID_BYTES 33u /* two numbers of sixteen digits and the dash between */

bool trashfind_is(const struct request *r)
{
	return fs_path_within(r->path, TRASH_PATH);
}

enum fs_result trashfind_path(const struct request *r, struct trashfind *out)
{
	const char *at = r->path + sizeof(TRASH_PATH) - 1;
	char id[ID_BYTES + 1];

	*out = (struct trashfind){.is_top = !*at, .below = ""};
	if (!*at)
		return r->drive->root.trash < 0 ? FS_NOT_FOUND : FS_OK;
	at++;
	size_t n = strcspn(at, "/");
	if (n < ID_BYTES || (n > ID_BYTES && at[ID_BYTES] != ' '))
		return FS_NOT_FOUND;
	memcpy(id, at, ID_BYTES);
	id[ID_BYTES] = '\0';
	if (at[n])
		out->below = at + n + 1;
	return fs_trash_find(&r->drive->root, id, &out->kept, out->path);
}

enum fs_result trashfind_root(const struct drive *drive, const struct fs_trashed *kept,
	struct fs_root *out, int *fd)
{
	struct statx st;

	AUTO_CLOSE int dir = file_open(
		drive->root.trash, kept->where, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	int err = dir < 0 ? dir : file_stat(dir, "", &st);
	if (err < 0)
		return fs_result_of(err);
	*out = FS_ROOT_NONE;
	out->mount = st.stx_mnt_id;
	out->dev = file_device(&st);
	out->can = drive->root.can;
	out->can.writable = false;
	out->fd = *fd = fd_take(&dir);
	return FS_OK;
}

static enum fs_result open_below(
	const struct drive *drive, const struct trashfind *what, struct fs_file *out)
{
	struct fs_root root;
	AUTO_CLOSE int fd = -1;

	enum fs_result result = trashfind_root(drive, &what->kept, &root, &fd);
	return result == FS_OK ? fs_open(&root, what->below, out) : result;
}

enum fs_result trashfind_open(
	const struct drive *drive, const struct trashfind *what, struct fs_file *out)
{
	const struct fs_root *root = &drive->root;

	if (*what->below)
		return open_below(drive, what, out);
	enum fs_result result = fs_stat_at(root, root->trash, what->kept.where, &out->info);
	if (result != FS_OK)
		return result;
	if (out->info.type != FS_FILE)
		return out->info.type == FS_DIRECTORY ? FS_IS_DIRECTORY : FS_FORBIDDEN;
	int fd = file_open(root->trash, what->kept.where,
		O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY, 0);
	if (fd >= 0)
		out->fd = fd;
	return fs_result_of(fd);
}

void trashfind_name(
	const struct fs_trashed *kept, const char *path, char out[TRASHFIND_NAME_MAX])
{
	(void)snprintf(out, TRASHFIND_NAME_MAX, "%s %.*s", kept->id, (int)FS_NAME_MAX - 1,
		path + fs_path_last(path));
}
