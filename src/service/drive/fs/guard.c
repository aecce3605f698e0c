/* SPDX-License-Identifier: MIT */

#include "service/drive/fs/guard.h"

#include "base/hash.h"
#include "os/latch.h"

#define ROOT_BYTE 0

/*
 * By the directory's inode and the name. Letters count without their case,
 * because where "A" is "a" both must be one lock; elsewhere they merely share
 * it, as any two names may.
 */
static uint64_t byte_of(const struct fs_place *place)
{
	uint64_t hash = hash_span(
		HASH_START, span_of((const char *)&place->inode, sizeof(place->inode)));

	for (const char *at = place->name; *at; at++) {
		unsigned char c = (unsigned char)*at;
		hash = hash_byte(hash, c >= 'A' && c <= 'Z' ? c | 0x20 : c);
	}
	return hash >> 1; /* offsets have a sign */
}

static enum fs_result lock(
	struct fs_guard *guard, const struct fs_root *root, uint64_t byte, bool alone)
{
	enum fs_result result = fs_result_of(latch_lock_byte(root->names, byte, alone));

	if (result == FS_OK) {
		guard->names = root->names;
		guard->byte = byte;
	}
	return result;
}

static enum fs_result look(
	struct fs_guard *guard, const struct fs_root *root, const struct fs_place *place)
{
	enum fs_result result = fs_stat_at(root, place->dir, place->name, &guard->now);

	guard->exists = result == FS_OK;
	return result == FS_NOT_FOUND ? FS_OK : result;
}

/* A condition speaks of what a GET of the name would show: through a link, if it can be
 * followed. */
static bool still_holds(const struct fs_guard *guard, const struct fs_root *root,
	const struct fs_place *place, const struct fs_condition *condition)
{
	struct fs_info target;

	if (!guard->exists)
		return condition->holds(condition->ctx, NULL);
	if (guard->now.type != FS_LINK)
		return condition->holds(condition->ctx, &guard->now);
	if (fs_stat(root, place->path, &target) == FS_OK)
		return condition->holds(condition->ctx, &target);
	return condition->holds(condition->ctx, NULL);
}

static enum fs_result check(const struct fs_guard *guard, const struct fs_root *root,
	const struct fs_place *place, const struct fs_condition *condition)
{
	switch (condition->kind) {
	case FS_IF_ANY: return FS_OK;
	case FS_IF_ABSENT: return guard->exists ? FS_EXISTS : FS_OK;
	case FS_IF_PRESENT: return guard->exists ? FS_OK : FS_CHANGED;
	case FS_IF_HOLDS:
		return still_holds(guard, root, place, condition) ? FS_OK : FS_CHANGED;
	}
	__builtin_unreachable();
}

/* *@asks says whether the fence must be asked when the names are locked. */
static enum fs_result enter_fence(
	struct fs_guard *guard, const struct fs_fence *fence, bool *asks)
{
	*asks = false;
	if (!fence)
		return FS_OK;

	enum fs_result result = fence->enter(fence->ctx, asks);
	if (result == FS_OK)
		guard->fence = fence;
	return result;
}

static enum fs_result ask_fence(const struct fs_guard *guard, bool asks)
{
	return asks ? guard->fence->allows(guard->fence->ctx) : FS_OK;
}

enum fs_result fs_guard_enter(struct fs_guard *out, const struct fs_root *root,
	const struct fs_place *place, const struct fs_condition *condition)
{
	AUTO_GUARD guard = FS_GUARD_NONE;
	bool asks;

	guard.by = condition->by;
	guard.for_good = condition->for_good;
	enum fs_result result = enter_fence(&guard, condition->fence, &asks);
	if (result == FS_OK)
		result = lock(
			&guard, root, byte_of(place), asks || condition->kind != FS_IF_ANY);
	if (result == FS_OK)
		result = look(&guard, root, place);
	if (result == FS_OK)
		result = ask_fence(&guard, asks);
	if (result == FS_OK)
		result = check(&guard, root, place, condition);
	if (result == FS_OK) {
		*out = guard;
		guard = FS_GUARD_NONE;
	}
	return result;
}

/* The lower number first, everywhere; where both are one, @a holds it for both. */
static enum fs_result lock_both(const struct fs_root *root, struct fs_guard *a,
	struct fs_guard *b, const struct fs_place *place_a, const struct fs_place *place_b,
	bool a_alone, bool b_alone)
{
	uint64_t byte_a = byte_of(place_a), byte_b = byte_of(place_b);
	enum fs_result result = FS_OK;

	if (byte_b < byte_a)
		result = lock(b, root, byte_b, b_alone);
	if (result == FS_OK)
		result = lock(a, root, byte_a, a_alone);
	if (result == FS_OK && byte_b > byte_a)
		result = lock(b, root, byte_b, b_alone);
	return result;
}

enum fs_result fs_guard_enter_two(struct fs_guard *a, struct fs_guard *b,
	const struct fs_root *root, const struct fs_place *place_a,
	const struct fs_place *place_b, const struct fs_condition *condition)
{
	AUTO_GUARD first = FS_GUARD_NONE;
	AUTO_GUARD second = FS_GUARD_NONE;
	bool asks;

	first.by = second.by = condition->by;
	first.for_good = second.for_good = condition->for_good;
	enum fs_result result = enter_fence(&first, condition->fence, &asks);
	if (result == FS_OK)
		result = lock_both(root, &first, &second, place_a, place_b,
			asks || condition->kind != FS_IF_ANY, asks);
	if (result == FS_OK)
		result = look(&first, root, place_a);
	if (result == FS_OK)
		result = look(&second, root, place_b);
	if (result == FS_OK)
		result = ask_fence(&first, asks);
	if (result == FS_OK)
		result = check(&first, root, place_a, condition);
	if (result == FS_OK) {
		*a = first;
		*b = second;
		first = second = FS_GUARD_NONE;
	}
	return result;
}

enum fs_result fs_guard_enter_root(struct fs_guard *out, const struct fs_root *root,
	const struct fs_condition *condition)
{
	AUTO_GUARD guard = FS_GUARD_NONE;
	bool asks;

	enum fs_result result = enter_fence(&guard, condition->fence, &asks);
	if (result == FS_OK)
		result = lock(&guard, root, ROOT_BYTE, true);
	if (result == FS_OK)
		result = ask_fence(&guard, asks);
	if (result == FS_OK) {
		*out = guard;
		guard = FS_GUARD_NONE;
	}
	return result;
}

void fs_guard_leave(struct fs_guard *guard)
{
	if (guard->names)
		latch_unlock_byte(guard->names, guard->byte);
	guard->names = NULL;
	if (guard->fence)
		guard->fence->leave(guard->fence->ctx);
	guard->fence = NULL;
}
