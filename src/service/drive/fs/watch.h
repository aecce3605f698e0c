/* SPDX-License-Identifier: MIT */
#pragma once

/* watch - how a caller follows work on a whole tree. */

#include "service/drive/fs/result.h"

#include <stdbool.h>

struct fs_watch {
	bool (*go_on)(
		void *ctx); /* asked every so often; false ends it. NULL: to the end */
	/* Told, with its path from the root, each thing that could not be done. NULL:
	 * nobody cares. */
	void (*failed)(void *ctx, const char *path, enum fs_result why);
	void *ctx;
};

#define FS_NO_WATCH (&(const struct fs_watch){0})

static inline bool fs_watch_goes_on(const struct fs_watch *watch)
{
	return !watch->go_on || watch->go_on(watch->ctx);
}
