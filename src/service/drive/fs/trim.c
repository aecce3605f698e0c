/* SPDX-License-Identifier: MIT */

#include "service/drive/fs/trim.h"

#include "base/util.h"
#include "os/clock.h"
#include "os/file.h"
#include "service/drive/fs/release.h"
#include "service/drive/fs/trash_walk.h"

#include <stdlib.h>

enum {
	SPANS = 4096, /* of time, that a walk tells apart */
};

#define SPARE_BYTES \
	(16 * MIB) /* more than asked, so that the next who asks need not wait */

/* What is kept of one span of time. */
struct sum {
	uint64_t n, bytes;
};

struct fs_trim {
	const struct fs_root *root;
	struct fs_trim_limits limits;
	struct fs_trash_walk walk;
	bool is_walking;             /* walk is open, */
	bool has_version;            /* and has given this one, which is not dealt with: */
	struct fs_trashed version;   /* it */
	int64_t cut_ns;              /* in this walk what is older goes, and */
	int64_t from_ns;             /* the spans begin here (or before), and */
	uint64_t span_ns;            /* each is so long; */
	struct sum spans[SPANS + 1]; /* the last has all that is newer */
};

/* Begins spans that cover the time from @from_ns to @to_ns. */
static void set_spans(struct fs_trim *trim, int64_t from_ns, int64_t to_ns)
{
	trim->from_ns = from_ns;
	trim->span_ns = to_ns > from_ns ? (uint64_t)(to_ns - from_ns - 1) / SPANS + 1 : 1;
}

static int64_t span_begin(const struct fs_trim *trim, size_t i)
{
	uint64_t after_ns = trim->span_ns * i;

	return after_ns < (uint64_t)(INT64_MAX - trim->from_ns)
		       ? trim->from_ns + (int64_t)after_ns
		       : INT64_MAX;
}

static void count(struct fs_trim *trim, struct fs_trimmed *out)
{
	const struct fs_trashed *version = &trim->version;
	uint64_t after_ns = version->time_ns > trim->from_ns
				    ? (uint64_t)(version->time_ns - trim->from_ns)
				    : 0;
	struct sum *sum = &trim->spans[MIN(after_ns / trim->span_ns, SPANS)];

	sum->n++;
	sum->bytes += version->size;
	out->n_kept++;
	out->kept_bytes += version->size;
	out->oldest_ns = MIN(out->oldest_ns, version->time_ns);
}

/* Removes or counts the version that the walk has given. FS_CANCELLED; else FS_OK. */
static enum fs_result deal_with(
	struct fs_trim *trim, const struct fs_watch *watch, struct fs_trimmed *out)
{
	struct fs_trashed *version = &trim->version;

	if (version->time_ns >= trim->cut_ns) {
		if (!version->is_measured) /* what is not known counts as nothing */
			fs_trash_walk_measure(&trim->walk, version, watch);
		count(trim, out);
		return FS_OK;
	}
	enum fs_result result = fs_trash_walk_purge(&trim->walk, version, watch);
	if (result == FS_OK) {
		out->n_removed++;
		out->removed_bytes += version->size;
	} else if (result != FS_CANCELLED) {
		out->n_failed++;
	}
	return result == FS_CANCELLED ? result : FS_OK;
}

static enum fs_result begin_walk(struct fs_trim *trim, struct fs_trimmed *out)
{
	enum fs_result result = fs_trash_walk_open(&trim->walk, trim->root);

	if (result != FS_OK)
		return result;
	trim->is_walking = true;
	for (size_t i = 0; i <= SPANS; i++)
		trim->spans[i] = (struct sum){0};
	out->n_kept = out->kept_bytes = out->n_failed = 0;
	out->oldest_ns = INT64_MAX;
	return FS_OK;
}

/* Goes through all, once. */
static enum fs_result walk(
	struct fs_trim *trim, const struct fs_watch *watch, struct fs_trimmed *out)
{
	enum fs_result result = trim->is_walking ? FS_OK : begin_walk(trim, out);

	while (result == FS_OK) {
		if (!trim->has_version)
			result = fs_trash_walk_next(&trim->walk, &trim->version);
		if (result != FS_OK)
			break;
		trim->has_version = deal_with(trim, watch, out) == FS_CANCELLED;
		if (!fs_watch_goes_on(watch))
			return FS_CANCELLED;
	}
	if (trim->is_walking)
		fs_trash_walk_close(&trim->walk);
	trim->is_walking = false;
	return result == FS_END ? FS_OK : result;
}

