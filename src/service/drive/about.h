/* SPDX-License-Identifier: MIT */
#pragma once

/* about - what an answer says of a file besides its contents, as far as the file alone decides it:
 * so for one that is kept in memory it is found out once. */

#include "base/span.h"
#include "http/media.h"
#include "service/drive/fs/stat.h"

struct drive;
struct fs_cached;

#define ABOUT_FIELDS_MAX \
	(320u + HTTP_MEDIA_MAX) /* but for the type, words and digits of our own */

struct about {
	struct span type; /* the media table's */
	size_t n_common; /* bytes of fields that every answer has; behind them comes Content-Type */
	size_t n_fields;
	char fields[ABOUT_FIELDS_MAX]; /* of the answer's head */
};

/* Of the file @name with @info, which is not in memory. Good until the next call of either. */
const struct about *about_file(
	struct drive *drive, struct span name, const struct fs_info *info);

/* Of one that is. */
const struct about *about_cached(
	struct drive *drive, struct span name, const struct fs_cached *cached);
