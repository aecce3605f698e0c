/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * place - where a name is to change: the folder, open, and the name in it.
 *
 * Changes come many to a folder, so the folder of the last place is kept open
 * when that is closed. Who wants the same path next gets it, if a statx of that
 * path meets the same directory: as long as we have it open, its inode is no
 * other's. statx follows links in the middle of a path, and knows no
 * RESOLVE_BENEATH; but the folder was reached without any, so a link swapped in
 * can at most lead to the same folder, at a place that would now be refused. To
 * end that too, what was not resolved in full for FS_PLACE_TRUST_NS is resolved
 * again. (So it is with the files of cache.h.) What is on another mount than the
 * root is not kept: nobody could unmount it.
 */

#include "base/util.h"
#include "service/drive/fs/root.h"

#define FS_PLACE_TRUST_NS ((int64_t)NS_PER_SEC)

/* The directory something is to change in, and its name there. */
struct fs_place {
	int dir;        /* owned; O_PATH */
	uint64_t inode; /* of the directory */
	struct fs_kept
		*kept;    /* borrowed: takes `dir` back if it is still this one's turn */
	uint64_t turn;    /* there; NULL: it is not to be kept */
	bool elsewhere;   /* on another mount than the root */
	const char *path; /* borrowed */
	const char *name; /* borrowed: the end of @path */
};

#define FS_PLACE_NONE ((struct fs_place){.dir = -1})
#define AUTO_PLACE    [[gnu::cleanup(fs_place_close)]] struct fs_place

/**
 * fs_place_open - find where the last name of @path is, or would be.
 *
 * FS_OK, with @out to be closed and @path kept while it is used. FS_READ_ONLY
 * where nothing may be written; FS_FORBIDDEN for the root itself and for hidden
 * names; FS_NO_PARENT.
 */
[[nodiscard]] enum fs_result fs_place_open(
	struct fs_place *out, const struct fs_root *root, const char *path);

void fs_place_close(struct fs_place *place);

/**
 * fs_place_overlap - whether two places are one, or one lies in the other.
 *
 * As the kernel names them, so that no link on the way hides it. FS_OK if
 * neither; FS_SAME; FS_INSIDE_ITSELF; or why it cannot be known.
 */
[[nodiscard]] enum fs_result fs_place_overlap(
	const struct fs_place *a, const struct fs_place *b);

/* The same for an open file or directory and a place. */
[[nodiscard]] enum fs_result fs_place_overlaps_fd(const struct fs_place *place, int fd);

/* Makes the change of a name in @place survive a power cut, if the root promises that. */
[[nodiscard]] enum fs_result fs_place_sync(
	const struct fs_root *root, const struct fs_place *place);
