/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * publish - new contents for a name: whole or not at all.
 *
 *   begin -> write ... -> commit -> end        (end alone gives it up)
 *
 * The bytes go to a file that has no name, or one of ours, on the target's
 * mount; commit flushes it and gives it the name in one step. Readers see the
 * old file or the new one. Whatever happens before that leaves the old file as
 * it was; a crash leaves at most a temporary, which the sweep takes.
 *
 * A new file gets mode 0666 less the umask; one that replaces another gets its
 * permissions, user. attributes and, if we may, its owner. A hard link to the
 * old file keeps the old contents. A symbolic link is itself replaced.
 */

#include "service/drive/fs/aside.h"
#include "service/drive/fs/digests.h"
#include "service/drive/fs/guard.h"
#include "service/drive/fs/touch.h"
#include "service/drive/fs/watch.h"

#define FS_SIZE_UNKNOWN UINT64_MAX

struct fs_publish {
	const struct fs_root *root; /* borrowed */
	struct fs_place place;      /* owned */
	struct fs_aside aside; /* owned; where the file has a name of ours, it is this */
	int fd;                /* owned; -1 when there is nothing to publish */
	bool named;            /* the aside name is the file's */
	uint64_t flushed;      /* bytes whose write-back has begun */
	bool existed;          /* something had the name when it began: */
	struct fs_info was;    /* this; of a link, what it led to */
	bool replaces_file;    /* `was` is a file that had the name itself */
	struct fs_info made;   /* the new file, since commit looked at it */
	bool is_published;     /* it has its place */
	struct fs_digests digests; /* what to keep of its contents */
	struct fs_info heir_of;    /* the version whose permissions and attributes it has */
	bool heir_of_plain; /* that had no attributes to take along, nor properties */
	const char *path;   /* borrowed */
};

/**
 * fs_publish_begin - prepare to write the file @path, which is kept to the end.
 *
 * @size, where it is known, must fit the disk as it is now.
 * FS_OK, and fs_publish_end must follow; FS_NO_PARENT, FS_IS_DIRECTORY,
 * FS_FORBIDDEN, FS_READ_ONLY, FS_NO_SPACE, ... with nothing to end.
 */
[[nodiscard]] enum fs_result fs_publish_begin(struct fs_publish *pub,
	const struct fs_root *root, const char *path, uint64_t size);

/* Writes @n bytes at @offset. After a failure only fs_publish_end makes sense. */
[[nodiscard]] enum fs_result fs_publish_write(
	struct fs_publish *pub, const void *bytes, size_t n, uint64_t offset);

/* Whether fs_publish_splice can be used. */
bool fs_publish_splices(const struct fs_publish *pub);

/* As fs_publish_write, of bytes that are in a pipe. After a failure some of them still are. */
[[nodiscard]] enum fs_result fs_publish_splice(
	struct fs_publish *pub, int pipe, size_t n, uint64_t offset);

struct fs_published {
	bool created;        /* nothing had the name before */
	struct fs_info info; /* of the new file */
};

/**
 * fs_publish_commit - put the file in its place, if @condition holds then.
 *
 * A whole-second @mtime_ns gets a fraction from the clock: clients that set
 * times set whole seconds, and two versions of one size must not share an ETag.
 * FS_OK with @out filled, and everything on the disk if the root is durable.
 * FS_EXISTS (FS_IF_ABSENT) or FS_CHANGED, with the old file as it was, and
 * commit may be called again. FS_IO may come after the rename, from flushing
 * the directory: then the new file is there, and may not survive a power cut.
 */
[[nodiscard]] enum fs_result fs_publish_commit(struct fs_publish *pub,
	const struct fs_condition *condition, int64_t mtime_ns, struct fs_published *out);

/* Gives up what was not committed, and lets go of the rest. */
void fs_publish_end(struct fs_publish *pub);
