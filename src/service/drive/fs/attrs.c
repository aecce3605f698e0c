/* SPDX-License-Identifier: MIT */

#include "service/drive/fs/attrs.h"

#include "base/util.h"
#include "os/file.h"
#include "service/drive/fs/digests.h"
#include "service/drive/fs/props.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#define ATTR_MOST \
	65536u /* bytes: the kernel's maximum for one value and for the list of names */

#define NAMES_FEW 512u /* bytes of names; more are not looked through in a hurry */

struct attr_room {
	char names[ATTR_MOST];
	char value[ATTR_MOST];
};

static bool is_taken_along(const char *name)
{
	return strncmp(name, "user.", 5) == 0 && strcmp(name, FS_GENERATION_ATTR) != 0
	       && strcmp(name, FS_PROPS_ATTR) != 0 && strcmp(name, FS_DIGESTS_ATTR) != 0;
}

static int copy_one(int from, int to, const char *name, struct attr_room *room)
{
	ssize_t n = file_attr_get(from, name, room->value, sizeof(room->value));

	if (n < 0)
		return n == -ENODATA ? 0 : (int)n; /* removed since it was listed */

	int err = file_attr_set(to, name, room->value, (size_t)n, XATTR_CREATE);
	return err == -EEXIST ? 0 : err;
}

/* Whether there is nothing to take along or to take away among the @n bytes of @names. */
static bool are_plain(const char *names, ssize_t n)
{
	for (ssize_t at = 0; at < n; at += (ssize_t)strlen(names + at) + 1)
		if (is_taken_along(names + at) || strcmp(names + at, FS_PROPS_ATTR) == 0)
			return false;
	return n >= 0;
}

/* Most files have no attributes but ours, and are spared the memory. */
static bool is_plain(int fd)
{
	char names[NAMES_FEW];

	return are_plain(names, file_attr_list(fd, names, sizeof(names)));
}

bool fs_attrs_plain_at(const struct fs_root *root, int dir, const char *name)
{
	char names[NAMES_FEW];

	return root->can.attributes
	       && are_plain(names, file_attr_list_at(dir, name, names, sizeof(names)));
}

enum fs_result fs_attrs_copy(const struct fs_root *root, int from, int to)
{
	if (!root->can.attributes)
		return fs_props_copy(root, from, to);
	if (is_plain(from) && is_plain(to))
		return FS_OK;

	ssize_t n = file_attr_list(from, NULL, 0);
	enum fs_result props = fs_props_copy(root, from, to);
	if (props != FS_OK || n <= 0)
		return n == -EOPNOTSUPP || n >= 0 ? props : fs_result_of((int)n);

	struct attr_room *room = malloc(sizeof(*room));
	if (!room)
		return FS_NO_MEMORY;

	n = file_attr_list(from, room->names, sizeof(room->names));
	int err = (int)MIN(n, 0);
	for (ssize_t at = 0; err == 0 && at < n;
		at += (ssize_t)strlen(room->names + at) + 1) {
		if (is_taken_along(room->names + at))
			err = copy_one(from, to, room->names + at, room);
	}
	free(room);
	return fs_result_of(err);
}

enum fs_result fs_attrs_inherit(const struct fs_root *root, int old_fd,
	const struct fs_info *old, int fd, struct fs_info *made)
{
	int err = 0;

	/* Refused unless we are root; then the file is ours, as one newly made would be. */
	if ((made->uid != old->uid || made->gid != old->gid)
		&& file_set_owner(fd, old->uid, old->gid) == 0) {
		made->uid = old->uid;
		made->gid = old->gid;
	}

	/* Without set-user-ID and its like: what they vouched for is being replaced. */
	mode_t mode = old->mode & 0777u;
	if (made->mode != mode)
		err = file_set_mode(fd, mode);
	if (err < 0)
		return fs_result_of(err);
	made->mode = mode;
	return old_fd < 0 ? FS_OK : fs_attrs_copy(root, old_fd, fd);
}
