/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * permit - whether a request may change what it is about to change: the locks in its
 * way, whose tokens it must bring, and what its If field says (RFC 4918, 6 and 10.4).
 *
 *   permit_begin; permit_init, permit_add ..., permit_check early, and then `fence`
 *   around the change itself (fs/guard.h), which asks again; permit_fini
 *
 * Locks on what the change takes away go with it, under the same gate.
 */

#include "base/buf.h"
#include "service/drive/fs/guard.h"
#include "service/drive/lock/store.h"

#include <stdbool.h>

struct request;

enum permit_kind {
	PERMIT_WRITE, /* its contents or properties, or it is made; its folder only then */
	PERMIT_REPLACE, /* likewise, and all below it goes */
	PERMIT_REMOVE,  /* it goes, with all below it, from its folder */
};

struct permit_change {
	const char *path; /* borrowed */
	enum permit_kind kind;
	char name[FS_PATH_MAX]; /* of fs_resolve_name; "" until it is looked at */
	bool is_named;
	bool existed;
	uint64_t inode; /* of what was there */
};

struct permit {
	struct request *r;
	struct fs_fence fence;
	struct permit_change changes[2];
	unsigned n_changes;
	bool is_inside;     /* the gate: */
	bool is_alone;      /* in it */
	bool saw_lock;      /* some lock has to do with this */
	bool drops;         /* locks go with what is changed */
	struct buf blocked; /* owned; what stands in the way: paths, each with its NUL */
	bool blocks_below;  /* all of them are below what is to change */
};

#define AUTO_PERMIT [[gnu::cleanup(permit_fini)]] struct permit

/* Looks at the If field, of any method. False if it refuses the request, which is then
 * answered. */
[[nodiscard]] bool permit_begin(struct request *r);

/* @permit must not move until permit_fini. */
void permit_init(struct permit *permit, struct request *r);
void permit_fini(struct permit *permit);

/* @path is borrowed. At most two. */
void permit_add(struct permit *permit, const char *path, enum permit_kind kind);

/* FS_OK or FS_LOCKED, as things are now. */
[[nodiscard]] enum fs_result permit_check(struct permit *permit);

/* Answers an FS_LOCKED; any other result as answer_result does. */
void permit_answer(struct permit *permit, enum fs_result result);

/* Whether @lock is the requester's, and its token among those he submits. */
bool permit_opens(const struct request *r, const struct lock *lock);

/* Whether @now at @path is the empty file that LOCK made for who writes it now: to him
 * there is nothing yet. */
bool permit_placeholder(
	const struct request *r, const char *path, const struct fs_info *now);

/* Now, as ends of locks are told. */
int64_t permit_now_sec(const struct request *r);
