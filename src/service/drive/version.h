/* SPDX-License-Identifier: MIT */
#pragma once

/* version - a file's entity tag and time, and whether a request's conditions hold for them.
 */

#include "http/cond.h"
#include "service/drive/fs/guard.h"

struct drive;
struct request;

struct version {
	struct http_now now;
	char tag[FS_ETAG_MAX]; /* what now.etag points at: a struct version does not move */
};

/* @info is NULL where nothing has the name. A folder has no tag: it would have to say
 * something of what is in it. */
void version_of(const struct drive *drive, const struct fs_info *info, struct version *out);

#define VERSION_ETAG_MAX (FS_ETAG_MAX + 4u) /* with quotes and W/ */

/* The tag of a file alone, as it is written. */
struct span version_etag(
	const struct drive *drive, const struct fs_info *info, char out[VERSION_ETAG_MAX]);

/* The request's conditions, for the moment of the change; @r must outlive it. */
struct fs_condition version_condition(struct request *r);

/* Whether they hold now: HTTP_COND_. */
int version_check(const struct request *r, const struct fs_info *now);

/* Whether If-Range lets the Range field count. */
bool version_range(const struct request *r, const struct fs_info *now);
