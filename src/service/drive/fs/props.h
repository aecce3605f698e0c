/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * props - one run of bytes kept with a file or directory: its properties, whatever they are.
 *
 * A short one is an extended attribute. What does not fit there, and all on a
 * disk without attributes, is in a file under .prefork/props/ that is named for
 * the inode (and begins with the time of its birth, so that a later file with
 * that number does not inherit it); the attribute is then empty. Either way it
 * changes in one step, moves with the file, is copied with it, stays when PUT
 * replaces it, and goes with it.
 */

#include "base/buf.h"
#include "service/drive/fs/guard.h"

#define FS_PROPS_ATTR "user.prefork.props"
#define FS_PROPS_MAX  (128u * 1024u)

/* Reads them of the file or directory @path. FS_OK with nothing in @out if there are none. */
[[nodiscard]] enum fs_result fs_props_read(
	const struct fs_root *root, const char *path, struct buf *out);

/* The same of the entry @name of the open directory @dir, which is no link; @info is what
 * fs_stat_at says of it. *@is_alone: the attribute says it all, or that there is nothing. */
[[nodiscard]] enum fs_result fs_props_read_at(const struct fs_root *root, int dir,
	const char *name, const struct fs_info *info, struct buf *out, bool *is_alone);

/* What a change may change, all or nothing of it. */
struct fs_props_edit {
	struct buf *props;  /* as they are, to become as they shall be */
	int64_t mtime_ns;   /* FS_MTIME_NOW: as it is */
	bool sets_mode;     /* whether its owner may execute it */
	bool is_executable; /* or not */
};

/* FS_OK, or what ends the call and leaves everything as it was. */
typedef enum fs_result fs_props_change_fn(void *ctx, struct fs_props_edit *edit);

/**
 * fs_props_change - let @change edit what is kept with @path.
 *
 * It is called under the guard of the name and the condition's fence, once,
 * with the properties as they are; what it returns ends the call, and unless
 * that is FS_OK nothing has changed. FS_TOO_LARGE past FS_PROPS_MAX.
 */
[[nodiscard]] enum fs_result fs_props_change(const struct fs_root *root, const char *path,
	const struct fs_condition *condition, fs_props_change_fn *change, void *ctx);

/* The same for an open file or directory that only we can name: without any guard. */
[[nodiscard]] enum fs_result fs_props_change_open(
	const struct fs_root *root, int fd, fs_props_change_fn *change, void *ctx);

/* Makes those of the open file @to the same as those of @from. */
[[nodiscard]] enum fs_result fs_props_copy(const struct fs_root *root, int from, int to);

/*
 * Who ends a file ends what is beside it. Either can outlive the other when we are killed in
 * between, and nothing leads from the second to the first: so where fs_props_beside says
 * that there is a second, the file is given a name in .prefork/tmp/ before it loses its own,
 * and the sweep, which ends it, ends both.
 */

/* Whether a file stands beside the one that @info was taken of, and goes with its last name. */
bool fs_props_beside(const struct fs_root *root, const struct fs_info *info);

/* The file that @info was taken of has just lost its last name. */
void fs_props_forget(const struct fs_root *root, const struct fs_info *info);

struct fs_aside;

/* Before a file in .prefork/tmp/ goes: moves what is beside it there too. True if there is
 * anything, and fs_props_reattach or an unlink of @out is to follow. */
[[nodiscard]] bool fs_props_detach(
	const struct fs_root *root, const struct fs_info *info, struct fs_aside *out);

/* It stays after all. */
void fs_props_reattach(const struct fs_root *root, const struct fs_info *info,
	const struct fs_aside *detached);
