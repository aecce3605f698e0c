/* SPDX-License-Identifier: MIT */

#include "service/drive/fs/stat.h"

#include "base/num.h"
#include "base/util.h"
#include "os/fd.h"
#include "os/file.h"

#include <fcntl.h>
#include <sys/stat.h>

#define YOUNG_NS (2 * (int64_t)NS_PER_SEC) /* the coarsest clock we know, FAT's */

/* Some disks know more years than 64 bits of nanoseconds do; those are the last of them. */
static int64_t in_ns(struct statx_timestamp t)
{
	int64_t ns;

	if (__builtin_mul_overflow(t.tv_sec, (int64_t)NS_PER_SEC, &ns)
		|| __builtin_add_overflow(ns, (int64_t)t.tv_nsec, &ns))
		return t.tv_sec < 0 ? INT64_MIN : INT64_MAX;
	return ns;
}

static enum fs_type type_of(uint16_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG: return FS_FILE;
	case S_IFDIR: return FS_DIRECTORY;
	case S_IFLNK: return FS_LINK;
	default: return FS_OTHER;
	}
}

struct fs_info fs_info_of(const struct statx *st)
{
	return (struct fs_info){
		.type = type_of(st->stx_mode),
		.mode = st->stx_mode & 07777u,
		.uid = st->stx_uid,
		.gid = st->stx_gid,
		.n_links = st->stx_nlink,
		.size = st->stx_size,
		.inode = st->stx_ino,
		.dev = file_device(st),
		.mount = st->stx_mnt_id,
		.mtime_ns = in_ns(st->stx_mtime),
		.ctime_ns = in_ns(st->stx_ctime),
		.birth_ns = st->stx_mask & STATX_BTIME ? in_ns(st->stx_btime) : 0,
	};
}

/* The generation of the open file @fd; 0 where it has none: we did not publish it. */
static uint64_t read_generation(int fd)
{
	char hex[FILE_UNIQUE_MAX];
	uint64_t generation = 0;

	ssize_t n = file_attr_get(fd, FS_GENERATION_ATTR, hex, sizeof(hex));
	if (n < 0 || !num_hex_u64(span_of(hex, (size_t)n), &generation))
		return 0;
	return generation;
}

enum fs_result fs_stat_new_generation(const struct fs_root *root, int fd)
{
	char hex[FILE_UNIQUE_MAX];

	if (!root->can.coarse_clock || !root->can.attributes)
		return FS_OK;
	file_unique(hex);
	return fs_result_of(file_attr_set(fd, FS_GENERATION_ATTR, hex, sizeof(hex) - 1, 0));
}

enum fs_result fs_stat_fd(const struct fs_root *root, int fd, struct fs_info *out)
{
	struct statx st;

	int err = file_stat(fd, "", &st);
	if (err < 0)
		return fs_result_of(err);
	*out = fs_info_of(&st);
	if (root->can.coarse_clock && out->type == FS_FILE)
		out->generation = read_generation(fd);
	return FS_OK;
}

enum fs_result fs_stat(const struct fs_root *root, const char *path, struct fs_info *out)
{
	AUTO_CLOSE int fd = -1;

	enum fs_result result = fs_resolve(root, path, O_PATH, &fd, NULL);
	if (result != FS_OK)
		return result;
	result = fs_stat_fd(root, fd, out);
	if (result != FS_OK || !root->can.coarse_clock || out->type != FS_FILE)
		return result;

	/* Attributes need a real descriptor. One we may not read has no version we could
	 * tell. */
	AUTO_CLOSE int readable = -1;
	if (fs_resolve(root, path, O_RDONLY | O_NONBLOCK, &readable, NULL) == FS_OK)
		return fs_stat_fd(root, readable, out);
	return FS_OK;
}

enum fs_result fs_stat_at(
	const struct fs_root *root, int dir, const char *name, struct fs_info *out)
{
	struct statx st;

	int err = file_stat(dir, name, &st);
	if (err < 0)
		return fs_result_of(err);
	*out = fs_info_of(&st);
	if (!root->can.coarse_clock || out->type != FS_FILE)
		return FS_OK;

	AUTO_CLOSE int fd = file_open(dir, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW, 0);
	return fd < 0 ? FS_OK : fs_stat_fd(root, fd, out);
}

bool fs_info_same_version(const struct fs_info *a, const struct fs_info *b)
{
	return a->inode == b->inode && a->dev == b->dev && a->size == b->size
	       && a->mtime_ns == b->mtime_ns && a->generation == b->generation;
}

bool fs_etag(const struct fs_root *root, const struct fs_info *info, int64_t now_ns,
	char out[FS_ETAG_MAX])
{
	char *end = num_put_hex(out, info->inode);

	*end++ = '-';
	end = num_put_hex(end, info->size);
	*end++ = '-';
	end = num_put_hex(end, (uint64_t)info->mtime_ns);
	if (info->generation) {
		*end++ = '-';
		end = num_put_hex(end, info->generation);
	}
	*end = '\0';
	return !root->can.coarse_clock || now_ns - info->ctime_ns >= YOUNG_NS;
}
