/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * store - the locks of a folder, on its disk, where all workers and servers see them.
 *
 * Under .prefork/locks/ is a tree of directories that mirrors the paths: the
 * locks that were taken on a/b are in the file `.prefork-tmp-locks` of a's b, a
 * name that no path can hold. So what covers a path is found on the way to it,
 * and what is below it below it; a directory is there only as long as it or
 * one below it holds locks. A file is replaced by rename, so who reads it sees
 * a lock or does not.
 *
 * Beside the tree is the gate, a file to flock. Who changes names enters it
 * with the others and stays until the name has changed; who changes locks
 * enters it alone. So no lock comes between a writer's last look and his
 * rename, and no two locks that exclude each other are ever both taken.
 *
 * Locks are not flushed to the disk: a power cut may lose some, and then a
 * client's next request with that token is refused, and nothing else is lost.
 *
 * Paths are those of fs_resolve_name. What cannot be understood in a file is
 * taken for no lock.
 */

#include "os/latch.h"
#include "service/drive/fs/root.h"
#include "service/drive/lock/lock.h"

#include <stdbool.h>
#include <stdint.h>

#define LOCK_STORE_SHARED_MAX 32u /* locks on one path */

struct lock_store {
	const struct fs_root *root; /* borrowed */
	int tree;                   /* owned; -1 where nothing can be locked */
	struct latch gate;          /* owned */
	int64_t bare_mtime_ns; /* the tree's, when nothing was in it; INT64_MIN: unknown */
};

#define LOCK_STORE_NONE ((struct lock_store){.tree = -1, .gate = LATCH_NONE})

/* Makes what is not there. A folder that may not be written to has no locks: FS_OK. */
[[nodiscard]] enum fs_result lock_store_open(
	struct lock_store *out, const struct fs_root *root);
void lock_store_close(struct lock_store *store);

/* Waits at the gate, and enters it @alone or with other processes. Who is inside leaves it
 * first. */
[[nodiscard]] enum fs_result lock_store_enter(struct lock_store *store, bool alone);
void lock_store_leave(struct lock_store *store);

/* What a walk along or below a path meets. Lives until the call returns. */
struct lock_found {
	const struct lock *lock;
	struct span path; /* what it was taken on */
};

/* False: that is enough. */
typedef bool lock_visit(void *ctx, const struct lock_found *found);

/* Whether there is no lock at all, as far as that is cheap to tell. */
bool lock_store_is_empty(struct lock_store *store);

/* Every lock that covers @path at @now_sec: its own, and the deep ones above it. */
[[nodiscard]] enum fs_result lock_store_covering(const struct lock_store *store,
	const char *path, int64_t now_sec, lock_visit *visit, void *ctx);

/* Every lock on what is below @path. */
[[nodiscard]] enum fs_result lock_store_below(const struct lock_store *store,
	const char *path, int64_t now_sec, lock_visit *visit, void *ctx);

/**
 * lock_store_folder - the place of @path in the tree, for lock_store_entry.
 *
 * FS_OK with *@folder the caller's; FS_NOT_FOUND: nothing in it is locked.
 */
[[nodiscard]] enum fs_result lock_store_folder(
	const struct lock_store *store, const char *path, int *folder);

/* The own locks of an entry of that folder. Their path is @name alone. */
[[nodiscard]] enum fs_result lock_store_entry(
	int folder, const char *name, int64_t now_sec, lock_visit *visit, void *ctx);

/* The following need the gate for themselves. */

/* Puts @lock on @path, in place of one with its token. FS_NO_SPACE also where too many
 * share it. */
[[nodiscard]] enum fs_result lock_store_put(const struct lock_store *store,
	const char *path, const struct lock *lock, int64_t now_sec);

/* FS_OK also if there is no such lock. */
[[nodiscard]] enum fs_result lock_store_remove(const struct lock_store *store,
	const char *path, struct span token, int64_t now_sec);

/* Removes every lock below @path, and unless @keep_own those on it. */
[[nodiscard]] enum fs_result lock_store_drop(
	const struct lock_store *store, const char *path, bool keep_own);

/* Removes what has ended, wherever it is. */
[[nodiscard]] enum fs_result lock_store_tend(
	const struct lock_store *store, int64_t now_sec);

/* Whether an hour has passed since that was last done by anybody; says so once. */
bool lock_store_is_due(const struct lock_store *store, int64_t now_sec);
