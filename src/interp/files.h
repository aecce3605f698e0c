/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * files - the paths a script's loaded state came from, and whether they changed.
 *
 * What counts is what stat(2) says: device, inode, size, mtime and ctime, or
 * that there is nothing. inotify only tells when to look, so that a call need
 * not look at all; where it cannot tell (no instance or watch to be had, a
 * network file system) the paths are "blind", and the server looks at each call.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct files;

/* NULL without memory. It lives as long as its process. */
[[nodiscard]] struct files *files_new(void);

/* Remembers @path (made absolute, copied) as it is now. 0, -ENOMEM or -ENAMETOOLONG. */
[[nodiscard]] int files_add(struct files *files, const char *path);

/* @path behind the working directory, unless it is absolute: to be freed; NULL on failure. */
[[nodiscard]] char *files_absolute(const char *path);

size_t files_count(const struct files *files);

/* Asks for news of all of them. The descriptor to wait for (borrowed, non-blocking), or -1:
 * there is none, and all are blind. */
int files_watch(struct files *files);

/* Whether some could change unnoticed. */
bool files_blind(const struct files *files);

/* Takes the news; true if files_changed should look. */
bool files_news(struct files *files);

/* Looks at every path: the first that is not what it was, or NULL. */
const char *files_changed(const struct files *files);

/* The first path that changed after @since_ns, by its own ctime, and not in the future; or
 * NULL. A set-up that began then may have read what was there before. */
const char *files_changed_since(const struct files *files, int64_t since_ns);

/* Closes the news in a child that has no use for it. */
void files_close(struct files *files);
