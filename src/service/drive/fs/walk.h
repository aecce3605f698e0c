/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * walk - a tree, one entry a call, without recursion.
 *
 * A directory comes before what is in it (ENTER) and once more after (LEAVE).
 * Links are never walked into, so there is no going round. Memory and
 * descriptors are bounded: one list (20 KiB) and one descriptor a level.
 */

#include "service/drive/fs/list.h"
#include "service/drive/fs/watch.h"

#define FS_WALK_LEVELS \
	64u /* of directories below one another; deeper ones are only named */

enum fs_walk_event {
	FS_WALK_ENTRY, /* a file, a link, anything that is not walked into */
	FS_WALK_ENTER, /* a directory, open now; what follows is in it, up to its LEAVE */
	FS_WALK_LEAVE, /* the same directory, read to its end */
	FS_WALK_TOO_DEEP, /* an entry below the last level, or whose path is too long; not
			     entered */
	FS_WALK_FAILED,   /* a directory that cannot be opened or read on; `why`. No LEAVE
			     comes */
};

enum fs_walk_flags {
	FS_WALK_RAW = 1 << 0,       /* show hidden names and links themselves */
	FS_WALK_ONE_MOUNT = 1 << 1, /* fail to enter other file systems: FS_OUTSIDE */
};

struct fs_walk_entry {
	enum fs_walk_event event;
	enum fs_result why;
	int dir;          /* borrowed: the directory it stands in; -1 for the top itself */
	int self;         /* borrowed: ENTER's open directory; else -1 */
	unsigned depth;   /* of that directory: 0 in the top */
	const char *name; /* until the next call, like all pointers here */
	const char *path; /* from the root; raw walks: from the top. TOO_DEEP: its
			     directory's */
	struct fs_info info; /* not for LEAVE, nor for FAILED in mid-reading */
	bool is_link;
};

struct fs_walk {
	const struct fs_root *root; /* borrowed */
	unsigned flags;
	unsigned n_levels;                      /* open ones */
	struct fs_list *levels[FS_WALK_LEVELS]; /* owned; kept for reuse when left */
	char path[FS_PATH_MAX];
};

/* Begins to walk what is in the directory @path. Results as fs_list_open's, and
 * FS_NO_MEMORY. */
[[nodiscard]] enum fs_result fs_walk_open(
	struct fs_walk *walk, const struct fs_root *root, const char *path);

/* The same for an open directory, which is the walk's in any case. @flags are
 * fs_walk_flags. */
[[nodiscard]] enum fs_result fs_walk_adopt(
	struct fs_walk *walk, const struct fs_root *root, int fd, unsigned flags);

/* FS_OK with an entry, or FS_END. Any other result has nothing after it either. */
[[nodiscard]] enum fs_result fs_walk_next(struct fs_walk *walk, struct fs_walk_entry *out);

/* Straight after ENTER: leaves that directory alone, without LEAVE. */
void fs_walk_skip(struct fs_walk *walk);

void fs_walk_close(struct fs_walk *walk);

/**
 * fs_walk_sum - add the bytes of all files in the tree that @tree is open on to *@bytes.
 *
 * Takes @tree over. FS_OK; FS_OUTSIDE where another file system is mounted in it;
 * FS_CANCELLED; ...
 */
[[nodiscard]] enum fs_result fs_walk_sum(const struct fs_root *root, int tree,
	const struct fs_watch *watch, uint64_t *bytes);
