/* SPDX-License-Identifier: MIT */

#include "service/drive/fs/path.h"

#include <string.h>
#include <strings.h>

bool fs_path_hides(const char *name, bool at_root)
{
	/* In any case: the directory may be one that does not tell cases apart. */
	if (strncasecmp(name, FS_TEMP_PREFIX, sizeof(FS_TEMP_PREFIX) - 1) == 0)
		return true;
	return at_root && (strcmp(name, FS_PRIVATE) == 0 || strcmp(name, FS_RESERVED) == 0);
}

/* One segment of @n bytes at @p. */
static enum fs_result check_name(const char *p, size_t n, bool at_root)
{
	char name[FS_NAME_MAX];

	if (n >= sizeof(name))
		return FS_TOO_LONG;
	if (n == 0 || (p[0] == '.' && (n == 1 || (n == 2 && p[1] == '.'))))
		return FS_NOT_FOUND;
	if (p[0] != '.' && p[0] != '~')
		return FS_OK; /* nothing we hide begins otherwise */

	memcpy(name, p, n);
	name[n] = '\0';
	return fs_path_hides(name, at_root) ? FS_NOT_FOUND : FS_OK;
}

enum fs_result fs_path_check(const char *path)
{
	const char *at = path;

	if (!*path)
		return FS_OK;
	if (strlen(path) >= FS_PATH_MAX)
		return FS_TOO_LONG;

	for (;;) {
		size_t n = (size_t)(strchrnul(at, '/') - at);
		enum fs_result result = check_name(at, n, at == path);
		if (result != FS_OK || !at[n])
			return result;
		at += n + 1;
	}
}

size_t fs_path_last(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? (size_t)(slash + 1 - path) : 0;
}

void fs_path_parent(const char *path, char *out)
{
	size_t n = fs_path_last(path);

	if (n > 0)
		n--; /* the slash */
	memcpy(out, path, n);
	out[n] = '\0';
}

bool fs_path_within(const char *inner, const char *outer)
{
	size_t n = strlen(outer);

	return n == 0 || (strncmp(inner, outer, n) == 0 && (!inner[n] || inner[n] == '/'));
}

bool fs_path_join(char *out, const char *dir, const char *name)
{
	/* By hand: every entry of a listing comes here. */
	size_t n_dir = strlen(dir), n_name = strlen(name), n_slash = n_dir > 0;

	if (n_dir + n_slash + n_name >= FS_PATH_MAX)
		return false;
	memcpy(out, dir, n_dir);
	out[n_dir] = '/';
	memcpy(out + n_dir + n_slash, name, n_name + 1);
	return true;
}
