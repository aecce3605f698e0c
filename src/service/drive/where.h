/* SPDX-License-Identifier: MIT */
#pragma once

/* where - from a URL's path to a path in the folder, and back. */

#include "base/buf.h"
#include "base/span.h"
#include "dav/multistatus.h"
#include "service/drive/fs/path.h"

#include <stdbool.h>

struct request;

/**
 * where_decode - decode @url into @out.
 *
 * *@is_slashed: it ends with a slash, and so names a folder. Returns false if
 * it cannot name anything: the request is then answered.
 */
[[nodiscard]] bool where_decode(
	struct request *r, struct span url, char out[FS_PATH_MAX], bool *is_slashed);

/* Appends the URL of @path, from its first slash. */
void where_url(struct buf *out, const char *path);

/* The link to @path for a 207. @folder becomes the memory of its encoded first part, and
 * its name points into @path. */
struct multistatus_href where_href(struct buf *folder, const char *path, bool is_dir);
