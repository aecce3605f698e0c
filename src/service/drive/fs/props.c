/* SPDX-License-Identifier: MIT */

#include "service/drive/fs/props.h"

#include "base/num.h"
#include "base/util.h"
#include "os/fd.h"
#include "os/file.h"
#include "service/drive/fs/aside.h"
#include "service/drive/fs/digests.h"
#include "service/drive/fs/touch.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/xattr.h>

/* ext4 holds about 4 KiB of attributes a file, all of them together. */
#define SMALL_MAX 3072u

#define READ_TRIES 16u
#define STORE      "props"
#define SIDE_MAX   64u /* "props/", two numbers of 16 digits, a dash */
#define HEADER_MAX 24u /* a birth in decimal, and a newline */

/* Where the properties of a file are that are not with it. */
static void side_name(
	const struct fs_root *root, const struct fs_info *info, char out[SIDE_MAX])
{
	if (info->dev == root->dev)
		(void)snprintf(out, SIDE_MAX, STORE "/%" PRIx64, info->inode);
	else
		(void)snprintf(out, SIDE_MAX, STORE "/%" PRIx64 "-%" PRIx64, info->inode,
			info->dev);
}

/* Takes the header off; what belongs to an earlier file of that number is none of ours. */
static void drop_header(struct buf *bytes, const struct fs_info *info)
{
	size_t n = span_find(buf_span(bytes), '\n');
	uint64_t birth_ns;

	if (n < bytes->n && num_u64(span_of(bytes->p, n), &birth_ns)
		&& birth_ns == (uint64_t)info->birth_ns)
		buf_drop(bytes, n + 1);
	else
		buf_clear(bytes);
}

static enum fs_result read_side(
	const struct fs_root *root, const struct fs_info *info, struct buf *out)
{
	char name[SIDE_MAX];
	struct statx st;

	if (root->private < 0)
		return FS_NOT_FOUND;
	side_name(root, info, name);
	AUTO_CLOSE int fd = file_open(root->private, name, O_RDONLY | O_NOFOLLOW, 0);
	int err = fd < 0 ? fd : file_stat(fd, "", &st);
	if (err < 0)
		return fs_result_of(err);
	size_t n = (size_t)MIN(st.stx_size, FS_PROPS_MAX + HEADER_MAX);
	char *room = buf_reserve(out, n);
	if (!room)
		return FS_NO_MEMORY;
	ssize_t got = file_read_at(fd, room, n, 0);
	if (got < 0)
		return fs_result_of((int)got);
	out->n += (size_t)got;
	drop_header(out, info);
	return FS_OK;
}

/* The attribute of an open file (@name NULL), or of an entry of the directory @fd. */
static ssize_t read_attr(int fd, const char *name, char *room)
{
	return name ? file_attr_get_at(fd, name, FS_PROPS_ATTR, room, SMALL_MAX)
		    : file_attr_get(fd, FS_PROPS_ATTR, room, SMALL_MAX);
}

/*
 * Where the attribute is empty and there is no file beside it, somebody has
 * changed both in between: then it is looked at again, which ends as soon as
 * nobody does that any more.
 */
static enum fs_result read_any(const struct fs_root *root, int fd, const char *name,
	const struct fs_info *info, struct buf *out, bool *is_alone)
{
	*is_alone = false;
	for (unsigned tries = 0; tries < READ_TRIES; tries++) {
		buf_clear(out);
		char *room = buf_reserve(out, SMALL_MAX);
		if (!room)
			return FS_NO_MEMORY;
		ssize_t got =
			root->can.attributes ? read_attr(fd, name, room) : -EOPNOTSUPP;
		if (got > 0)
			out->n += (size_t)got;
		*is_alone = got > 0 || got == -ENODATA;
		if (*is_alone)
			return FS_OK;
		if (got != 0 && got != -EOPNOTSUPP)
			return fs_result_of((int)got);
		enum fs_result result = read_side(root, info, out);
		if (result != FS_NOT_FOUND || got != 0)
			return result == FS_NOT_FOUND ? FS_OK : result;
	}
	return FS_OK; /* a crash, or another program, took the file: they are lost */
}

