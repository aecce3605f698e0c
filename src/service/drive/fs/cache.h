/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * cache - small files in memory, each asked after by one statx a request.
 *
 * What is answered from here is what a read would have given at the time of
 * that statx. Why that holds:
 *
 * - An entry is found by its path, and counts only if the path still leads to
 *   the same device, mount, inode, size, mtime and ctime. A program can set
 *   mtime; ctime it cannot.
 * - A change could only go unseen if it left ctime as it was, by falling into
 *   the same tick of the file clock. So a file is not taken in until its ctime
 *   is seconds old by that clock, and not if it differs before and after the
 *   read. A write is stamped before its bytes change; one that then stands still
 *   for those seconds, and stores through a shared mmap, which stamp once a
 *   write-back, are beyond what any stat can tell. An ETag has the same limits.
 * - statx follows links in the middle of a path, and knows no RESOLVE_BENEATH.
 *   It only compares, and the bytes were read by way of fs_open, which had no
 *   link on its way, or they would not be here (a link as the last name never
 *   matches: its own inode is looked at). So a link swapped in can at most lead
 *   to the same unchanged inode: the same bytes, at a place that would now be
 *   refused. To end that too, an entry that was not resolved in full for
 *   FS_CACHE_TRUST_NS is resolved again.
 *
 * One process, one cache. A hit allocates nothing.
 */

#include "base/list.h"
#include "base/util.h"
#include "service/drive/fs/digests.h"
#include "service/drive/fs/open.h"

#define FS_CACHE_TRUST_NS NS_PER_SEC
#define FS_CACHE_MIN_AGE_NS \
	(2 * (int64_t)NS_PER_SEC) /* a hundred ticks of the slowest clock but FAT's */

struct fs_cache_limits {
	size_t max_entries;
	size_t max_bytes;      /* of contents, all together */
	size_t max_file_bytes; /* larger files are not taken in */
	int64_t min_age_ns; /* nor ones changed since: FS_CACHE_MIN_AGE_NS, but for tests */
};

struct fs_cached {
	struct fs_info info;
	struct fs_digests digests; /* of these, if there are any: they change ctime too */
	const char *bytes;         /* info.size of them */
	void *note;                /* see fs_cache_note; NULL before */
};

struct fs_cache {
	struct fs_cache_limits limits;
	size_t n_entries, n_bytes;
	struct fs_cache_entry **buckets; /* owned; limits.max_entries of them */
	struct list by_use;              /* the least lately used first */
};

/* FS_OK, and fs_cache_fini ends it; FS_NO_MEMORY. No maximum is 0. @cache does not move. */
[[nodiscard]] enum fs_result fs_cache_init(
	struct fs_cache *cache, const struct fs_cache_limits *limits);

void fs_cache_fini(struct fs_cache *cache);

/**
 * fs_cache_get - the file @path, if it is here and nothing has changed.
 *
 * @now_ns is any clock that goes forward. Good until the next call on @cache.
 * NULL: open it, and fs_cache_add it.
 */
const struct fs_cached *fs_cache_get(struct fs_cache *cache, const struct fs_root *root,
	const char *path, uint64_t now_ns);

/**
 * fs_cache_add - take in the file that fs_open(@path) just opened as @file.
 *
 * Returns it as fs_cache_get does, or NULL where it is too large, too young, or
 * was reached by a link: then send it from its descriptor, which stays the
 * caller's in any case.
 */
const struct fs_cached *fs_cache_add(struct fs_cache *cache, const struct fs_root *root,
	const char *path, const struct fs_file *file, uint64_t now_ns);

/* Hangs @note on it, from malloc, which goes with it: what follows from this version of the
 * file and costs something to find out. It should be small, for it is not counted. */
void fs_cache_note(const struct fs_cached *cached, void *note);
