/* SPDX-License-Identifier: MIT */

#include "service/drive/fs/cache.h"

#include "base/hash.h"
#include "base/util.h"
#include "os/fd.h"
#include "os/file.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* On a clock that tells no fractions of a second, a change must be older by its longest
 * tick, FAT's. */
#define COARSE_TICK_NS (2 * (int64_t)NS_PER_SEC)

struct fs_cache_entry {
	struct fs_cached is;
	struct list use;             /* in fs_cache.by_use */
	struct fs_cache_entry *next; /* in its bucket */
	size_t bucket;
	uint64_t resolved_ns;
	char *path;  /* these two are in `room` */
	char room[]; /* the contents, then the path with its NUL */
};

static struct fs_cache_entry *entry_of(const struct fs_cached *cached)
{
	return container_of((struct fs_cached *)cached, struct fs_cache_entry, is);
}

enum fs_result fs_cache_init(struct fs_cache *cache, const struct fs_cache_limits *limits)
{
	assert(limits->max_entries && limits->max_bytes && limits->max_file_bytes);
	*cache = (struct fs_cache){.limits = *limits};
	list_init(&cache->by_use);
	cache->buckets = calloc(limits->max_entries, sizeof(struct fs_cache_entry *));
	return cache->buckets ? FS_OK : FS_NO_MEMORY;
}

void fs_cache_note(const struct fs_cached *cached, void *note)
{
	free(cached->note);
	entry_of(cached)->is.note = note;
}

/* Takes an entry out of the cache, and ends it. */
static void drop(struct fs_cache *cache, struct fs_cache_entry *entry)
{
	struct fs_cache_entry **at = &cache->buckets[entry->bucket];

	while (*at != entry)
		at = &(*at)->next;
	*at = entry->next;
	list_remove(&entry->use);
	cache->n_entries--;
	cache->n_bytes -= entry->is.info.size;
	free(entry->is.note);
	free(entry);
}

void fs_cache_fini(struct fs_cache *cache)
{
	while (cache->n_entries)
		drop(cache, list_first(&cache->by_use, struct fs_cache_entry, use));
	free(cache->buckets);
	cache->buckets = NULL;
}

static size_t bucket_of(const struct fs_cache *cache, const char *path)
{
	return hash_below(hash_span(HASH_START, span_str(path)), cache->limits.max_entries);
}

static struct fs_cache_entry *find(
	const struct fs_cache *cache, size_t bucket, const char *path)
{
	struct fs_cache_entry *entry = cache->buckets[bucket];

	while (entry && strcmp(entry->path, path) != 0)
		entry = entry->next;
	return entry;
}

static bool is_unchanged(const struct fs_info *then, const struct fs_info *now)
{
	return now->type == FS_FILE && now->inode == then->inode && now->dev == then->dev
	       && now->mount == then->mount && now->size == then->size
	       && now->mtime_ns == then->mtime_ns && now->ctime_ns == then->ctime_ns;
}

static struct fs_info look(const struct fs_root *root, const char *path)
{
	struct statx st;

	/* A type that no file has stands for what cannot be looked at. */
	if (file_stat(root->fd, path, &st) < 0)
		return (struct fs_info){.type = FS_OTHER};
	return fs_info_of(&st);
}

/* Whether the path, gone the whole way, leads to this entry without a link. */
static bool resolves_to(
	const struct fs_root *root, const char *path, const struct fs_cache_entry *entry)
{
	struct fs_file file = FS_FILE_NONE;

	enum fs_result result = fs_open(root, path, &file);
	fd_close(&file.fd);
	return result == FS_OK && !file.by_link
	       && is_unchanged(&entry->is.info, &file.info);
}

const struct fs_cached *fs_cache_get(struct fs_cache *cache, const struct fs_root *root,
	const char *path, uint64_t now_ns)
{
	struct fs_cache_entry *entry = find(cache, bucket_of(cache, path), path);
	if (!entry)
		return NULL;

	struct fs_info now = look(root, path);
	bool good = is_unchanged(&entry->is.info, &now);
	if (good && now_ns - entry->resolved_ns >= FS_CACHE_TRUST_NS) {
		good = resolves_to(root, path, entry);
		entry->resolved_ns = now_ns;
	}
	if (!good) {
		drop(cache, entry);
		return NULL;
	}
	list_remove(&entry->use);
	list_append(&cache->by_use, &entry->use);
	return &entry->is;
}

static bool may_take(const struct fs_cache *cache, const struct fs_file *file)
{
	return !file->by_link && file->info.size <= cache->limits.max_file_bytes
	       && file->info.size <= cache->limits.max_bytes;
}

/* Reads the file into a new entry. NULL where it changes meanwhile, or did a moment ago. */
static struct fs_cache_entry *read_entry(const struct fs_root *root, const char *path,
	const struct fs_file *file, int64_t min_age_ns)
{
	size_t size = file->info.size, path_size = strlen(path) + 1;
	struct fs_info after;

	struct fs_cache_entry *entry = malloc(sizeof(*entry) + size + path_size);
	if (!entry)
		return NULL;
	entry->is = (struct fs_cached){.info = file->info, .bytes = entry->room};
	entry->path = entry->room + size;
	memcpy(entry->path, path, path_size);

	/* The clock before the last look: whatever is written after it is stamped no
	 * earlier. */
	ssize_t n = file_read_at(file->fd, entry->room, size, 0);
	fs_digests_read(root, file->fd, &file->info, &entry->is.digests);
	int64_t clock_ns = file_clock_ns();
	if (n != (ssize_t)size || fs_stat_fd(root, file->fd, &after) != FS_OK
		|| !is_unchanged(&file->info, &after)
		|| clock_ns - after.ctime_ns < min_age_ns) {
		free(entry);
		return NULL;
	}
	return entry;
}

static void make_room(struct fs_cache *cache, size_t bytes)
{
	while (cache->n_entries == cache->limits.max_entries
		|| cache->n_bytes + bytes > cache->limits.max_bytes)
		drop(cache, list_first(&cache->by_use, struct fs_cache_entry, use));
}

const struct fs_cached *fs_cache_add(struct fs_cache *cache, const struct fs_root *root,
	const char *path, const struct fs_file *file, uint64_t now_ns)
{
	if (!may_take(cache, file))
		return NULL;
	int64_t min_age_ns =
		cache->limits.min_age_ns + (root->can.coarse_clock ? COARSE_TICK_NS : 0);
	struct fs_cache_entry *entry = read_entry(root, path, file, min_age_ns);
	if (!entry)
		return NULL;

	size_t bucket = bucket_of(cache, path);
	struct fs_cache_entry *old = find(cache, bucket, path);
	if (old)
		drop(cache, old);
	make_room(cache, entry->is.info.size);

	entry->bucket = bucket;
	entry->resolved_ns = now_ns;
	entry->next = cache->buckets[bucket];
	cache->buckets[bucket] = entry;
	list_append(&cache->by_use, &entry->use);
	cache->n_entries++;
	cache->n_bytes += entry->is.info.size;
	return &entry->is;
}
