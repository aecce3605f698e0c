/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * digests - the checksums of a file's contents, kept with it as a run of bytes.
 *
 * In an extended attribute that begins with the version they are of (inode,
 * size, time): once another program has changed the file they are stale, and
 * nobody is told them. A program that changes bytes and puts size and time back
 * as they were is not found out here, but by whoever reads the file again. What
 * there is no room for is not kept; it can be computed again.
 *
 * Not in text, and by a short name, because that is what lies in ext4's inode
 * itself: one SHA-256 costs no block of its own, and no seek to find it.
 *
 * On a disk whose clock has whole seconds nothing is kept: a change within the
 * same one would not show.
 */

#include "base/span.h"
#include "service/drive/fs/stat.h"

#define FS_DIGESTS_ATTR "user.prefork.sums"
#define FS_DIGESTS_MAX  160u /* bytes: a dozen more than all kinds there are */

struct fs_digests {
	size_t n; /* 0: none */
	char bytes[FS_DIGESTS_MAX];
};

static inline struct span fs_digests_span(const struct fs_digests *digests)
{
	return span_of(digests->bytes, digests->n);
}

/* Keeps @digests with the open file @fd, of which @info is true now. FS_UNSUPPORTED where
 * that cannot be; FS_NO_SPACE, ... */
[[nodiscard]] enum fs_result fs_digests_write(const struct fs_root *root, int fd,
	const struct fs_info *info, const struct fs_digests *digests);

/* Gives the open file @to those of @from, whose contents it has just got. */
void fs_digests_copy(const struct fs_root *root, int from, int to);

/* Reads those of an open file; none, if there are none for @info. */
void fs_digests_read(const struct fs_root *root, int fd, const struct fs_info *info,
	struct fs_digests *out);

/* The same of the entry @name of the open directory @dir, which is no link. False, with none,
 * where that could not be found out. */
bool fs_digests_read_at(const struct fs_root *root, int dir, const char *name,
	const struct fs_info *info, struct fs_digests *out);

/* For those who read the contents too: what is kept of an open file, of whatever version.
 * Returns whether that is @info. */
bool fs_digests_read_any(const struct fs_root *root, int fd, const struct fs_info *info,
	struct fs_digests *out);
