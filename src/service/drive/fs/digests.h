/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * digests - the checksums of a file's contents, kept with it as a line of text.
 *
 * In an extended attribute that also says of which version they are (inode,
 * size, time): when another program has changed the file there are none. They
 * can be computed again, so where there is no room for them they are not kept.
 */

#include "base/buf.h"
#include "base/span.h"
#include "service/drive/fs/stat.h"

#define FS_DIGESTS_ATTR "user.prefork.digests"
#define FS_DIGESTS_MAX  512u /* bytes of the line */

/* Keeps @line with the open file @fd as it is now. */
void fs_digests_write(const struct fs_root *root, int fd, struct span line);

/* Gives the open file @to those of @from, whose contents it has just got. */
void fs_digests_copy(const struct fs_root *root, int from, int to);

/* Reads the line of an open file into the empty @out; nothing, if there is none for @info. */
void fs_digests_read(
	const struct fs_root *root, int fd, const struct fs_info *info, struct buf *out);

/* The same of the entry @name of the open directory @dir, which is no link. */
void fs_digests_read_at(const struct fs_root *root, int dir, const char *name,
	const struct fs_info *info, struct buf *out);
