/* SPDX-License-Identifier: MIT */

#include "service/drive/fs/digests.h"

#include "base/util.h"
#include "os/file.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>

/* As it lies on the disk, in an order that another machine reads too. */
struct kept {
	uint64_t inode, size, mtime_ns;
	char bytes[FS_DIGESTS_MAX];
};
#define VERSION_BYTES offsetof(struct kept, bytes)

static_assert(VERSION_BYTES == 24, "with one SHA-256 it still lies in ext4's inode");

static struct kept version_of(const struct fs_info *info)
{
	return (struct kept){
		.inode = htole64(info->inode),
		.size = htole64(info->size),
		.mtime_ns = htole64((uint64_t)info->mtime_ns),
	};
}

static bool can_keep(const struct fs_root *root)
{
	return root->can.attributes && !root->can.coarse_clock;
}

enum fs_result fs_digests_write(const struct fs_root *root, int fd,
	const struct fs_info *info, const struct fs_digests *digests)
{
	struct kept kept = version_of(info);

	if (!can_keep(root))
		return FS_UNSUPPORTED;
	memcpy(kept.bytes, digests->bytes, digests->n);
	return fs_result_of(
		file_attr_set(fd, FS_DIGESTS_ATTR, &kept, VERSION_BYTES + digests->n, 0));
}

/* Takes apart what an attribute of @n bytes says. Returns whether it is of @info. */
static bool take(const struct kept *kept, ssize_t n, const struct fs_info *info,
	struct fs_digests *out)
{
	const struct kept now = version_of(info);

	out->n = n > (ssize_t)VERSION_BYTES ? (size_t)n - VERSION_BYTES : 0;
	memcpy(out->bytes, kept->bytes, out->n);
	return out->n > 0 && memcmp(kept, &now, VERSION_BYTES) == 0;
}

bool fs_digests_read_any(const struct fs_root *root, int fd, const struct fs_info *info,
	struct fs_digests *out)
{
	struct kept kept;

	out->n = 0;
	return can_keep(root)
	       && take(&kept, file_attr_get(fd, FS_DIGESTS_ATTR, &kept, sizeof(kept)), info,
		       out);
}

void fs_digests_read(const struct fs_root *root, int fd, const struct fs_info *info,
	struct fs_digests *out)
{
	if (!fs_digests_read_any(root, fd, info, out))
		out->n = 0;
}

bool fs_digests_read_at(const struct fs_root *root, int dir, const char *name,
	const struct fs_info *info, struct fs_digests *out)
{
	struct kept kept;

	out->n = 0;
	if (!can_keep(root))
		return true;
	ssize_t n = file_attr_get_at(dir, name, FS_DIGESTS_ATTR, &kept, sizeof(kept));
	if (!take(&kept, n, info, out))
		out->n = 0;
	return n >= 0 || n == -ENODATA;
}

void fs_digests_copy(const struct fs_root *root, int from, int to)
{
	struct fs_digests digests;
	struct fs_info info;

	if (!can_keep(root) || fs_stat_fd(root, from, &info) != FS_OK)
		return;
	fs_digests_read(root, from, &info, &digests);
	if (digests.n > 0 && fs_stat_fd(root, to, &info) == FS_OK)
		(void)!fs_digests_write(
			root, to, &info, &digests); /* without room: then not */
}
