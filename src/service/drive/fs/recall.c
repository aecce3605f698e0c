/* SPDX-License-Identifier: MIT */

#include "service/drive/fs/recall.h"

#include "base/util.h"
#include "os/file.h"

#include <assert.h>
#include <stdlib.h>

/* What is larger is read every time. Three kinds of digests, and a few short properties. */
#define DIGESTS_MOST 72u
#define PROPS_MOST   156u

#define WAYS 8u /* places that one file may have */

/* On a clock without fractions of a second, the longest tick, FAT's. */
#define COARSE_TICK_NS (2 * (int64_t)NS_PER_SEC)

struct fs_recall_slot {
	uint64_t inode, dev; /* inode 0: nobody's */
	int64_t ctime_ns;
	bool knows_digests, knows_props;
	uint8_t n_digests, n_props;
	char digests[DIGESTS_MOST];
	char props[PROPS_MOST];
};
static_assert(
	sizeof(struct fs_recall_slot) == 256, "whole cache lines, no more than needed");

enum fs_result fs_recall_init(struct fs_recall *recall, size_t bytes, int64_t min_age_ns)
{
	*recall = (struct fs_recall){
		.n_slots = bytes / sizeof(struct fs_recall_slot), .min_age_ns = min_age_ns};
	if (recall->n_slots == 0)
		return FS_OK;
	recall->slots = calloc(recall->n_slots, sizeof(*recall->slots));
	return recall->slots ? FS_OK : FS_NO_MEMORY;
}

void fs_recall_fini(struct fs_recall *recall)
{
	free(recall->slots);
	recall->slots = NULL;
	recall->n_slots = 0;
}

/* The places that a file may have. */
struct row {
	struct fs_recall_slot *slots;
	size_t n;
};

/* File systems give out numbers in steps, of one or of a hundred, in a few ranges far apart:
 * multiplied twice, they lie as if thrown. */
static uint64_t scatter(uint64_t number)
{
	number *= 0x9E3779B97F4A7C15ull; /* the golden section of 2^64 */
	return (number ^ number >> 32) * 0x9E3779B97F4A7C15ull;
}

static struct row row_of(const struct fs_recall *recall, const struct fs_info *info)
{
	uint64_t hash = scatter(info->inode ^ info->dev);
	size_t n = MIN(recall->n_slots, WAYS);
	size_t first = (size_t)((hash >> 32) * (recall->n_slots - n + 1) >> 32);

	return (struct row){.slots = recall->slots + first, .n = n};
}

static bool is_of(const struct fs_recall_slot *slot, const struct fs_info *info)
{
	return slot->inode == info->inode && slot->dev == info->dev
	       && slot->ctime_ns == info->ctime_ns;
}

/* Where the file is remembered, as it is or as it was; NULL if nowhere. */
static struct fs_recall_slot *find(const struct row *row, const struct fs_info *info)
{
	for (size_t i = 0; i < row->n; i++)
		if (row->slots[i].inode == info->inode && row->slots[i].dev == info->dev)
			return &row->slots[i];
	return NULL;
}

/* What is known of the file as it is; NULL if nothing is. */
static const struct fs_recall_slot *known(
	const struct fs_recall *recall, const struct fs_info *info)
{
	const struct row row = row_of(recall, info);
	const struct fs_recall_slot *slot = find(&row, info);

	return slot && is_of(slot, info) ? slot : NULL;
}

/* A place for a file that has none. Where all are taken, each gives way in turn: so what
 * nobody asks for any more is gone after a few listings, whatever their order. */
static struct fs_recall_slot *vacate(struct fs_recall *recall, const struct row *row)
{
	for (size_t i = 0; i < row->n; i++)
		if (row->slots[i].inode == 0)
			return &row->slots[i];
	return &row->slots[recall->n_displaced++ % row->n];
}

/* The place to keep what has just been read of @info; NULL where it may not be kept. */
static struct fs_recall_slot *claim(
	struct fs_recall *recall, const struct fs_root *root, const struct fs_info *info)
{
	const struct row row = row_of(recall, info);
	int64_t min_age_ns =
		recall->min_age_ns + (root->can.coarse_clock ? COARSE_TICK_NS : 0);

	if (row.n == 0 || file_clock_ns() - info->ctime_ns < min_age_ns)
		return NULL;
	struct fs_recall_slot *slot = find(&row, info);
	if (!slot)
		slot = vacate(recall, &row);
	if (is_of(slot, info))
		return slot;
	slot->inode = info->inode;
	slot->dev = info->dev;
	slot->ctime_ns = info->ctime_ns;
	slot->knows_digests = slot->knows_props = false;
	return slot;
}

void fs_recall_digests(struct fs_recall *recall, const struct fs_root *root, int dir,
	const char *name, const struct fs_info *info, struct fs_digests *out)
{
	const struct fs_recall_slot *before = known(recall, info);
	struct fs_recall_slot *slot;

	if (before && before->knows_digests) {
		out->n = before->n_digests;
		memcpy(out->bytes, before->digests, out->n);
		return;
	}
	if (!fs_digests_read_at(root, dir, name, info, out) || out->n > DIGESTS_MOST
		|| !(slot = claim(recall, root, info)))
		return;
	slot->knows_digests = true;
	slot->n_digests = (uint8_t)out->n;
	memcpy(slot->digests, out->bytes, out->n);
}

enum fs_result fs_recall_props(struct fs_recall *recall, const struct fs_root *root,
	int dir, const char *name, const struct fs_info *info, struct buf *out)
{
	const struct fs_recall_slot *before = known(recall, info);
	struct fs_recall_slot *slot;
	bool is_alone;

	if (before && before->knows_props) {
		buf_clear(out);
		buf_put(out, before->props, before->n_props);
		return out->failed ? FS_NO_MEMORY : FS_OK;
	}
	enum fs_result result = fs_props_read_at(root, dir, name, info, out, &is_alone);
	if (result != FS_OK || !is_alone || out->n > PROPS_MOST
		|| !(slot = claim(recall, root, info)))
		return result;
	slot->knows_props = true;
	slot->n_props = (uint8_t)out->n;
	memcpy(slot->props, out->p, out->n);
	return FS_OK;
}
