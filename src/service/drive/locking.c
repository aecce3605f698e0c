/* SPDX-License-Identifier: MIT */

#include "service/drive/locking.h"

#include "base/util.h"
#include "core/worker.h"
#include "dav/activelock.h"
#include "dav/headers.h"
#include "dav/lockinfo.h"
#include "dav/multistatus.h"
#include "http/resp.h"
#include "os/fd.h"
#include "service/drive/answer.h"
#include "service/drive/drive.h"
#include "service/drive/fs/make.h"
#include "service/drive/fs/remove.h"
#include "service/drive/lockview.h"
#include "service/drive/permit.h"
#include "service/drive/request.h"
#include "service/drive/where.h"

#include <assert.h>

struct locking {
	struct lockinfo info;
	bool is_deep;
	uint32_t granted_sec;
};

static void locking_fini(void *task)
{
	struct locking *locking = task;
	lockinfo_fini(&locking->info);
}

/* -- what a new lock would contradict -- */

struct conflict {
	bool is_shared; /* the new one is */
	bool found;
	char path[FS_PATH_MAX]; /* what the other was taken on */
};

static bool look_for_conflict(void *ctx, const struct lock_found *found)
{
	struct conflict *conflict = ctx;

	if (conflict->is_shared && found->lock->is_shared)
		return true;
	conflict->found = true;
	memcpy(conflict->path, found->path.p, found->path.n);
	conflict->path[found->path.n] = '\0';
	return false;
}

static void answer_conflict(struct request *r, const struct conflict *conflict)
{
	AUTO_BUF url = BUF_INIT(3 * FS_PATH_MAX);

	where_url(&url, conflict->path);
	answer_condition(r, 423, "no-conflicting-lock", buf_span(&url));
}

/* One below a deep lock that is asked for: it, and what depends on it (RFC 4918, 9.10.9). */
static void answer_member(struct request *r, const struct conflict *conflict)
{
	AUTO_BUF body = BUF_INIT(DRIVE_OUT_MAX);
	AUTO_BUF folder = BUF_INIT(3 * FS_PATH_MAX);

	multistatus_begin(&body, 0);
	struct multistatus_href href = where_href(&folder, conflict->path, false);
	multistatus_status(&body, &href, 423);
	href = where_href(&folder, r->path, true);
	multistatus_status(&body, &href, 424);
	multistatus_end(&body);
	answer_multistatus(r, &body);
}

/* Whether @name can be locked as is asked; if not the request is answered. */
static bool is_free(struct request *r, const char *name)
{
	const struct locking *locking = r->task;
	const struct lock_store *store = &r->drive->locks;
	struct conflict conflict = {.is_shared = locking->info.is_shared};

	enum fs_result result = lock_store_covering(
		store, name, permit_now_sec(r), look_for_conflict, &conflict);
	if (result == FS_OK && conflict.found) {
		answer_conflict(r, &conflict);
		return false;
	}
	if (result == FS_OK && locking->is_deep)
		result = lock_store_below(
			store, name, permit_now_sec(r), look_for_conflict, &conflict);
	if (result != FS_OK)
		answer_result(r, result);
	else if (conflict.found)
		answer_member(r, &conflict);
	return result == FS_OK && !conflict.found;
}

/* -- LOCK -- */

static void answer_lock(struct request *r, unsigned status, const struct lock *made)
{
	AUTO_BUF body = BUF_INIT(2 * DRIVE_OUT_MAX);
	struct lockview view;

	lockview_init(&view, r);
	activelock_answer(&body, lockview_of(&view, r->path));
	lockview_fini(&view);
	struct buf *head = answer_begin(r, status);
	if (made) {
		buf_put_str(head, "Lock-Token: <");
		buf_put_span(head, lock_token(made));
		buf_put_str(head, ">\r\n");
	}
	http_resp_field(head, SPAN("Content-Type"), SPAN(MULTISTATUS_TYPE));
	answer_memory(r, buf_span(&body));
}

/* Makes the empty file that a lock on a name without anything needs. False if the request
 * is answered. */
