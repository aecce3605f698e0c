/* SPDX-License-Identifier: MIT */

#include "service/drive/fs/list.h"

#include "os/fd.h"
#include "os/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>

enum fs_result fs_list_adopt(struct fs_list *list, const struct fs_root *root, int fd,
	const char *path, bool raw)
{
	size_t n = strlen(path);

	list->fd = fd;
	list->root = root;
	list->raw = raw;
	list->at_root = n == 0;
	list->at = list->end = 0;
	if (n >= sizeof(list->path)) {
		fd_close(&list->fd);
		return FS_TOO_LONG;
	}
	memcpy(list->path, path, n + 1);
	return FS_OK;
}

enum fs_result fs_list_open(
	struct fs_list *list, const struct fs_root *root, const char *path)
{
	struct fs_info info;
	int fd = -1;

	enum fs_result result = fs_resolve(root, path, O_RDONLY | O_DIRECTORY, &fd, NULL);
	if (result == FS_OK)
		return fs_list_adopt(list, root, fd, path, false);
	if (result == FS_NOT_FOUND && fs_stat(root, path, &info) == FS_OK)
		return FS_NOT_DIRECTORY;
	return result;
}

void fs_list_close(struct fs_list *list)
{
	fd_close(&list->fd);
}

/* Reads what the buffer holds. FS_OK with at least one entry, FS_END, or why not. */
static enum fs_result fill(struct fs_list *list)
{
	ssize_t n = file_entries(list->fd, list->buffer, sizeof(list->buffer));
	if (n < 0)
		return fs_result_of((int)n);
	list->at = 0;
	list->end = (size_t)n;
	return n == 0 ? FS_END : FS_OK;
}

static const struct dirent64 *raw_at(const struct fs_list *list, size_t at)
{
	return (const struct dirent64 *)(const void *)(list->buffer + at);
}

/* FS_OK with an entry of the kernel's, FS_END, or why not. */
static enum fs_result next_raw(struct fs_list *list, const struct dirent64 **out)
{
	enum fs_result result = list->at == list->end ? fill(list) : FS_OK;
	if (result != FS_OK)
		return result;

	*out = raw_at(list, list->at);
	list->at += (*out)->d_reclen;
	return FS_OK;
}

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

unsigned fs_list_count(struct fs_list *list, unsigned most)
{
	unsigned n = 0;

	/* What went wrong, the first fs_list_next will find too. */
	if (list->at == list->end && fill(list) != FS_OK)
		return 0;
	for (size_t at = list->at; at < list->end && n < most;
		at += raw_at(list, at)->d_reclen)
		n += !is_dots(raw_at(list, at)->d_name);
	return n;
}

/* .prefork/ is known by its inode too: where letters have no case, its name may have
 * others. */
static bool is_hidden(const struct fs_list *list, const struct dirent64 *raw)
{
	return fs_path_hides(raw->d_name, list->at_root)
	       || (list->at_root && list->root->private >= 0
		       && raw->d_ino == list->root->private_inode);
}

/* A link is shown as what it leads to. The way is from the root, because "../x" may stay
 * inside. */
static enum fs_result look_through_link(const struct fs_list *list, struct fs_entry *entry)
{
	char path[FS_PATH_MAX];

	entry->is_link = true;
	if (!fs_path_join(path, list->path, entry->name))
		return FS_TOO_LONG;
	return fs_stat(list->root, path, &entry->info);
}

/* Fills what is asked for. */
static enum fs_result look(
	const struct fs_list *list, uint8_t d_type, bool with_info, struct fs_entry *entry)
{
	if (!with_info && (d_type == DT_REG || d_type == DT_DIR)) {
		entry->info.type = d_type == DT_REG ? FS_FILE : FS_DIRECTORY;
		return FS_OK;
	}
	if (d_type == DT_LNK && !list->raw)
		return look_through_link(list, entry);

	/* DT_UNKNOWN comes here too: old XFS, some network file systems. */
	enum fs_result result = fs_stat_at(list->root, list->fd, entry->name, &entry->info);
	if (result == FS_OK && entry->info.type == FS_LINK && !list->raw)
		return look_through_link(list, entry);
	return result;
}

/* Gone by now, or nobody can open it: not shown. Any other failure must not shorten a
 * listing. */
static bool is_nobodys(enum fs_result result)
{
	return result == FS_NOT_FOUND || result == FS_OUTSIDE || result == FS_FORBIDDEN
	       || result == FS_TOO_LONG;
}

enum fs_result fs_list_next(struct fs_list *list, bool with_info, struct fs_entry *out)
{
	for (;;) {
		const struct dirent64 *raw = NULL;
		enum fs_result result = next_raw(list, &raw);
		if (result != FS_OK)
			return result;

		const char *name = raw->d_name;
		if (is_dots(name) || (!list->raw && is_hidden(list, raw)))
			continue;

		*out = (struct fs_entry){.name = name};
		result = look(list, raw->d_type, with_info, out);
		if (!(list->raw ? result == FS_NOT_FOUND : is_nobodys(result)))
			return result;
	}
}
