/* SPDX-License-Identifier: MIT */

#include "service/drive/permit.h"

#include "base/util.h"
#include "core/worker.h"
#include "dav/if_header.h"
#include "dav/multistatus.h"
#include "http/path.h"
#include "http/target.h"
#include "service/drive/answer.h"
#include "service/drive/drive.h"
#include "service/drive/request.h"
#include "service/drive/version.h"
#include "service/drive/where.h"

#include <assert.h>

#define BLOCKED_MAX (16 * KIB) /* of paths; the rest is not named */

int64_t permit_now_sec(const struct request *r)
{
	return (int64_t)(worker_wall_ns(r->conn->worker) / NS_PER_SEC);
}

static struct lock_store *store_of(const struct request *r)
{
	return &r->drive->locks;
}

/* -- the If field -- */

bool permit_opens(const struct request *r, const struct lock *lock)
{
	struct span field = request_field(r, HTTP_H_IF);
	struct if_header header;

	return span_eq(lock->user, span_str(r->user)) && field.p
	       && if_header_parse(field, &header) == IF_HEADER_OK
	       && if_header_submits(&header, lock_token(lock));
}

struct token_search {
	struct span token;
	bool found;
};

static bool is_token(void *ctx, const struct lock_found *found)
{
	struct token_search *search = ctx;

	search->found = span_eq(lock_token(found->lock), search->token);
	return !search->found;
}

static bool has_token(const struct request *r, const char *path, struct span token)
{
	struct token_search search = {.token = token};
	char name[FS_PATH_MAX];

	return fs_resolve_name(&r->drive->root, path, name) == FS_OK
	       && lock_store_covering(
			  store_of(r), name, permit_now_sec(r), is_token, &search)
			  == FS_OK
	       && search.found;
}

static bool has_etag(const struct request *r, const char *path, struct span text)
{
	struct fs_info now;
	struct version version;
	struct http_etag etag;

	if (!http_etag_read(text, &etag) || fs_stat(&r->drive->root, path, &now) != FS_OK)
		return false;
	version_of(r->drive, &now, &version);
	return http_etag_equal_strong(version.now.etag, etag);
}

/* The path of a tag's URL into @out of FS_PATH_MAX; false if it is nothing of ours. */
static bool path_of_tag(const struct request *r, struct span url, char *out)
{
	struct http_target target;
	struct http_path path;
	const char *why;

	if (http_target_of(&r->head, url, &target, &why) != 0
		|| http_path_decode(target.path, r->drive->block, &path, &why) != 0
		|| path.rel.n >= FS_PATH_MAX)
		return false;
	memcpy(out, path.rel.p, path.rel.n);
	out[path.rel.n] = '\0';
	return true;
}

static bool matches(void *arg, struct span resource, const struct if_condition *condition)
{
	const struct request *r = arg;
	char path[FS_PATH_MAX];
	const char *of = r->path;

	if (resource.p) {
		if (!path_of_tag(r, resource, path))
			return false;
		of = path;
	}
	return condition->kind == IF_TOKEN ? has_token(r, of, condition->text)
					   : has_etag(r, of, condition->text);
}

static enum fs_result check_if(struct request *r)
{
	struct span field = request_field(r, HTTP_H_IF);
	struct if_header header;

	if (!field.p)
		return FS_OK;
	if (if_header_parse(field, &header) != IF_HEADER_OK)
		return FS_CHANGED; /* which permit_begin has refused */
	return if_header_holds(&header, matches, r) ? FS_OK : FS_CHANGED;
}

bool permit_begin(struct request *r)
{
	struct span field = request_field(r, HTTP_H_IF);
	struct if_header header;

	if (!field.p)
		return true;
	if (if_header_parse(field, &header) != IF_HEADER_OK)
		answer_sentence(r, 400, "the If field is malformed, or too long");
	else if (!if_header_holds(&header, matches, r))
		answer_result(r, FS_CHANGED);
	return r->answer.status == 0;
}

/* -- the locks in the way -- */

/* What covers one path, or one path below another. */
struct tally {
	struct permit *permit;
	unsigned n, n_opened;
	char first[FS_PATH_MAX]; /* that is closed: what it was taken on */
};

static void copy_path(char out[FS_PATH_MAX], struct span path)
{
	memcpy(out, path.p, path.n); /* of a checked path */
	out[path.n] = '\0';
}

static bool count(void *ctx, const struct lock_found *found)
{
	struct tally *tally = ctx;

	if (permit_opens(tally->permit->r, found->lock))
		tally->n_opened++;
	else if (tally->n == tally->n_opened)
		copy_path(tally->first, found->path);
	tally->n++;
	return true;
}