static bool make_resource(struct request *r, struct fs_info *out)
{
	AUTO_PERMIT permit;

	permit_init(&permit, r);
	permit_add(&permit, r->path, PERMIT_WRITE);
	enum fs_result result = permit_check(&permit);
	if (result == FS_OK)
		result = fs_make_file(&r->drive->root, r->path, out);
	if (result == FS_EXISTS) /* another program was faster */
		result = fs_stat(&r->drive->root, r->path, out);
	if (result != FS_OK)
		permit_answer(&permit, result);
	return result == FS_OK;
}

static enum fs_result find(const struct request *r, struct fs_info *out)
{
	enum fs_result result = fs_stat(&r->drive->root, r->path, out);

	return result == FS_OK && out->type != FS_DIRECTORY && r->is_slashed
		       ? FS_NOT_DIRECTORY
		       : result;
}

/* Alone at the gate. */
static void take_lock(struct request *r, const char *name)
{
	const struct locking *locking = r->task;
	const struct lock_store *store = &r->drive->locks;
	struct fs_info info;
	struct lock lock = {
		.is_shared = locking->info.is_shared,
		.is_deep = locking->is_deep,
		.ends_sec = permit_now_sec(r) + locking->granted_sec,
		.granted_sec = locking->granted_sec,
		.user = span_str(r->user),
		.owner = buf_span(&locking->info.owner),
	};

	if (!is_free(r, name))
		return;
	enum fs_result found = find(r, &info);
	bool makes = found == FS_NOT_FOUND && !r->is_slashed;
	if (!makes && found != FS_OK)
		return answer_result(r, found);
	if (makes && !make_resource(r, &info))
		return;
	lock.made_inode = makes ? info.inode : 0;
	lock_new_token(lock.token);
	enum fs_result result = lock_store_put(store, name, &lock, permit_now_sec(r));
	if (result == FS_OK)
		return answer_lock(r, makes ? 201 : 200, &lock);
	if (makes) /* or an empty file stays, as it may after any lock */
		(void)!fs_remove(&r->drive->root, r->path, FS_NO_CONDITION, FS_NO_WATCH);
	answer_result(r, result);
}

/* -- refreshing -- */

/* A lock that the requester may use, found on the way to a path. */
struct search {
	const struct request *r;
	struct span token; /* SPAN_NONE: one that he submits */
	bool found;
	struct lock lock; /* its spans are in `bytes` */
	struct buf bytes;
	char path[FS_PATH_MAX]; /* what it was taken on */
};

static bool look_for_token(void *ctx, const struct lock_found *found)
{
	struct search *search = ctx;

	if (search->token.p ? !span_eq(search->token, lock_token(found->lock))
			    : !permit_opens(search->r, found->lock))
		return true;
	search->lock = *found->lock;
	buf_put_span(&search->bytes, found->lock->user);
	buf_put_span(&search->bytes, found->lock->owner);
	search->lock.user = span_of(search->bytes.p, found->lock->user.n);
	search->lock.owner =
		span_of(search->bytes.p + found->lock->user.n, found->lock->owner.n);
	memcpy(search->path, found->path.p, found->path.n);
	search->path[found->path.n] = '\0';
	search->found = true;
	return false;
}

static enum fs_result search_lock(struct search *search, const char *name)
{
	return lock_store_covering(&search->r->drive->locks, name,
		permit_now_sec(search->r), look_for_token, search);
}

/* Alone at the gate. */
static void refresh_lock(struct request *r, const char *name)
{
	const struct locking *locking = r->task;
	struct search search = {.r = r, .bytes = BUF_INIT(LOCK_USER_MAX + LOCK_OWNER_MAX)};

	enum fs_result result = search_lock(&search, name);
	if (result == FS_OK && search.found) {
		search.lock.granted_sec = locking->granted_sec;
		search.lock.ends_sec = permit_now_sec(r) + locking->granted_sec;
		result = lock_store_put(
			&r->drive->locks, search.path, &search.lock, permit_now_sec(r));
	}
	buf_fini(&search.bytes);
	if (result != FS_OK)
		answer_result(r, result);
	else if (!search.found)
		answer_result(r, FS_CHANGED);
	else
		answer_lock(r, 200, NULL);
}

/* -- both -- */

