/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * trashed - one version in the trash, and its name there: TIME-WHY-SIZE-USER.
 */

#include <stdbool.h>
#include <stdint.h>

enum {
	FS_TRASH_ID_MAX =
		40, /* bytes, with the NUL: of a version's name in all the trash */
	FS_TRASH_USER_MAX = 65,   /* of who made it one */
	FS_TRASH_WHERE_MAX = 288, /* of BUCKET/VERSION */
};

struct fs_trashed {
	char id[FS_TRASH_ID_MAX];       /* what strangers may call it: digits and a dash */
	char where[FS_TRASH_WHERE_MAX]; /* below root->trash; "" while there is none */
	char user[FS_TRASH_USER_MAX];   /* who did it; "" where nobody has a name */
	int64_t time_ns;                /* when, since the epoch */
	bool is_deleted;                /* or replaced by another */
	bool is_measured;
	uint64_t size; /* bytes, of all files in a tree; where it is measured */
};

/* Gives @kept the name in the bucket @key that says all the rest of it. */
void fs_trashed_name(struct fs_trashed *kept, const char *key);

/* Reads @name of the bucket @key. False if it is none of ours. */
[[nodiscard]] bool fs_trashed_read(
	const char *key, const char *name, struct fs_trashed *out);