static void block(struct permit *permit, const char *path)
{
	buf_put(&permit->blocked, path, strlen(path) + 1); /* past its maximum: unnamed */
}

/* One of several that share a thing is enough. */
static bool is_closed(const struct tally *tally)
{
	return tally->n > 0 && tally->n_opened == 0;
}

static enum fs_result look_at(struct permit *permit, const char *path)
{
	struct tally tally = {.permit = permit};

	enum fs_result result = lock_store_covering(
		store_of(permit->r), path, permit_now_sec(permit->r), count, &tally);
	if (tally.n > 0)
		permit->saw_lock = true;
	if (result != FS_OK || !is_closed(&tally))
		return result;
	block(permit, tally.first);
	return FS_LOCKED;
}

/* The locks of one path come one after the other. */
struct below {
	struct tally tally;
	char path[FS_PATH_MAX];
	bool any;
};

static void end_path(struct below *below)
{
	if (is_closed(&below->tally))
		block(below->tally.permit, below->path);
	below->tally.n = below->tally.n_opened = 0;
}

static bool count_below(void *ctx, const struct lock_found *found)
{
	struct below *below = ctx;

	if (!span_eq(found->path, span_str(below->path))) {
		end_path(below);
		copy_path(below->path, found->path);
	}
	below->any = true;
	return count(&below->tally, found);
}

static enum fs_result look_below(struct permit *permit, const char *path)
{
	struct below below = {.tally.permit = permit};

	enum fs_result result = lock_store_below(
		store_of(permit->r), path, permit_now_sec(permit->r), count_below, &below);
	if (!below.any || result != FS_OK)
		return result;
	end_path(&below);
	permit->saw_lock = permit->drops = true;
	permit->blocks_below = permit->blocked.n > 0;
	return permit->blocks_below ? FS_LOCKED : FS_OK;
}

/* Finds out what the change is about. FS_NOT_FOUND where that has no place: the change
 * will say so itself. */
static enum fs_result name_change(struct permit *permit, struct permit_change *change)
{
	struct fs_info now;
	const struct fs_root *root = &permit->r->drive->root;

	enum fs_result result = fs_resolve_name(root, change->path, change->name);
	change->is_named = result == FS_OK;
	change->existed = result == FS_OK && fs_stat(root, change->path, &now) == FS_OK;
	change->inode = change->existed ? now.inode : 0;
	return result;
}

static enum fs_result look_at_folder(struct permit *permit, const char *path)
{
	char parent[FS_PATH_MAX];

	fs_path_parent(path, parent);
	return look_at(permit, parent);
}

static enum fs_result inspect_one(struct permit *permit, struct permit_change *change)
{
	if (name_change(permit, change) != FS_OK)
		return FS_OK;

	bool before = permit->saw_lock;
	permit->saw_lock = false;
	enum fs_result result = look_at(permit, change->name);
	if (change->kind == PERMIT_REMOVE && permit->saw_lock)
		permit->drops = true;
	permit->saw_lock |= before;
	if (result == FS_OK && *change->name
		&& (change->kind == PERMIT_REMOVE || !change->existed))
		result = look_at_folder(permit, change->name);
	if (result == FS_OK && change->kind != PERMIT_WRITE)
		result = look_below(permit, change->name);
	return result;
}

/* Looks at all that is to change. */
static enum fs_result inspect(struct permit *permit)
{
	enum fs_result result = FS_OK;

	permit->saw_lock = permit->drops = permit->blocks_below = false;
	buf_clear(&permit->blocked);
	for (unsigned i = 0; i < permit->n_changes && result == FS_OK; i++)
		result = inspect_one(permit, &permit->changes[i]);
	return result;
}

static bool has_nothing_to_check(const struct permit *permit)
{
	return !request_field(permit->r, HTTP_H_IF).p
	       && lock_store_is_empty(store_of(permit->r));
}

enum fs_result permit_check(struct permit *permit)
{
	return has_nothing_to_check(permit) ? FS_OK : inspect(permit);
}

/* -- the fence -- */

static void leave_gate(struct permit *permit)
{
	if (permit->is_inside)
		lock_store_leave(store_of(permit->r));
	permit->is_inside = false;
}

static void leave(void *ctx)
{
	struct permit *permit = ctx;
	const struct request *r = permit->r;

	for (unsigned i = 0; permit->drops && i < permit->n_changes; i++) {
		const struct permit_change *change = &permit->changes[i];
		struct fs_info now;
		bool exists = fs_stat(&r->drive->root, change->path, &now) == FS_OK;

		if (!change->existed || change->kind == PERMIT_WRITE
			|| (exists && now.inode == change->inode))
			continue;
		/* What stays of them has its end, and is in nobody's way for longer. */
		(void)!lock_store_drop(store_of(r), change->name,
			exists && change->kind == PERMIT_REPLACE);
	}
	leave_gate(permit);
	permit->is_alone = permit->drops = false;
}