static enum fs_result read_open(
	const struct fs_root *root, int fd, const struct fs_info *info, struct buf *out)
{
	bool is_alone;

	return read_any(root, fd, NULL, info, out, &is_alone);
}

enum fs_result fs_props_read(const struct fs_root *root, const char *path, struct buf *out)
{
	AUTO_CLOSE int fd = -1;
	struct fs_info info;

	enum fs_result result =
		fs_resolve(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, &fd, NULL);
	if (result == FS_OK)
		result = fs_stat_fd(root, fd, &info);
	return result == FS_OK ? read_open(root, fd, &info, out) : result;
}

enum fs_result fs_props_read_at(const struct fs_root *root, int dir, const char *name,
	const struct fs_info *info, struct buf *out, bool *is_alone)
{
	return read_any(root, dir, name, info, out, is_alone);
}

/* -- writing -- */

/*
 * An empty attribute says that there is a file beside. It stands before that comes, and
 * until it has gone, so that whoever ends the file sees what else there is to end, even
 * where we were killed in between. Without the file it says: none.
 */
static int announce(const struct fs_root *root, int fd, bool *is_new)
{
	int err = root->can.attributes
			  ? file_attr_set(fd, FS_PROPS_ATTR, "", 0, XATTR_CREATE)
			  : -EOPNOTSUPP;

	*is_new = err == 0;
	return err == -EEXIST || err == -EOPNOTSUPP ? 0 : err;
}

/* Puts what is written under the name @aside beside the open file @fd. Where it had a short
 * value, that counts until it is empty. */
static int place_side(const struct fs_root *root, int fd, const struct fs_info *info,
	const struct fs_aside *aside)
{
	char name[SIDE_MAX];
	bool is_new;

	side_name(root, info, name);
	int err = announce(root, fd, &is_new);
	if (err == 0)
		err = file_rename(aside->dir, aside->name, root->private, name, 0);
	if (err < 0 && is_new)
		(void)file_attr_remove(fd, FS_PROPS_ATTR); /* it says none, either way */
	if (err == 0 && !is_new && root->can.attributes)
		err = file_attr_set(fd, FS_PROPS_ATTR, "", 0, 0);
	return err == -EOPNOTSUPP ? 0 : err;
}

static enum fs_result write_side(
	const struct fs_root *root, int fd, const struct fs_info *info, struct span props)
{
	struct fs_aside aside;
	char header[HEADER_MAX];
	int n = snprintf(header, sizeof(header), "%" PRIu64 "\n", (uint64_t)info->birth_ns);

	int err = file_make_dir(root->private, STORE, 0700);
	if (err < 0 && err != -EEXIST)
		return fs_result_of(err);
	fs_aside_name(&aside, root->tmp);
	AUTO_CLOSE int side = fs_aside_make_file(&aside, 0600);
	if (side < 0)
		return fs_result_of(side);
	err = file_write_at(side, header, (size_t)n, 0);
	if (err == 0)
		err = file_write_at(side, props.p, props.n, (uint64_t)n);
	if (err == 0 && root->durable)
		err = file_sync(side);
	if (err == 0)
		err = place_side(root, fd, info, &aside);
	if (err < 0)
		(void)file_unlink(aside.dir, aside.name); /* or the sweep will */
	return fs_result_of(err);
}

static void remove_side(const struct fs_root *root, const struct fs_info *info)
{
	char name[SIDE_MAX];

	side_name(root, info, name);
	if (root->private >= 0)
		(void)file_unlink(root->private, name); /* usually there is none */
}

/* A file beside goes first, as the attribute announces it; but not before we know that we
 * may change that. */
