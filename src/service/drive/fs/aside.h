/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * aside - a name of our own, on the mount of what it will become or was.
 *
 * Under .prefork/tmp/ where that is the target's mount; otherwise hidden beside
 * the target, with a note under .prefork/notes/ that says where, so that the
 * sweep need not search the folder. What stands under such a name is flock'ed
 * (there: the note) by who works on it; the sweep removes what it can flock.
 */

#include "service/drive/fs/place.h"

#define FS_ASIDE_MAX 32u /* bytes, with the NUL: the prefix and sixteen digits */

struct fs_aside {
	int dir;  /* borrowed: the directory the name is in; -1 if there is no name */
	int note; /* owned, flock'ed; -1 where none is needed */
	char name[FS_ASIDE_MAX];
};

#define FS_ASIDE_NONE ((struct fs_aside){.dir = -1, .note = -1})

/**
 * fs_aside_choose - find a free name for what is to stand at @place, or stood there.
 *
 * Makes nothing but the note. @beside asks for a name beside the target even
 * where .prefork/tmp/ seems to be on its mount: project quotas and subvolumes
 * show only when a rename is refused, and what a directory hands down is its own. FS_OK with @out, which fs_aside_end ends
 * and which borrows both arguments' directories.
 */
[[nodiscard]] enum fs_result fs_aside_choose(struct fs_aside *out,
	const struct fs_root *root, const struct fs_place *place, bool beside);

/* A free name in @dir, which it borrows, without a note: for what is in .prefork/tmp/. */
void fs_aside_name(struct fs_aside *out, int dir);

/* Takes the note back. What stands under the name is the caller's to have moved or removed.
 */
void fs_aside_end(struct fs_aside *aside, const struct fs_root *root);

/* Makes the name an empty directory, flock'ed through the descriptor it returns; or -errno.
 */
[[nodiscard]] int fs_aside_make_dir(const struct fs_aside *aside);

/* Makes the name an empty file, open for both and flock'ed likewise; or -errno. */
[[nodiscard]] int fs_aside_make_file(const struct fs_aside *aside, unsigned mode);