static enum fs_result pass_gate(struct permit *permit, bool alone)
{
	leave_gate(permit);
	permit->is_alone = alone;
	enum fs_result result = lock_store_enter(store_of(permit->r), alone);
	permit->is_inside = result == FS_OK;
	return result;
}

static enum fs_result enter(void *ctx, bool *asks)
{
	struct permit *permit = ctx;

	enum fs_result result = pass_gate(permit, false);
	if (result != FS_OK || has_nothing_to_check(permit))
		return result;
	result = inspect(permit);
	if (result == FS_OK && permit->drops)
		result = pass_gate(permit, true);
	if (result == FS_LOCKED)
		result = FS_OK; /* that is for allows() to say, of what is then */
	*asks = request_field(permit->r, HTTP_H_IF).p || permit->saw_lock;
	permit->drops = false; /* nothing has changed yet */
	if (result != FS_OK)
		leave_gate(permit);
	return result;
}

static enum fs_result allows(void *ctx)
{
	struct permit *permit = ctx;

	enum fs_result result = check_if(permit->r);
	if (result == FS_OK)
		result = inspect(permit);
	/* A lock that goes with the change came since we entered with others. */
	if (result == FS_OK && permit->drops && !permit->is_alone)
		result = FS_BUSY;
	if (result != FS_OK)
		permit->drops = false;
	return result;
}

void permit_init(struct permit *permit, struct request *r)
{
	permit->r = r;
	permit->fence = (struct fs_fence){enter, allows, leave, permit};
	permit->n_changes = 0;
	permit->is_inside = permit->is_alone = permit->saw_lock = permit->drops = false;
	permit->blocked = BUF_INIT(BLOCKED_MAX);
	permit->blocks_below = false;
}

void permit_fini(struct permit *permit)
{
	leave_gate(permit);
	buf_fini(&permit->blocked);
}

void permit_add(struct permit *permit, const char *path, enum permit_kind kind)
{
	assert(permit->n_changes < ARRAY_LEN(permit->changes));
	struct permit_change *change = &permit->changes[permit->n_changes++];

	change->path = path;
	change->kind = kind;
	change->is_named = change->existed = false;
}

/* -- the answer -- */

static void answer_members(struct permit *permit)
{
	struct request *r = permit->r;
	AUTO_BUF body = BUF_INIT(DRIVE_OUT_MAX);
	AUTO_BUF folder = BUF_INIT(3 * FS_PATH_MAX);

	multistatus_begin(&body, 0);
	for (size_t at = 0; at < permit->blocked.n;) {
		const char *path = permit->blocked.p + at;
		struct multistatus_href href = where_href(&folder, path, false);

		multistatus_status(&body, &href, 423);
		at += strlen(path) + 1;
	}
	multistatus_end(&body);
	answer_multistatus(r, &body);
}

void permit_answer(struct permit *permit, enum fs_result result)
{
	struct request *r = permit->r;
	AUTO_BUF href = BUF_INIT(3 * FS_PATH_MAX);

	if (result != FS_LOCKED || permit->blocked.n == 0)
		return answer_result(r, result);
	if (permit->blocks_below)
		return answer_members(permit);
	where_url(&href, permit->blocked.p);
	answer_condition(r, 423, "lock-token-submitted", buf_span(&href));
}

/* -- what LOCK made -- */

struct placeholder {
	const struct request *r;
	const char *name;
	uint64_t inode;
	bool found;
};

static bool made_it(void *ctx, const struct lock_found *found)
{
	struct placeholder *p = ctx;

	p->found = found->lock->made_inode == p->inode
		   && span_eq(found->path, span_str(p->name))
		   && permit_opens(p->r, found->lock);
	return !p->found;
}

bool permit_placeholder(
	const struct request *r, const char *path, const struct fs_info *now)
{
	char name[FS_PATH_MAX];
	struct placeholder p = {.r = r, .name = name};

	if (!now || now->type != FS_FILE || now->size > 0 || !request_field(r, HTTP_H_IF).p
		|| fs_resolve_name(&r->drive->root, path, name) != FS_OK)
		return false;
	p.inode = now->inode;
	return lock_store_covering(store_of(r), name, permit_now_sec(r), made_it, &p)
		       == FS_OK
	       && p.found;
}
