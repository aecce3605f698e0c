/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * list - a directory's entries, one a call, in constant memory.
 *
 * In the order the file system has them. Hidden names are left out, and links
 * that lead outside or nowhere, because nobody could open them. An entry that
 * is added or removed meanwhile may or may not appear; none appears twice
 * because of it.
 */

#include "service/drive/fs/stat.h"

#include <stddef.h>

/* What the kernel fills at a time: 16 KiB is about 400 entries with usual names. */
#define FS_LIST_BUFFER 16384u

struct fs_list {
	const struct fs_root *root; /* borrowed */
	int fd;                     /* owned */
	bool raw;                   /* hide nothing, follow nothing */
	bool at_root;
	size_t at, end;         /* what of the buffer is not yet handed out */
	char path[FS_PATH_MAX]; /* of the directory */
	_Alignas(8) char buffer[FS_LIST_BUFFER];
};

struct fs_entry {
	const char *name;    /* until the next call */
	struct fs_info info; /* `type` alone where no more was asked for */
	bool is_link;        /* the info is of what it leads to */
};

/**
 * fs_list_open - begin to list the directory @path.
 *
 * FS_OK, and fs_list_close ends it; FS_NOT_DIRECTORY for anything else that is
 * there; FS_NOT_FOUND, ... with nothing to close. @list is large: not for the stack.
 */
[[nodiscard]] enum fs_result fs_list_open(
	struct fs_list *list, const struct fs_root *root, const char *path);

/**
 * fs_list_adopt - begin to list an open directory, which stands at @path.
 *
 * The descriptor is the list's in any case. @raw shows every entry, and links
 * as what they are: for work on trees, not for strangers. FS_OK, or FS_TOO_LONG.
 */
[[nodiscard]] enum fs_result fs_list_adopt(struct fs_list *list, const struct fs_root *root,
	int fd, const char *path, bool raw);

/**
 * fs_list_next - the next entry.
 *
 * @with_info false spares the statx where the directory itself knows the type.
 * FS_OK, FS_END, or why the directory cannot be read on.
 */
[[nodiscard]] enum fs_result fs_list_next(
	struct fs_list *list, bool with_info, struct fs_entry *out);

/* Before the first fs_list_next: how many entries there are, hidden ones too, @most at most.
 * Costs nothing that fs_list_next would not. */
unsigned fs_list_count(struct fs_list *list, unsigned most);

void fs_list_close(struct fs_list *list);
