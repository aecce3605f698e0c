/* SPDX-License-Identifier: MIT */

#include "service/drive/fs/guard.h"

#include "base/hash.h"
#include "os/fd.h"
#include "os/file.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>

#define N_LOCKS 256u

/*
 * By the directory's inode and the name. Letters count without their case,
 * because where "A" is "a" both must be one lock; elsewhere they merely share
 * it, as any two names may.
 */
static unsigned lock_of(const struct fs_place *place)
{
	uint64_t hash = hash_span(
		HASH_START, span_of((const char *)&place->inode, sizeof(place->inode)));

	for (const char *at = place->name; *at; at++) {
		unsigned char c = (unsigned char)*at;
		hash = hash_byte(hash, c >= 'A' && c <= 'Z' ? c | 0x20 : c);
	}
	return (unsigned)hash_below(hash, N_LOCKS);
}

static enum fs_result lock(const struct fs_root *root, unsigned which, bool alone, int *out)
{
	char name[8];

	(void)snprintf(name, sizeof(name), "%02x", which);
	AUTO_CLOSE int fd =
		file_open(root->locks, name, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
	enum fs_result result =
		fs_result_of(fd < 0 ? fd : file_lock(fd, alone ? LOCK_EX : LOCK_SH));
	if (result == FS_OK)
		*out = fd_take(&fd);
	return result;
}

static bool needs_it_alone(const struct fs_condition *condition)
{
	/* FS_IF_ABSENT does not: link(2) has exactly one winner by itself. */
	return condition->kind == FS_IF_PRESENT || condition->kind == FS_IF_HOLDS;
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

	enum fs_result result = enter_fence(&guard, condition->fence, &asks);
	if (result == FS_OK)
		result = lock(root, lock_of(place), asks || needs_it_alone(condition),
			&guard.lock);
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

/* The lower number first, everywhere; where both are one lock, @a's descriptor holds it for
 * both. */
static enum fs_result lock_both(const struct fs_root *root, unsigned a, unsigned b,
	bool a_alone, bool b_alone, int *a_fd, int *b_fd)
{
	enum fs_result result = FS_OK;

	if (b < a)
		result = lock(root, b, b_alone, b_fd);
	if (result == FS_OK)
		result = lock(root, a, a_alone, a_fd);
	if (result == FS_OK && b > a)
		result = lock(root, b, b_alone, b_fd);
	return result;
}

enum fs_result fs_guard_enter_two(struct fs_guard *a, struct fs_guard *b,
	const struct fs_root *root, const struct fs_place *place_a,
	const struct fs_place *place_b, const struct fs_condition *condition)
{
	AUTO_GUARD first = FS_GUARD_NONE;
	AUTO_GUARD second = FS_GUARD_NONE;
	bool asks;

	enum fs_result result = enter_fence(&first, condition->fence, &asks);
	if (result == FS_OK)
		result = lock_both(root, lock_of(place_a), lock_of(place_b),
			asks || needs_it_alone(condition), asks, &first.lock, &second.lock);
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

void fs_guard_leave(struct fs_guard *guard)
{
	fd_close(&guard->lock);
	if (guard->fence)
		guard->fence->leave(guard->fence->ctx);
	guard->fence = NULL;
}