static int write_none(const struct fs_root *root, int fd, const struct fs_info *info)
{
	if (!root->can.attributes) {
		remove_side(root, info);
		return 0;
	}
	bool is_beside = file_attr_get(fd, FS_PROPS_ATTR, NULL, 0) == 0;
	int err = is_beside ? file_attr_set(fd, FS_PROPS_ATTR, "", 0, XATTR_REPLACE) : 0;
	if (is_beside && err == 0)
		remove_side(root, info);
	if (err == 0)
		err = file_attr_remove(fd, FS_PROPS_ATTR);
	if (err == 0)
		remove_side(
			root, info); /* an old one, where an earlier change was cut off */
	return err == -ENODATA || err == -EOPNOTSUPP ? 0 : err;
}

/* The attribute says it last: what it says counts. */
static enum fs_result write_open(
	const struct fs_root *root, int fd, const struct fs_info *info, struct span props)
{
	if (props.n > FS_PROPS_MAX)
		return FS_TOO_LARGE;
	if (props.n == 0)
		return fs_result_of(write_none(root, fd, info));
	int err = !root->can.attributes ? -EOPNOTSUPP
		  : props.n > SMALL_MAX
			  ? -ENOSPC
			  : file_attr_set(fd, FS_PROPS_ATTR, props.p, props.n, 0);
	if (err == 0)
		remove_side(root, info);
	if (err != -ENOSPC && err != -E2BIG && err != -ERANGE && err != -EOPNOTSUPP)
		return fs_result_of(err);

	return write_side(root, fd, info, props);
}

enum fs_result fs_props_copy(const struct fs_root *root, int from, int to)
{
	AUTO_BUF props = BUF_INIT(FS_PROPS_MAX + HEADER_MAX);
	AUTO_BUF old = BUF_INIT(FS_PROPS_MAX + HEADER_MAX);
	struct fs_info from_info, to_info;

	enum fs_result result = fs_stat_fd(root, from, &from_info);
	if (result == FS_OK)
		result = fs_stat_fd(root, to, &to_info);
	if (result == FS_OK)
		result = read_open(root, from, &from_info, &props);
	if (result == FS_OK)
		result = read_open(root, to, &to_info, &old);
	if (result != FS_OK || span_eq(buf_span(&props), buf_span(&old)))
		return result;
	return write_open(root, to, &to_info, buf_span(&props));
}

static bool is_last_name(const struct fs_info *info)
{
	return info->type == FS_DIRECTORY || (info->type == FS_FILE && info->n_links <= 1);
}

bool fs_props_beside(const struct fs_root *root, const struct fs_info *info)
{
	char name[SIDE_MAX];
	struct statx st;

	if (root->private < 0 || !is_last_name(info))
		return false;
	side_name(root, info, name);
	return file_stat(root->private, name, &st) == 0;
}

void fs_props_forget(const struct fs_root *root, const struct fs_info *info)
{
	if (is_last_name(info))
		remove_side(root, info);
}

bool fs_props_detach(
	const struct fs_root *root, const struct fs_info *info, struct fs_aside *out)
{
	char name[SIDE_MAX];

	if (!fs_props_beside(root, info))
		return false;
	side_name(root, info, name);
	fs_aside_name(out, root->tmp);
	return file_rename(root->private, name, out->dir, out->name, 0) == 0;
}

void fs_props_reattach(const struct fs_root *root, const struct fs_info *info,
	const struct fs_aside *detached)
{
	char name[SIDE_MAX];

	side_name(root, info, name);
	(void)file_rename(detached->dir, detached->name, root->private, name, 0);
}

/* -- changing -- */

static int set_executable(int fd, const struct fs_info *info, bool is_executable)
{
	/* Whoever may read it may execute it, or nobody. */
	mode_t mode = info->mode & 0777u;
	mode_t readers = (mode & 0444u) >> 2;

	return file_set_mode(fd, is_executable ? mode | readers : mode & ~(mode_t)0111u);
}

