/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * release - takes a file's last name without waiting for its blocks.
 *
 * Whoever renames over a file, or unlinks it, waits until the kernel has freed
 * all of it: 0.1 s a GiB for what is in memory, 1.6 s where a disk discards
 * (ext4, mounted so), and everybody the process serves waits too. A descriptor
 * puts it off; so the file is held by one, which is closed aside (os/closer.h).
 *
 * Held is what is large; and sixteen times whatever follows one that was
 * not held and took long. Where the disk is nearly full nothing is closed
 * aside: who deletes there wants the room.
 */

#include "service/drive/fs/stat.h"

struct fs_releases;

/* NULL without memory. */
[[nodiscard]] struct fs_releases *fs_releases_new(void);

/* Waits until all is closed; @releases may be NULL. */
void fs_releases_free(struct fs_releases *releases);

/**
 * fs_release_unlink - as file_unlink, of what is @old; NULL if that is not known.
 *
 * *@held, -1 after an error, is to be given to fs_release_close as soon as no lock is
 * held and the change is on the disk: until then a power cut may bring back the old
 * name, and its blocks are there.
 */
[[nodiscard]] int fs_release_unlink(const struct fs_root *root, int dir, const char *name,
	const struct fs_info *old, int *held);

/* The same of file_rename, without flags, over @old; NULL also if that has other names. */
[[nodiscard]] int fs_release_rename(const struct fs_root *root, int from_dir,
	const char *from, int to_dir, const char *to, const struct fs_info *old, int *held);

/* Closes *@fd, which holds a file, unless it is -1, and makes it -1. */
void fs_release_close(const struct fs_root *root, int *fd);

/* The same of a file that is not to get a name after all; aside if it is large. */
void fs_release_given_up(const struct fs_root *root, int *fd);

/* Waits until all that was released is free. Whether there was anything to wait for. */
bool fs_release_wait(const struct fs_root *root);