static void tend(struct request *r)
{
	struct worker *worker = r->conn->worker;

	if (!lock_store_is_due(&r->drive->locks, permit_now_sec(r)))
		return;
	worker_blocking(worker);
	/* What cannot be tidied now can be in an hour. */
	(void)!lock_store_tend(&r->drive->locks, permit_now_sec(r));
	worker_unblocked(worker);
}

/* Does @change with the gate closed behind us, to the path without links. */
static void alone(struct request *r, void (*change)(struct request *r, const char *name))
{
	char name[FS_PATH_MAX];

	conn_begun(r->conn);
	enum fs_result result = lock_store_enter(&r->drive->locks, true);
	if (result != FS_OK)
		return answer_result(r, result);
	result = fs_resolve_name(&r->drive->root, r->path, name);
	if (result == FS_OK) {
		tend(r);
		change(r, name);
	} else {
		answer_result(r, result == FS_NOT_FOUND ? FS_NO_PARENT : result);
	}
	lock_store_leave(&r->drive->locks);
}

static void locking_take(struct request *r, struct span piece)
{
	struct locking *locking = r->task;

	(void)answer_parsed(r, lockinfo_feed(&locking->info, piece), "lockinfo");
}

static void locking_end(struct request *r)
{
	struct locking *locking = r->task;

	int result = lockinfo_end(&locking->info);
	if (result == XML_OK)
		return alone(r, take_lock);
	if (result != XML_EMPTY && !answer_parsed(r, result, "lockinfo"))
		return;
	if (!request_field(r, HTTP_H_IF).p)
		return answer_sentence(
			r, 400, "a LOCK has a body, or refreshes what the If field names");
	alone(r, refresh_lock);
}

/* False if the request is answered. */
static bool read_fields(struct request *r, struct locking *locking)
{
	struct span depth_field = request_field(r, HTTP_H_DEPTH);
	struct span timeout = request_field(r, HTTP_H_TIMEOUT);
	enum depth depth = DEPTH_INFINITY;
	uint32_t asked_sec = LOCKING_MOST_SEC;

	if ((depth_field.p && !headers_depth(depth_field, &depth)) || depth == DEPTH_1) {
		answer_sentence(r, 400, "a lock has a Depth of 0 or infinity");
		return false;
	}
	/* What cannot be read asks for nothing: the server chooses anyway. */
	if (timeout.p && !headers_timeout(timeout, &asked_sec))
		asked_sec = LOCKING_MOST_SEC;
	locking->is_deep = depth == DEPTH_INFINITY;
	locking->granted_sec = MAX(MIN(asked_sec, LOCKING_MOST_SEC), 1);
	return true;
}

void locking_lock(struct request *r)
{
	static const struct task_ops ops = {
		.take = locking_take, .end = locking_end, .fini = locking_fini};

	static_assert(LOCKINFO_MAX_OWNER_BYTES <= LOCK_OWNER_MAX);
	static_assert(USERS_NAME_MAX <= LOCK_USER_MAX);
	struct locking *locking = request_task(r, sizeof(*locking));
	if (!locking || !read_fields(r, locking))
		return;
	lockinfo_init(&locking->info);
	request_read_body(r, &ops);
}

/* Alone at the gate. */
static void release_lock(struct request *r, const char *name)
{
	struct search search = {.r = r, .bytes = BUF_INIT(LOCK_USER_MAX + LOCK_OWNER_MAX)};

	if (!headers_lock_token(request_field(r, HTTP_H_LOCK_TOKEN), &search.token))
		return answer_sentence(r, 400, "there is no Lock-Token");
	enum fs_result result = search_lock(&search, name);
	bool is_own = search.found && span_eq(search.lock.user, span_str(r->user));
	if (result == FS_OK && is_own)
		result = lock_store_remove(
			&r->drive->locks, search.path, search.token, permit_now_sec(r));
	buf_fini(&search.bytes);
	if (result != FS_OK)
		return answer_result(r, result);
	if (!search.found)
		return answer_condition(
			r, 409, "lock-token-matches-request-uri", SPAN_NONE);
	if (!is_own)
		return answer_sentence(r, 403, "somebody else took this lock");
	(void)answer_begin(r, 204);
	answer_empty(r);
}

void locking_unlock(struct request *r)
{
	alone(r, release_lock);
}
