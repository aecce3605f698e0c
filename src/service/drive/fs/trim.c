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

struct pass {
	struct fs_trash_walk walk;
	struct fs_trashed oldest[BATCH]; /* in order of time */
	size_t n;
};

/* Keeps it if it is one of the oldest. */
static void remember(struct pass *pass, const struct fs_trashed *version)
{
	size_t at = pass->n;

	while (at > 0 && pass->oldest[at - 1].time_ns > version->time_ns)
		at--;
	if (at == BATCH)
		return;
	size_t n_after = MIN(pass->n, BATCH - 1) - at;
	memmove(&pass->oldest[at + 1], &pass->oldest[at],
		n_after * sizeof(pass->oldest[0]));
	pass->oldest[at] = *version;
	pass->n = MIN(pass->n + 1, BATCH);
}

/* Goes through all, once. */
static enum fs_result look(struct pass *pass, const struct fs_root *root,
	const struct fs_watch *watch, struct fs_trimmed *out)
{
	struct fs_trashed version;

	pass->n = 0;
	out->n_kept = out->kept_bytes = 0;
	enum fs_result result = fs_trash_walk_open(&pass->walk, root);
	if (result != FS_OK)
		return result;
	while ((result = fs_trash_walk_next(&pass->walk, &version)) == FS_OK) {
		if (!version.is_measured) /* what is not known counts as nothing */
			(void)!fs_trash_measure(root, &version, watch);
		out->n_kept++;
		out->kept_bytes += version.size;
		remember(pass, &version);
	}
	fs_trash_walk_close(&pass->walk);
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
static enum fs_result remove_oldest(struct pass *pass, const struct fs_root *root,
	const struct fs_trim_limits *limits, const struct fs_watch *watch,
	struct fs_trimmed *out)
{
	bool has_removed = false;

	for (size_t i = 0; i < pass->n; i++) {
		const struct fs_trashed *version = &pass->oldest[i];
		if (!must_go(version, limits, out))
			return FS_END;
		if (!fs_watch_goes_on(watch))
			return FS_CANCELLED;
		enum fs_result result = fs_trash_purge(root, version, watch);
		if (result == FS_CANCELLED)
			return result;
		out->n_kept--;
		out->kept_bytes -= version->size;
		if (result != FS_OK) {
			out->n_failed++;
			continue;
		}
		has_removed = true;
		out->n_removed++;
		out->removed_bytes += version->size;
	}
	return has_removed && pass->n == BATCH ? FS_OK : FS_END;
}

enum fs_result fs_trim(const struct fs_root *root, const struct fs_trim_limits *limits,
	const struct fs_watch *watch, struct fs_trimmed *out)
{
	struct pass *pass = malloc(sizeof(*pass));
	enum fs_result result;

	*out = (struct fs_trimmed){0};
	if (!pass)
		return FS_NO_MEMORY;
	do {
		result = look(pass, root, watch, out);
		if (result == FS_OK)
			result = remove_oldest(pass, root, limits, watch, out);
	} while (result == FS_OK);
	free(pass);
	return result == FS_END || result == FS_NOT_FOUND ? FS_OK : result;
}

bool fs_trim_for(const struct fs_root *root, int fd, uint64_t bytes)
{
	struct fs_trim_limits limits = {.most_bytes = UINT64_MAX};
	struct fs_trimmed trimmed;
	struct file_space space;

	if (root->trash < 0)
		return false;
	uint64_t lacking = bytes;
	if (file_space(fd, &space) == 0 && space.available_bytes < bytes)
		lacking = bytes - space.available_bytes;
	limits.free_bytes =
		lacking > UINT64_MAX - SPARE_BYTES ? UINT64_MAX : lacking + SPARE_BYTES;
	return fs_trim(root, &limits, FS_NO_WATCH, &trimmed) == FS_OK
	       && trimmed.n_removed > 0;
}
