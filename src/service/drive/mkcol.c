/* SPDX-License-Identifier: MIT */

#include "service/drive/mkcol.h"

#include "base/util.h"
#include "core/worker.h"
#include "dav/multistatus.h"
#include "http/resp.h"
#include "service/drive/answer.h"
#include "service/drive/drive.h"
#include "service/drive/fs/make.h"
#include "service/drive/options.h"
#include "service/drive/permit.h"
#include "service/drive/propedit.h"
#include "service/drive/request.h"
#include "service/drive/version.h"

struct mkcol {
	struct proppatch patch;
	struct propedit edit;
};

static void mkcol_fini(void *task)
{
	struct mkcol *mkcol = task;
	proppatch_fini(&mkcol->patch);
}

/* The folder, and what @mkcol (or NULL) says of it. */
static enum fs_result make(struct request *r, struct mkcol *mkcol, struct permit *permit)
{
	const struct fs_root *root = &r->drive->root;
	struct fs_condition condition = version_condition(r);

	if (!r->path[0])
		return FS_EXISTS;
	condition.fence = &permit->fence;
	return mkcol ? fs_make_dir_with(
		       root, r->path, &condition, propedit_apply, &mkcol->edit)
		     : fs_make_dir(root, r->path, &condition);
}

static void answer_refused(struct request *r, const struct propedit *edit)
{
	AUTO_BUF body = BUF_INIT(8 * MIB); /* as a PROPPATCH's */

	multistatus_mkcol_begin(&body, propedit_named(edit));
	propedit_put(edit, &body);
	multistatus_mkcol_end(&body);
	struct buf *head = answer_begin(r, 403);
	http_resp_field(head, SPAN("Content-Type"), SPAN(MULTISTATUS_TYPE));
	answer_memory(r, buf_span(&body));
}

static void make_and_answer(struct request *r, struct mkcol *mkcol)
{
	AUTO_PERMIT permit;

	permit_init(&permit, r);
	permit_add(&permit, r->path, PERMIT_WRITE);
	conn_begun(r->conn);
	worker_blocking(r->conn->worker);
	enum fs_result result = make(r, mkcol, &permit);
	worker_unblocked(r->conn->worker);
	if (result == FS_EXISTS)
		return options_not_allowed(r);
	if (result != FS_OK && mkcol && mkcol->edit.n_bad > 0)
		return answer_refused(r, &mkcol->edit);
	if (result != FS_OK)
		return permit_answer(&permit, result);
	(void)answer_begin(r, 201);
	answer_empty(r);
}

static void mkcol_take(struct request *r, struct span piece)
{
	struct mkcol *mkcol = r->task;

	(void)answer_parsed(r, proppatch_feed(&mkcol->patch, piece), "mkcol");
}

static void mkcol_end(struct request *r)
{
	struct mkcol *mkcol = r->task;

	if (!answer_parsed(r, proppatch_end(&mkcol->patch), "mkcol"))
		return;
	propedit_init(&mkcol->edit, &mkcol->patch);
	if (mkcol->edit.n_bad > 0)
		return answer_refused(r, &mkcol->edit);
	make_and_answer(r, mkcol);
}

static bool is_xml(struct span type)
{
	struct span bare = span_trim(span_of(type.p, span_find(type, ';')));

	return !type.p || span_ieq(bare, SPAN("application/xml"))
	       || span_ieq(bare, SPAN("text/xml"));
}

void mkcol_begin(struct request *r)
{
	static const struct task_ops ops = {
		.take = mkcol_take, .end = mkcol_end, .fini = mkcol_fini};

	if (!r->body.is_unread)
		return make_and_answer(r, NULL);
	if (!is_xml(request_field(r, HTTP_H_CONTENT_TYPE)))
		return answer_sentence(r, 415, "a new folder's body is XML or nothing");
	struct mkcol *mkcol = request_task(r, sizeof(*mkcol));
	if (!mkcol)
		return;
	proppatch_init_mkcol(&mkcol->patch);
	request_read_body(r, &ops);
}
