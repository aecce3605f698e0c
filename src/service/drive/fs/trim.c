/* SPDX-License-Identifier: MIT */

#include "service/drive/fs/trim.h"

#include "base/util.h"
#include "os/file.h"

#include <stdlib.h>
#include <string.h>

enum {
	BATCH = 256, /* oldest versions that one pass remembers */
};

#define SPARE_BYTES \
	(16 * MIB) /* more than asked, so that the next who asks need not wait */

struct fs_trim {
	const struct fs_root *root;
	struct fs_trash_walk walk;
	bool is_looking;                 /* walk is open */
	bool has_looked;                 /* and what it found is to be removed, */
	struct fs_trashed oldest[BATCH]; /* in order of time, */
	size_t n, at;                    /* from here on */
	uint64_t n_before;               /* removed, when it was looked */
};

/* Keeps it if it is one of the oldest. */
static void remember(struct fs_trim *trim, const struct fs_trashed *version)
{
	size_t at = trim->n;

	while (at > 0 && trim->oldest[at - 1].time_ns > version->time_ns)
		at--;
	if (at == BATCH)
		return;
	size_t n_after = MIN(trim->n, BATCH - 1) - at;
	memmove(&trim->oldest[at + 1], &trim->oldest[at],
		n_after * sizeof(trim->oldest[0]));
	trim->oldest[at] = *version;
	trim->n = MIN(trim->n + 1, BATCH);
}

/* Goes through all, once. */
static enum fs_result look(
	struct fs_trim *trim, const struct fs_watch *watch, struct fs_trimmed *out)
{
	struct fs_trashed version;
	enum fs_result result;

	if (!trim->is_looking) {
		trim->n = trim->at = 0;
		out->n_kept = out->kept_bytes = 0;
		result = fs_trash_walk_open(&trim->walk, trim->root);
		if (result != FS_OK)
			return result;
		trim->is_looking = true;
	}
	while ((result = fs_trash_walk_next(&trim->walk, &version)) == FS_OK) {
		if (!version.is_measured) /* what is not known counts as nothing */
			(void)!fs_trash_measure(trim->root, &version, watch);
		out->n_kept++;
		out->kept_bytes += version.size;
		remember(trim, &version);
		if (!fs_watch_goes_on(watch))
			return FS_CANCELLED;
	}
	fs_trash_walk_close(&trim->walk);
	trim->is_looking = false;
	trim->has_looked = result == FS_END;
	trim->n_before = out->n_removed;
	return result == FS_END ? FS_OK : result;
}

static bool must_go(const struct fs_trashed *version, const struct fs_trim_limits *limits,
	const struct fs_trimmed *so_far)
{
	return version->time_ns < limits->before_ns
	       || so_far->kept_bytes > limits->most_bytes
	       || so_far->removed_bytes < limits->free_bytes;
}

/* Removes of the oldest what must go. FS_OK if there may be more; FS_END if not. */
static enum fs_result remove_oldest(struct fs_trim *trim,
	const struct fs_trim_limits *limits, const struct fs_watch *watch,
	struct fs_trimmed *out)
{
	for (; trim->at < trim->n; trim->at++) {
		const struct fs_trashed *version = &trim->oldest[trim->at];
		if (!must_go(version, limits, out))
			return FS_END;
		if (!fs_watch_goes_on(watch))
			return FS_CANCELLED;
		enum fs_result result = fs_trash_purge(trim->root, version, watch);
		if (result == FS_CANCELLED)
			return result;
		out->n_kept--;
		out->kept_bytes -= version->size;
		if (result != FS_OK) {
			out->n_failed++;
			continue;
		}
		out->n_removed++;
		out->removed_bytes += version->size;
	}
	return trim->n == BATCH && out->n_removed > trim->n_before ? FS_OK : FS_END;
}

struct fs_trim *fs_trim_new(const struct fs_root *root)
{
	struct fs_trim *trim = malloc(sizeof(*trim));

	if (trim) {
		trim->root = root;
		trim->is_looking = trim->has_looked = false;
	}
	return trim;
}

void fs_trim_free(struct fs_trim *trim)
{
	if (trim && trim->is_looking)
		fs_trash_walk_close(&trim->walk);
	free(trim);
}

enum fs_result fs_trim_go(struct fs_trim *trim, const struct fs_trim_limits *limits,
	const struct fs_watch *watch, struct fs_trimmed *out)
{
	enum fs_result result;

	do {
		result = trim->has_looked ? FS_OK : look(trim, watch, out);
		if (result == FS_OK)
			result = remove_oldest(trim, limits, watch, out);
		if (result == FS_OK)
			trim->has_looked = false;
	} while (result == FS_OK);
	return result == FS_END || result == FS_NOT_FOUND ? FS_OK : result;
}

enum fs_result fs_trim(const struct fs_root *root, const struct fs_trim_limits *limits,
	const struct fs_watch *watch, struct fs_trimmed *out)
{
	struct fs_trim *trim = fs_trim_new(root);

	*out = (struct fs_trimmed){0};
	if (!trim)
		return FS_NO_MEMORY;
	enum fs_result result = fs_trim_go(trim, limits, watch, out);
	fs_trim_free(trim);
	return result;
}

/* Whether there would be room for @lacking more bytes without any of the trash. */
static bool would_do(const struct fs_root *root, uint64_t lacking)
{
	const struct fs_trim_limits nothing = {.most_bytes = UINT64_MAX};
	struct fs_trimmed seen;

	return fs_trim(root, &nothing, FS_NO_WATCH, &seen) == FS_OK
	       && seen.kept_bytes >= lacking;
}

bool fs_trim_for(const struct fs_root *root, int fd, uint64_t bytes)
{
	struct fs_trim_limits limits = {.most_bytes = UINT64_MAX};
	struct fs_trimmed trimmed;
	struct file_space space;
	struct statx st;

	/* What is on another disk would be given up for nothing. */
	if (root->trash < 0 || file_stat(fd, "", &st) < 0 || file_device(&st) != root->dev
		|| file_space(fd, &space) < 0)
		return false;
	/* With a quota there is room, and not for us. */
	uint64_t lacking =
		space.available_bytes < bytes ? bytes - space.available_bytes : 0;
	if (!would_do(root, lacking))
		return false;
	limits.free_bytes = MAX(lacking, MIN(bytes, SPARE_BYTES)) + SPARE_BYTES;
	return fs_trim(root, &limits, FS_NO_WATCH, &trimmed) == FS_OK
	       && trimmed.n_removed > 0;
}