/* How much of what was seen has to go still. */
static uint64_t excess(const struct fs_trim_limits *limits, const struct fs_trimmed *so_far)
{
	uint64_t over = so_far->kept_bytes > limits->most_bytes
				? so_far->kept_bytes - limits->most_bytes
				: 0;
	uint64_t lacking = so_far->removed_bytes < limits->free_bytes
				   ? limits->free_bytes - so_far->removed_bytes
				   : 0;

	if (so_far->removed_bytes + so_far->kept_bytes < limits->at_least_bytes)
		return 0;
	return MAX(over, lacking);
}

/*
 * Chooses what goes in the next walk: all spans that have to, and of the first that has to
 * in part, nothing yet. That span is the time which the next walk looks at more closely,
 * until one version is alone in its own.
 */
static void choose(struct fs_trim *trim, uint64_t bytes)
{
	size_t i = 0;

	for (uint64_t sum = 0; i <= SPANS; i++) {
		sum += trim->spans[i].bytes;
		if (sum >= bytes)
			break;
	}
	bool goes_whole = i < SPANS && (trim->spans[i].n == 1 || trim->span_ns == 1);
	if (i > SPANS) {
		trim->cut_ns = INT64_MAX;
	} else if (i == SPANS || goes_whole) {
		trim->cut_ns = span_begin(trim, goes_whole ? i + 1 : i);
		set_spans(trim, trim->cut_ns, INT64_MAX);
	} else {
		trim->cut_ns = span_begin(trim, i);
		set_spans(trim, trim->cut_ns, span_begin(trim, i + 1));
	}
}

struct fs_trim *fs_trim_new(const struct fs_root *root, const struct fs_trim_limits *limits)
{
	struct fs_trim *trim = malloc(sizeof(*trim));

	if (!trim)
		return NULL;
	trim->root = root;
	trim->limits = *limits;
	trim->is_walking = trim->has_version = false;
	trim->cut_ns = limits->before_ns;
	set_spans(trim, MAX(limits->before_ns, 0), (int64_t)clock_wall_ns());
	return trim;
}

void fs_trim_free(struct fs_trim *trim)
{
	if (trim && trim->is_walking)
		fs_trash_walk_close(&trim->walk);
	free(trim);
}

enum fs_result fs_trim_go(
	struct fs_trim *trim, const struct fs_watch *watch, struct fs_trimmed *out)
{
	for (;;) {
		enum fs_result result = walk(trim, watch, out);
		if (result != FS_OK)
			return result == FS_NOT_FOUND ? FS_OK : result;
		uint64_t bytes = excess(&trim->limits, out);
		if (bytes == 0 || out->n_kept == 0 || trim->cut_ns == INT64_MAX)
			return FS_OK;
		choose(trim, bytes);
	}
}

enum fs_result fs_trim(const struct fs_root *root, const struct fs_trim_limits *limits,
	const struct fs_watch *watch, struct fs_trimmed *out)
{
	struct fs_trim *trim = fs_trim_new(root, limits);

	*out = (struct fs_trimmed){0};
	if (!trim)
		return FS_NO_MEMORY;
	enum fs_result result = fs_trim_go(trim, watch, out);
	fs_trim_free(trim);
	return result;
}

bool fs_trim_for(const struct fs_root *root, int fd, uint64_t bytes)
{
	struct fs_trim_limits limits = {.most_bytes = UINT64_MAX};
	const struct fs_watch watch = fs_root_own_watch(root);
	struct fs_trimmed trimmed;
	struct file_space space;
	struct statx st;

	bool waited = fs_release_wait(root);

	/* What is on another disk would be given up for nothing. */
	if (root->trash < 0 || file_stat(fd, "", &st) < 0 || file_device(&st) != root->dev
		|| file_space(fd, &space) < 0)
		return waited;
	if (waited && space.available_bytes >= bytes)
		return true;
	/* With a quota there is room, and not for us. */
	limits.at_least_bytes =
		space.available_bytes < bytes ? bytes - space.available_bytes : 0;
	limits.free_bytes =
		MAX(limits.at_least_bytes, MIN(bytes, SPARE_BYTES)) + SPARE_BYTES;
	if (fs_trim(root, &limits, &watch, &trimmed) != FS_OK || trimmed.n_removed == 0)
		return waited;
	(void)fs_release_wait(root);
	return true;
}

void fs_trim_to_keep(const struct fs_root *root)
{
	(void)!fs_trim_for(root, root->trash, 1); /* else it is lost, which is told */
}
