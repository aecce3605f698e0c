/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * path - from the path of a URL to a path below a folder. For the way back see
 * escape_path in base/escape.h.
 *
 * What comes out can be handed to openat2 as it is: it never begins with a
 * slash, has no empty segment and no "." or "..", and holds no NUL. Names are
 * bytes, as the kernel has them, UTF-8 or not.
 */

#include "base/span.h"

#include <stdbool.h>

struct http_path {
	struct span rel; /* "a/b"; "" is the folder itself. A NUL stands behind it. */
	bool slash;      /* the URL ends with a slash, or is the root */
};

/**
 * http_path_decode - decode @url, a path that begins with a slash, into @out.
 *
 * @out holds at least url.n bytes and may be url's own memory. Runs of slashes
 * count as one.
 *
 * Refused, each with 400 and a sentence in *@why, because no file can be meant
 * or because two programs would disagree about which: a bad percent escape, an
 * encoded NUL or slash, a segment "." or ".." however it is written (clients
 * resolve those themselves before they ask). Returns 0 or that status.
 */
[[nodiscard]] unsigned http_path_decode(
	struct span url, char *out, struct http_path *path, const char **why);
