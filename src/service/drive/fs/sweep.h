/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * sweep - removes what dead servers left half done.
 *
 * Everything under .prefork/tmp/, and what the notes under .prefork/notes/ name,
 * is flock'ed by who works on it. What can be flock'ed has lost its owner; the
 * rest belongs to another server on this folder, or to the old binary during
 * an upgrade, and stays.
 */

#include "service/drive/fs/root.h"
#include "service/drive/fs/watch.h"

struct fs_swept {
	unsigned n_removed;
	unsigned n_held;   /* somebody works on it */
	unsigned n_failed; /* could not be looked at or removed */
};

/* FS_OK, FS_CANCELLED, or why it could not even begin; *@out counts what was done in any
 * case. */
[[nodiscard]] enum fs_result fs_sweep(
	const struct fs_root *root, const struct fs_watch *watch, struct fs_swept *out);
