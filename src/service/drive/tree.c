/* SPDX-License-Identifier: MIT */

#include "service/drive/tree.h"

#include "core/worker.h"
#include "dav/headers.h"
#include "dav/multistatus.h"
#include "http/resp.h"
#include "http/target.h"
#include "service/drive/answer.h"
#include "service/drive/drive.h"
#include "service/drive/fs/copy.h"
#include "service/drive/fs/move.h"
#include "service/drive/fs/remove.h"
#include "service/drive/fs/trash.h"
#include "service/drive/permit.h"
#include "service/drive/request.h"
#include "service/drive/trashfind.h"
#include "service/drive/version.h"
#include "service/drive/where.h"

/* What could not be done, as the body of a 207. */
struct report {
	struct worker *worker;
	struct buf body;
	struct buf folder;
};

static bool go_on(void *ctx)
{
	struct report *report = ctx;
	worker_progress(report->worker);
	return true;
}

static void failed(void *ctx, const char *path, enum fs_result why)
{
	struct report *report = ctx;
	struct multistatus_href href = where_href(&report->folder, path, false);

	if (report->body.n > DRIVE_OUT_MAX / 2)
		return; /* enough for anybody to see; the rest is not named */
	if (report->body.n == 0)
		multistatus_begin(&report->body, 0);
	multistatus_status(&report->body, &href, answer_status_of(why));
}

/* A change of names: what permits it, and its wait for the disk. */
struct change {
	struct request *r;
	struct permit permit;
	struct report report;
	struct fs_watch watch;
};

static void change_init(struct change *change, struct request *r)
{
	change->r = r;
	permit_init(&change->permit, r);
	change->report = (struct report){.worker = r->conn->worker,
		.body = BUF_INIT(DRIVE_OUT_MAX),
		.folder = BUF_INIT(3 * FS_PATH_MAX)};
	change->watch =
		(struct fs_watch){.go_on = go_on, .failed = failed, .ctx = &change->report};
}

static void change_begin(struct change *change)
{
	conn_begun(change->r->conn);
	worker_blocking(change->r->conn->worker);
}

/* Answers: @done where it went well. */
static void change_end(struct change *change, enum fs_result result, unsigned done)
{
	struct request *r = change->r;
	struct buf *body = &change->report.body;

	worker_unblocked(r->conn->worker);
	if (result == FS_OK) {
		struct buf *head = answer_begin(r, done);
		if (done == 303) /* a form's answer: the page again */
			http_resp_field(head, SPAN("Location"), SPAN(TRASH_URL));
		answer_empty(r);
	} else if (result == FS_PARTIAL && body->n > 0) {
		multistatus_end(body);
		answer_multistatus(r, body);
	} else {
		permit_answer(&change->permit, result);
	}
	permit_fini(&change->permit);
	buf_fini(body);
	buf_fini(&change->report.folder);
}

/* The Depth field, where absent means infinity. False if the request is answered. */
static bool read_depth(struct request *r, enum depth *depth)
{
	struct span value = request_field(r, HTTP_H_DEPTH);

	*depth = DEPTH_INFINITY;
	if (!value.p || headers_depth(value, depth))
		return true;
	answer_sentence(r, 400, "Depth is none of 0, 1 and infinity");
	return false;
}

void tree_delete(struct request *r)
{
	struct fs_condition condition = version_condition(r);
	struct change change;
	enum depth depth;

	if (!read_depth(r, &depth))
		return;
	if (depth != DEPTH_INFINITY && r->is_slashed)
		return answer_sentence(r, 400, "a folder goes with all that is in it");
	change_init(&change, r);
	permit_add(&change.permit, r->path, PERMIT_REMOVE);
	condition.fence = &change.permit.fence;
	change_begin(&change);
	change_end(&change, fs_remove(&r->drive->root, r->path, &condition, &change.watch),
		204);
}

/* Where to and how: of COPY and MOVE. */
struct errand {
	char to[FS_PATH_MAX];
	bool overwrite;
	enum depth depth;
};

/* False if the request is answered. */
static bool read_errand(struct request *r, struct errand *errand)
{
	struct span overwrite = request_field(r, HTTP_H_OVERWRITE);
	struct http_target target;
	const char *why;
	bool is_slashed;

	unsigned status = http_target_destination(&r->head, &target, &why);
	if (status != 0) {
		answer_sentence(r, status, why);
		return false;
	}
	if (!where_decode(r, target.path, errand->to, &is_slashed)
		|| !read_depth(r, &errand->depth))
		return false;
	errand->overwrite = true;
	if (overwrite.p && !headers_overwrite(overwrite, &errand->overwrite)) {
		answer_sentence(r, 400, "Overwrite is neither T nor F");
		return false;
	}
	return true;
}

void tree_copy(struct request *r)
{
	struct errand errand;
	struct change change;
	struct fs_info from;
	bool created = false;

	if (!read_errand(r, &errand))
		return;
	if (errand.depth == DEPTH_1)
		return answer_sentence(r, 400, "a copy has a Depth of 0 or infinity");
	enum fs_result found = fs_stat(&r->drive->root, r->path, &from);
	if (found != FS_OK)
		return answer_result(r, found);
	if (version_check(r, &from) != HTTP_COND_PROCEED)
		return answer_result(r, FS_CHANGED);

	const struct fs_copy_how how = {.overwrite = errand.overwrite,
		.shallow = errand.depth == DEPTH_0,
		.fence = &change.permit.fence,
		.by = r->user};
	change_init(&change, r);
	permit_add(&change.permit, errand.to, PERMIT_REPLACE);
	enum fs_result permitted = permit_check(&change.permit);
	change_begin(&change);
	if (permitted != FS_OK) /* before the work */
		return change_end(&change, permitted, 0);
	enum fs_result result =
		fs_copy(&r->drive->root, r->path, errand.to, &how, &change.watch, &created);
	change_end(&change, result, created ? 201 : 204);
}

void tree_move(struct request *r)
{
	struct fs_condition condition = version_condition(r);
	struct errand errand;
	struct change change;
	bool created = false;

	if (!read_errand(r, &errand))
		return;
	if (errand.depth != DEPTH_INFINITY && r->is_slashed)
		return answer_sentence(r, 400, "a folder moves with all that is in it");
	change_init(&change, r);
	permit_add(&change.permit, r->path, PERMIT_REMOVE);
	permit_add(&change.permit, errand.to, PERMIT_REPLACE);
	condition.fence = &change.permit.fence;
	change_begin(&change);
	enum fs_result result = fs_move(&r->drive->root, r->path, errand.to,
		errand.overwrite, &condition, &change.watch, &created);
	change_end(&change, result, created ? 201 : 204);
}

void tree_restore(struct request *r, const struct fs_trashed *kept)
{
	struct errand errand;

	if (read_errand(r, &errand))
		tree_restore_to(r, kept, errand.to, errand.overwrite, 204);
}

void tree_restore_to(struct request *r, const struct fs_trashed *kept, const char *to,
	bool overwrite, unsigned done)
{
	struct change change;
	bool created = false;

	change_init(&change, r);
	permit_add(&change.permit, to, PERMIT_REPLACE);
	const struct fs_condition condition = {
		.kind = FS_IF_ANY, .by = r->user, .fence = &change.permit.fence};
	change_begin(&change);
	enum fs_result result = fs_trash_restore(
		&r->drive->root, kept, to, overwrite, &condition, &created);
	change_end(&change, result, created && done == 204 ? 201 : done);
}
