/* SPDX-License-Identifier: MIT */

#include "service/drive/fs/recall.h"

#include "base/util.h"
#include "os/file.h"

#include <stdlib.h>

/* What is larger is read every time. Three kinds of digests, and a few short properties. */
#define DIGESTS_MOST 72u
#define PROPS_MOST   200u

/* On a clock without fractions of a second, the longest tick, FAT's. */
#define COARSE_TICK_NS (2 * (int64_t)NS_PER_SEC)

struct fs_recall_slot {
	uint64_t inode, dev; /* inode 0: nobody's */
	int64_t ctime_ns;
	bool knows_digests, knows_props;
	uint16_t n_digests, n_props;
	char digests[DIGESTS_MOST];
	char props[PROPS_MOST];
};

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

/* Files made one after another have numbers one after another: they take all places before
 * any takes another's. */
static struct fs_recall_slot *slot_of(
	const struct fs_recall *recall, const struct fs_info *info)
{
	return recall->n_slots ? &recall->slots[info->inode % recall->n_slots] : NULL;
}

static bool is_of(const struct fs_recall_slot *slot, const struct fs_info *info)
{
	return slot && slot->inode == info->inode && slot->dev == info->dev
	       && slot->ctime_ns == info->ctime_ns;
}

/* The place to keep what has just been read of @info; NULL where it may not be kept. */
static struct fs_recall_slot *claim(const struct fs_recall *recall,
	const struct fs_root *root, const struct fs_info *info)
{
	struct fs_recall_slot *slot = slot_of(recall, info);
	int64_t min_age_ns =
		recall->min_age_ns + (root->can.coarse_clock ? COARSE_TICK_NS : 0);

	if (!slot || file_clock_ns() - info->ctime_ns < min_age_ns)
		return NULL;
	if (!is_of(slot, info)) {
		slot->inode = info->inode;
		slot->dev = info->dev;
		slot->ctime_ns = info->ctime_ns;
		slot->knows_digests = slot->knows_props = false;
	}
	return slot;
}

void fs_recall_digests(struct fs_recall *recall, const struct fs_root *root, int dir,
	const char *name, const struct fs_info *info, struct fs_digests *out)
{
	struct fs_recall_slot *slot = slot_of(recall, info);

	if (is_of(slot, info) && slot->knows_digests) {
		out->n = slot->n_digests;
		memcpy(out->bytes, slot->digests, out->n);
		return;
	}
	if (!fs_digests_read_at(root, dir, name, info, out) || out->n > DIGESTS_MOST
		|| !(slot = claim(recall, root, info)))
		return;
	slot->knows_digests = true;
	slot->n_digests = (uint16_t)out->n;
	memcpy(slot->digests, out->bytes, out->n);
}

enum fs_result fs_recall_props(struct fs_recall *recall, const struct fs_root *root,
	int dir, const char *name, const struct fs_info *info, struct buf *out)
{
	struct fs_recall_slot *slot = slot_of(recall, info);
	bool is_alone;

	if (is_of(slot, info) && slot->knows_props) {
		buf_clear(out);
		buf_put(out, slot->props, slot->n_props);
		return out->failed ? FS_NO_MEMORY : FS_OK;
	}
	enum fs_result result = fs_props_read_at(root, dir, name, info, out, &is_alone);
	if (result != FS_OK || !is_alone || out->n > PROPS_MOST
		|| !(slot = claim(recall, root, info)))
		return result;
	slot->knows_props = true;
	slot->n_props = (uint16_t)out->n;
	memcpy(slot->props, out->p, out->n);
	return FS_OK;
}
