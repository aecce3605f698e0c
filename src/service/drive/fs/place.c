/* SPDX-License-Identifier: MIT */

#include "service/drive/fs/place.h"

#include "os/fd.h"
#include "os/file.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

static bool is_elsewhere(const struct fs_root *root, const struct statx *dir)
{
	return dir->stx_mnt_id != root->mount || file_device(dir) != root->dev;
}

/* Whether the folder that is kept is the one at @path. */
static bool is_kept(const struct fs_root *root, const char *path)
{
	const struct fs_kept *kept = root->kept;
	struct statx st;

	/* Of a clock that was set back the age is beyond all trust. */
	return kept->dir >= 0 && strcmp(kept->path, path) == 0
	       && (uint64_t)(file_clock_ns() - kept->resolved_ns) < FS_PLACE_TRUST_NS
	       && file_stat(root->fd, path, &st) == 0 && st.stx_ino == kept->inode
	       && !is_elsewhere(root, &st);
}

static void take_kept(struct fs_place *out, struct fs_kept *kept)
{
	out->dir = fd_take(&kept->dir);
	out->inode = kept->inode;
	out->elsewhere = false;
	out->kept = kept;
	out->turn = kept->turn;
}

/* The next to be kept is the folder of @place, @path, which was resolved at @now_ns. */
static void note(
	struct fs_kept *kept, struct fs_place *place, const char *path, int64_t now_ns)
{
	place->kept = kept;
	place->turn = ++kept->turn;
	kept->inode = place->inode;
	kept->resolved_ns = now_ns;
	memcpy(kept->path, path, strlen(path) + 1); /* a checked path fits */
}

static enum fs_result open_folder(
	struct fs_place *out, const struct fs_root *root, const char *path)
{
	struct statx st;
	bool by_link;
	AUTO_CLOSE int dir = -1;

	fd_close(&root->kept->dir);
	int64_t now_ns = file_clock_ns();
	enum fs_result result =
		fs_resolve(root, path, O_PATH | O_DIRECTORY, &dir, &by_link);
	if (result != FS_OK)
		return result;
	int err = file_stat(dir, "", &st);
	if (err < 0)
		return fs_result_of(err);

	out->dir = fd_take(&dir);
	out->inode = st.stx_ino;
	out->elsewhere = is_elsewhere(root, &st);
	if (!by_link && !out->elsewhere)
		note(root->kept, out, path, now_ns);
	return FS_OK;
}

enum fs_result fs_place_open(
	struct fs_place *out, const struct fs_root *root, const char *path)
{
	struct fs_place place = {
		.dir = -1, .path = path, .name = path + fs_path_last(path)};
	char parent[FS_PATH_MAX];

	if (!root->can.writable)
		return FS_READ_ONLY;
	enum fs_result result = *path ? fs_resolve_check(root, path) : FS_FORBIDDEN;
	if (result != FS_OK)
		return result == FS_NOT_FOUND ? FS_FORBIDDEN : result;

	fs_path_parent(path, parent);
	if (is_kept(root, parent))
		take_kept(&place, root->kept);
	else
		result = open_folder(&place, root, parent);
	if (result != FS_OK)
		return result == FS_NOT_FOUND ? FS_NO_PARENT : result;
	*out = place;
	return FS_OK;
}

void fs_place_close(struct fs_place *place)
{
	struct fs_kept *kept = place->kept;

	if (kept && kept->turn == place->turn && kept->dir < 0)
		kept->dir = fd_take(&place->dir);
	fd_close(&place->dir);
	place->kept = NULL;
}

/* The absolute path of @place by the kernel's reckoning, into @out of FS_PATH_MAX. */
static enum fs_result name_place(const struct fs_place *place, char *out)
{
	char dir[FS_PATH_MAX];

	int err = file_where(place->dir, dir, sizeof(dir));
	if (err < 0)
		return fs_result_of(err);
	if (strcmp(dir, "/") == 0)
		dir[0] = '\0'; /* its slash comes with the name */
	int n = snprintf(out, FS_PATH_MAX, "%s/%s", dir, place->name);
	return n >= 0 && (unsigned)n < FS_PATH_MAX ? FS_OK : FS_TOO_LONG;
}

static enum fs_result overlap(const char *a, const char *b)
{
	bool a_in_b = fs_path_within(a, b), b_in_a = fs_path_within(b, a);

	if (a_in_b && b_in_a)
		return FS_SAME;
	return a_in_b || b_in_a ? FS_INSIDE_ITSELF : FS_OK;
}

enum fs_result fs_place_overlap(const struct fs_place *a, const struct fs_place *b)
{
	char path_a[FS_PATH_MAX], path_b[FS_PATH_MAX];

	enum fs_result result = name_place(a, path_a);
	if (result == FS_OK)
		result = name_place(b, path_b);
	return result == FS_OK ? overlap(path_a, path_b) : result;
}

enum fs_result fs_place_overlaps_fd(const struct fs_place *place, int fd)
{
	char path_a[FS_PATH_MAX], path_b[FS_PATH_MAX];

	enum fs_result result = name_place(place, path_a);
	if (result == FS_OK)
		result = fs_result_of(file_where(fd, path_b, sizeof(path_b)));
	return result == FS_OK ? overlap(path_a, path_b) : result;
}

enum fs_result fs_place_sync(const struct fs_root *root, const struct fs_place *place)
{
	if (!root->durable)
		return FS_OK;

	AUTO_CLOSE int dir = file_open(place->dir, ".", O_RDONLY | O_DIRECTORY, 0);
	return fs_result_of(dir < 0 ? dir : file_sync(dir));
}
