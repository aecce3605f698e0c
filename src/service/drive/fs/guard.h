/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * guard - the moment between the last look at a name and its change.
 *
 * A name that is to change is locked (as the byte of .prefork/locks/names that its
 * hash says, so that other servers on the same folder see it too): by who
 * has a condition alone, by who has none together with others like him. So no
 * writer of ours comes between a condition's last check and the rename it
 * allowed. Held for milliseconds. Other programs do not lock, and may.
 */

#include "service/drive/fs/place.h"
#include "service/drive/fs/stat.h"

enum fs_if {
	FS_IF_ANY,     /* no condition */
	FS_IF_ABSENT,  /* nothing has the name */
	FS_IF_PRESENT, /* something has it */
	FS_IF_HOLDS,   /* ask `holds` */
};

/*
 * A lock of the caller's own that names change under. It is taken before the
 * names' locks, everywhere, so that nobody waits for it while he holds one of
 * those; and let go as soon as the names have changed.
 */
struct fs_fence {
	/* FS_OK, with *@asks saying whether `allows` is to be asked when the names are
	 * locked, by us alone; else why not, and nothing is to be left. */
	enum fs_result (*enter)(void *ctx, bool *asks);
	/* FS_OK; FS_LOCKED or FS_CHANGED. */
	enum fs_result (*allows)(void *ctx);
	void (*leave)(void *ctx);
	void *ctx;
};

struct fs_condition {
	enum fs_if kind;
	/* @now is NULL where nothing has the name. It may be asked more than once. */
	bool (*holds)(void *ctx, const struct fs_info *now);
	void *ctx;
	const struct fs_fence *fence; /* may be NULL */
	const char *by; /* borrowed: whose doing it is, for the trash; may be NULL */
	bool for_good;  /* what goes is not lost: the trash need not keep it */
};

#define FS_NO_CONDITION (&(const struct fs_condition){.kind = FS_IF_ANY})

struct fs_guard {
	struct latch *names;          /* borrowed; NULL where nothing is locked by this: */
	uint64_t byte;                /* of it */
	const struct fs_fence *fence; /* borrowed; entered, NULL where there is none */
	const char *by;               /* as the condition has it; and */
	bool for_good;
	bool insists;       /* nothing is to happen where only room to keep it is wanting */
	bool exists;        /* something has the name */
	struct fs_info now; /* what: a link itself, not what it leads to */
};

#define FS_GUARD_NONE ((struct fs_guard){.names = NULL})
#define AUTO_GUARD    [[gnu::cleanup(fs_guard_leave)]] struct fs_guard

/**
 * fs_guard_enter - lock the name @place, look at it, and check @condition.
 *
 * FS_OK with @out, to be left soon. Otherwise nothing is locked: FS_EXISTS
 * where FS_IF_ABSENT fails, FS_CHANGED where another condition does, FS_LOCKED
 * by the fence.
 */
[[nodiscard]] enum fs_result fs_guard_enter(struct fs_guard *out,
	const struct fs_root *root, const struct fs_place *place,
	const struct fs_condition *condition);

/**
 * fs_guard_enter_two - the same for two names, in an order that cannot deadlock.
 *
 * @condition is @a's, and so is its fence, which is left with @a; @b has none.
 */
[[nodiscard]] enum fs_result fs_guard_enter_two(struct fs_guard *a, struct fs_guard *b,
	const struct fs_root *root, const struct fs_place *place_a,
	const struct fs_place *place_b, const struct fs_condition *condition);

/* The same for the root itself, alone: it has no name, and nothing replaces it. */
[[nodiscard]] enum fs_result fs_guard_enter_root(struct fs_guard *out,
	const struct fs_root *root, const struct fs_condition *condition);

void fs_guard_leave(struct fs_guard *guard);
