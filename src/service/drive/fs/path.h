/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * path - which names strangers may use. Pure: looks at bytes, never at a disk.
 *
 * A path is relative to the root, decoded, without slashes at either end: "a/b
 * c"; "" is the root. It may hold any byte but NUL.
 */

#include "service/drive/fs/result.h"

#include <stdbool.h>
#include <stddef.h>

#define FS_PATH_MAX 4096u /* bytes, with the NUL: the kernel's PATH_MAX */
#define FS_NAME_MAX 256u  /* bytes, with the NUL: the kernel's NAME_MAX */

#define FS_PRIVATE  ".prefork" /* at the root: what is ours. No request reaches it */
#define FS_RESERVED "~"        /* at the root: the URLs below it are the program's own */
#define FS_TEMP_PREFIX \
	".prefork-tmp-" /* anywhere: a temporary of ours, where .prefork/tmp/ is no place for it */

/* Whether an entry @name in the directory @at_root (or deeper) is kept from strangers. */
bool fs_path_hides(const char *name, bool at_root);

/**
 * fs_path_check - whether @path may be looked up.
 *
 * FS_OK; FS_NOT_FOUND for a hidden name, and for what cannot name anything (an
 * empty segment, "." and "..", which the kernel would walk); FS_TOO_LONG.
 */
[[nodiscard]] enum fs_result fs_path_check(const char *path);

/* Where the last name of @path begins; an index into it. The part before is
 * fs_path_parent's. */
size_t fs_path_last(const char *path);

/* Copies all but the last name of @path, a checked one, into @out, which holds FS_PATH_MAX.
 */
void fs_path_parent(const char *path, char *out);

/* Whether @inner is @outer or lies below it, by their bytes alone. */
bool fs_path_within(const char *inner, const char *outer);

/* Writes "@dir/@name", or @name where @dir is "", into @out, which holds FS_PATH_MAX. False
 * if too long. */
[[nodiscard]] bool fs_path_join(char *out, const char *dir, const char *name);
