/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * trim - what must go from the trash, oldest first: by age, by budget, and because the
 * disk is full.
 *
 * Which are the oldest is known when all were seen, and there may be millions. So each
 * walk through the trash counts how much is how old, and removes what the one before it
 * found too old; a few come to an end, in constant memory.
 */

#include "service/drive/fs/trash.h"

#include <stdint.h>

struct fs_trim_limits {
	int64_t before_ns;       /* what is older goes */
	uint64_t most_bytes;     /* and the oldest, until no more is kept than this */
	uint64_t free_bytes;     /* and until so much has gone; UINT64_MAX: all; */
	uint64_t at_least_bytes; /* but not where all is less than this */
};

struct fs_trimmed {
	uint64_t n_removed, removed_bytes;
	uint64_t n_failed; /* could not be removed, and stay */
	uint64_t n_kept, kept_bytes;
	int64_t oldest_ns; /* of what is kept; INT64_MAX where nothing is */
};

/**
 * fs_trim - remove what passes @limits.
 *
 * FS_OK with @out; FS_CANCELLED when watch->go_on ended it with more to do; why not.
 */
[[nodiscard]] enum fs_result fs_trim(const struct fs_root *root,
	const struct fs_trim_limits *limits, const struct fs_watch *watch,
	struct fs_trimmed *out);

struct fs_trim;

/* The same in turns, for who must not be away for long: fs_trim_go until that is not
 * FS_CANCELLED, with one @out that is zeroed at first. NULL without memory. */
[[nodiscard]] struct fs_trim *fs_trim_new(
	const struct fs_root *root, const struct fs_trim_limits *limits);
[[nodiscard]] enum fs_result fs_trim_go(
	struct fs_trim *trim, const struct fs_watch *watch, struct fs_trimmed *out);
void fs_trim_free(struct fs_trim *trim);

/**
 * fs_trim_for - make room for @bytes on the disk of @fd, which is full.
 *
 * Waits for what was removed and is not free yet, then removes. Takes long; with no lock
 * held. True if something went. False, and nothing goes, where all of the trash would not
 * be enough, or it is on another disk.
 */
[[nodiscard]] bool fs_trim_for(const struct fs_root *root, int fd, uint64_t bytes);

/* The same for something that is to be kept, in place of what was kept first. */
void fs_trim_to_keep(const struct fs_root *root);
