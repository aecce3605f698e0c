/* SPDX-License-Identifier: MIT */

#include "service/drive/fs/digests.h"

#include "base/util.h"
#include "os/file.h"

#include <inttypes.h>
#include <stdio.h>

#define VERSION_MAX 64u /* bytes: three numbers of 16 digits, each with a space */
#define ATTR_MAX    (VERSION_MAX + FS_DIGESTS_MAX)

/* What the attribute begins with. Returns its length. */
static size_t put_version(const struct fs_info *info, char out[VERSION_MAX])
{
	int n = snprintf(out, VERSION_MAX, "%" PRIx64 " %" PRIx64 " %" PRIx64 " ",
		info->inode, info->size, (uint64_t)info->mtime_ns);

	return (size_t)n; /* fits by its size */
}

void fs_digests_write(const struct fs_root *root, int fd, struct span line)
{
	struct fs_info info;
	char value[ATTR_MAX];

	if (!root->can.attributes || line.n > FS_DIGESTS_MAX
		|| fs_stat_fd(root, fd, &info) != FS_OK)
		return;
	size_t n = put_version(&info, value);
	memcpy(value + n, line.p, line.n);
	/* Without room, or on another mount without attributes: then not. */
	(void)!file_attr_set(fd, FS_DIGESTS_ATTR, value, n + line.n, 0);
}

/* Puts what an attribute of @n_value bytes says of @info. */
static void take(
	const char *value, ssize_t n_value, const struct fs_info *info, struct buf *out)
{
	char version[VERSION_MAX];
	struct span text = span_of(value, n_value > 0 ? (size_t)n_value : 0);
	size_t n = put_version(info, version);

	if (span_starts(text, span_of(version, n)))
		buf_put_span(out, span_from(text, n));
}

void fs_digests_read(
	const struct fs_root *root, int fd, const struct fs_info *info, struct buf *out)
{
	char value[ATTR_MAX];

	if (root->can.attributes)
		take(value, file_attr_get(fd, FS_DIGESTS_ATTR, value, sizeof(value)), info,
			out);
}

void fs_digests_read_at(const struct fs_root *root, int dir, const char *name,
	const struct fs_info *info, struct buf *out)
{
	char value[ATTR_MAX];

	if (root->can.attributes)
		take(value,
			file_attr_get_at(dir, name, FS_DIGESTS_ATTR, value, sizeof(value)),
			info, out);
}

void fs_digests_copy(const struct fs_root *root, int from, int to)
{
	AUTO_BUF line = BUF_INIT(FS_DIGESTS_MAX);
	struct fs_info info;

	if (fs_stat_fd(root, from, &info) != FS_OK)
		return;
	fs_digests_read(root, from, &info, &line);
	if (line.n > 0)
		fs_digests_write(root, to, buf_span(&line));
}
