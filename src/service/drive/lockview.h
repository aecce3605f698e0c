/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * lockview - what lockdiscovery says of one path after the other.
 *
 * Of entries of one folder the locks above them are looked up once, and their
 * own not at all where nothing in that folder is locked.
 */

#include "base/buf.h"
#include "service/drive/fs/path.h"

#include <stdbool.h>

struct request;

struct lockview {
	const struct request *r;
	bool is_empty; /* nothing is locked anywhere */
	bool has_folder;
	char folder[FS_PATH_MAX]; /* as it was asked for, */
	char name[FS_PATH_MAX];   /* and without links */
	int node;                 /* owned: its place in the store; -1 */
	struct buf inherited;     /* owned: the deep locks that cover its entries */
	struct buf out;           /* owned */
};

void lockview_init(struct lockview *view, const struct request *r);
void lockview_fini(struct lockview *view);

/* The <activelock> elements for @path; until the next call. */
struct span lockview_of(struct lockview *view, const char *path);
