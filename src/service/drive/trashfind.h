/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * trashfind - the URLs of the trash, and what they name.
 *
 *   /~/trash/                   all that is kept
 *   /~/trash/ID NAME            one version; NAME is for people, and may be anything
 *   /~/trash/ID NAME/below/it   what is in it, if it is a folder
 */

#include "service/drive/fs/open.h"
#include "service/drive/fs/trash.h"

#include <stdbool.h>

struct drive;
struct request;

#define TRASH_PATH FS_RESERVED "/trash"
#define TRASH_URL  "/" TRASH_PATH "/"

struct trashfind {
	bool is_top;            /* it names the trash itself: the rest is not set */
	struct fs_trashed kept; /* the version */
	char path[FS_PATH_MAX]; /* that it had */
	const char *below;      /* what is named in it: borrowed; "" for itself */
};

/* Whether r->path is the trash's or lies in it. */
bool trashfind_is(const struct request *r);

/* FS_OK with what r->path names, FS_NOT_FOUND, ... */
[[nodiscard]] enum fs_result trashfind_path(const struct request *r, struct trashfind *out);

/* Opens what it names to be read. As fs_open; a folder has info alone. */
[[nodiscard]] enum fs_result trashfind_open(
	const struct drive *drive, const struct trashfind *what, struct fs_file *out);

/* A folder in the trash as a root of its own, so that no way leads out of it: *@fd, the
 * caller's, is its descriptor. */
[[nodiscard]] enum fs_result trashfind_root(const struct drive *drive,
	const struct fs_trashed *kept, struct fs_root *out, int *fd);

#define TRASHFIND_NAME_MAX (FS_TRASH_ID_MAX + FS_NAME_MAX)

/* "ID NAME" */
void trashfind_name(
	const struct fs_trashed *kept, const char *path, char out[TRASHFIND_NAME_MAX]);
