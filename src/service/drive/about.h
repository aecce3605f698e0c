/* SPDX-License-Identifier: MIT */
#pragma once

/* about - what an answer says of a file besides its contents, as far as the file alone decides it:
 * so for one that is kept in memory it is found out once. */

#include "base/span.h"
#include "service/drive/fs/stat.h"

struct drive;
struct buf;
struct fs_cached;

#define ABOUT_FIELDS_MAX 320u /* bytes: they have no strangers' text but an ETag's digits */

struct about {
	struct span type; /* the media table's */
	size_t n_fields;
	char fields[ABOUT_FIELDS_MAX]; /* of the answer's head */
};

/* Of the file @name with @info, which is not in memory. Good until the next call of either. */
const struct about *about_file(
	struct drive *drive, struct span name, const struct fs_info *info);

/* Of one that is. */
const struct about *about_cached(
	struct drive *drive, struct span name, const struct fs_cached *cached);

/* Adds its fields to a head. */
void about_put(const struct about *about, struct buf *head);
