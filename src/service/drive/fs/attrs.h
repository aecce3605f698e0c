/* SPDX-License-Identifier: MIT */
#pragma once

/* attrs - what a file carries besides its bytes, taken along when it is replaced or copied.
 */

#include "service/drive/fs/stat.h"

/**
 * fs_attrs_copy - give the open file @to the user. attributes of @from that it does not
 * have.
 *
 * Properties (props.h) become the same in any case. The generation and the digests stay behind: they are of one version of one file. FS_OK too
 * where the root has no attributes; FS_NO_SPACE where they do not fit.
 */
[[nodiscard]] enum fs_result fs_attrs_copy(const struct fs_root *root, int from, int to);

/* Whether the file @name of @dir has nothing that fs_attrs_copy would take along, and so
 * no properties anywhere. False also where one call cannot tell. */
bool fs_attrs_plain_at(const struct fs_root *root, int dir, const char *name);

/**
 * fs_attrs_inherit - make the new file @fd what the file @old was but for its bytes.
 *
 * Its permissions, its attributes, and its owner if we may give files away.
 * @old_fd is open for reading, or -1 where we may not, or it has none: then attributes stay behind.
 * @made is what @fd was found to be, and is brought up to date.
 */
[[nodiscard]] enum fs_result fs_attrs_inherit(const struct fs_root *root, int old_fd,
	const struct fs_info *old, int fd, struct fs_info *made);