/* The contents stay, and so do their digests. @info is of now. FS_UNSUPPORTED where the disk
 * has no such year, and has taken another. */
static enum fs_result set_mtime(
	const struct fs_root *root, int fd, const struct fs_info *info, int64_t mtime_ns)
{
	struct fs_digests digests;
	struct fs_info now;

	fs_digests_read(root, fd, info, &digests);
	enum fs_result result = fs_result_of(file_set_mtime(fd, mtime_ns));
	if (result == FS_OK)
		result = fs_stat_fd(root, fd, &now);
	if (result != FS_OK)
		return result;
	if (digests.n > 0)
		(void)!fs_digests_write(root, fd, &now, &digests); /* or they are stale */
	return fs_touch_took(mtime_ns, now.mtime_ns) ? FS_OK : FS_UNSUPPORTED;
}

/* Time and mode first, which can be taken back. */
static enum fs_result carry_out(const struct fs_root *root, int fd,
	const struct fs_info *info, const struct fs_props_edit *edit, bool writes)
{
	bool sets_mode = edit->sets_mode && info->type == FS_FILE;
	int err = sets_mode ? set_executable(fd, info, edit->is_executable) : 0;

	enum fs_result result = fs_result_of(err);
	if (result == FS_OK && edit->mtime_ns != FS_MTIME_NOW)
		result = set_mtime(root, fd, info, fs_touch_time(edit->mtime_ns));
	if (result == FS_OK && writes)
		result = write_open(root, fd, info, buf_span(edit->props));
	if (result == FS_OK)
		return root->durable ? fs_result_of(file_sync(fd)) : FS_OK;

	if (sets_mode)
		(void)file_set_mode(fd, info->mode & 0777u);
	if (edit->mtime_ns != FS_MTIME_NOW)
		(void)!set_mtime(root, fd, info, info->mtime_ns);
	return result;
}

enum fs_result fs_props_change_open(
	const struct fs_root *root, int fd, fs_props_change_fn *change, void *ctx)
{
	AUTO_BUF props = BUF_INIT(FS_PROPS_MAX + HEADER_MAX);
	AUTO_BUF before = BUF_INIT(FS_PROPS_MAX + HEADER_MAX);
	struct fs_props_edit edit = {.props = &props, .mtime_ns = FS_MTIME_NOW};
	struct fs_info info;

	enum fs_result result = fs_stat_fd(root, fd, &info);
	if (result == FS_OK && info.type != FS_FILE && info.type != FS_DIRECTORY)
		result = FS_FORBIDDEN;
	if (result == FS_OK)
		result = read_open(root, fd, &info, &props);
	buf_put_span(&before, buf_span(&props));
	if (result == FS_OK)
		result = change(ctx, &edit);
	if (result != FS_OK)
		return result;
	if (props.failed || before.failed)
		return FS_TOO_LARGE;
	return carry_out(
		root, fd, &info, &edit, !span_eq(buf_span(&before), buf_span(&props)));
}

enum fs_result fs_props_change(const struct fs_root *root, const char *path,
	const struct fs_condition *condition, fs_props_change_fn *change, void *ctx)
{
	AUTO_PLACE place = FS_PLACE_NONE;
	AUTO_GUARD guard = FS_GUARD_NONE;
	struct fs_condition alone = *condition;
	AUTO_CLOSE int fd = -1;

	if (!root->can.writable)
		return FS_READ_ONLY;
	if (alone.kind == FS_IF_ANY)
		alone.kind =
			FS_IF_PRESENT; /* so that two changes are one after the other */
	enum fs_result result = *path ? fs_place_open(&place, root, path)
				      : fs_guard_enter_root(&guard, root, &alone);
	if (result == FS_OK && *path)
		result = fs_guard_enter(&guard, root, &place, &alone);
	if (result == FS_OK)
		result =
			fs_resolve(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, &fd, NULL);
	return result == FS_OK ? fs_props_change_open(root, fd, change, ctx) : result;
}
