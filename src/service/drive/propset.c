/* SPDX-License-Identifier: MIT */

#include "service/drive/propset.h"

#include "base/util.h"
#include "core/worker.h"
#include "dav/multistatus.h"
#include "http/prefer.h"
#include "http/resp.h"
#include "service/drive/answer.h"
#include "service/drive/drive.h"
#include "service/drive/permit.h"
#include "service/drive/propedit.h"
#include "service/drive/request.h"
#include "service/drive/version.h"
#include "service/drive/where.h"

/* Names come back with every entity written out, and prefixes as namespaces. */
#define ANSWER_MAX (8 * MIB)

struct propset {
	struct proppatch patch;
	struct propedit edit;
};

static void propset_fini(void *task)
{
	struct propset *set = task;
	proppatch_fini(&set->patch);
}

static void propset_take(struct request *r, struct span piece)
{
	struct propset *set = r->task;

	(void)answer_parsed(r, proppatch_feed(&set->patch, piece), "propertyupdate");
}

static enum fs_result change(struct request *r, struct permit *permit)
{
	struct propset *set = r->task;
	struct fs_condition condition = version_condition(r);

	condition.fence = &permit->fence;
	conn_begun(r->conn);
	worker_blocking(r->conn->worker);
	enum fs_result result = fs_props_change(
		&r->drive->root, r->path, &condition, propedit_apply, &set->edit);
	worker_unblocked(r->conn->worker);
	return result;
}

static void answer_edit(struct request *r, const struct fs_info *info)
{
	const struct propset *set = r->task;
	AUTO_BUF body = BUF_INIT(ANSWER_MAX);
	AUTO_BUF folder = BUF_INIT(3 * FS_PATH_MAX);

	if (set->edit.n_bad == 0
		&& http_prefer(&r->head, SPAN("return"), SPAN("minimal"))) {
		http_resp_field(answer_begin(r, 204), SPAN("Preference-Applied"),
			SPAN("return=minimal"));
		return answer_empty(r);
	}
	struct multistatus_href href =
		where_href(&folder, r->path, info->type == FS_DIRECTORY);
	multistatus_begin(&body, propedit_named(&set->edit));
	multistatus_response_begin(&body, &href);
	propedit_put(&set->edit, &body);
	multistatus_response_end(&body);
	multistatus_end(&body);
	answer_multistatus(r, &body);
}

static void propset_end(struct request *r)
{
	struct propset *set = r->task;
	AUTO_PERMIT permit;
	struct fs_info info;

	permit_init(&permit, r);
	permit_add(&permit, r->path, PERMIT_WRITE);
	if (!answer_parsed(r, proppatch_end(&set->patch), "propertyupdate"))
		return;
	enum fs_result result = fs_stat(&r->drive->root, r->path, &info);
	if (result == FS_OK)
		result = permit_check(&permit);
	propedit_init(&set->edit, &set->patch);
	if (result == FS_OK && set->edit.n_bad == 0)
		result = change(r, &permit);
	if (result != FS_OK && set->edit.n_bad == 0)
		return permit_answer(&permit, result);
	answer_edit(r, &info);
}

void propset_begin(struct request *r)
{
	static const struct task_ops ops = {
		.take = propset_take, .end = propset_end, .fini = propset_fini};

	struct propset *set = request_task(r, sizeof(*set));
	if (!set)
		return;
	proppatch_init(&set->patch);
	request_read_body(r, &ops);
}
