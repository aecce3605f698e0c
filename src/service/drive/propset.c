/* SPDX-License-Identifier: MIT */

#include "service/drive/propset.h"

#include "dav/multistatus.h"
#include "dav/proppatch.h"
#include "http/resp.h"
#include "service/drive/answer.h"
#include "service/drive/drive.h"
#include "service/drive/fs/stat.h"
#include "service/drive/fs/touch.h"
#include "service/drive/mtime.h"
#include "service/drive/permit.h"
#include "service/drive/request.h"
#include "service/drive/where.h"

static void propset_fini(void *task)
{
	struct proppatch *patch = task;
	proppatch_fini(patch);
}

static void propset_take(struct request *r, struct span piece)
{
	struct proppatch *patch = r->task;

	int result = proppatch_feed(patch, piece);
	if (result != XML_OK)
		answer_sentence(
			r, xml_status(result), "the body is no propertyupdate document");
}

/* Said to be done, and forgotten. */
#define FORGOTTEN                                                                   \
	(PROP_BIT(PROP_WIN32_CREATION_TIME) | PROP_BIT(PROP_WIN32_LAST_ACCESS_TIME) \
		| PROP_BIT(PROP_WIN32_FILE_ATTRIBUTES))

/* Whether @op can be done; where it sets the time, *@mtime_ns is what to. */
static bool can_do(const struct proppatch_op *op, int64_t *mtime_ns)
{
	enum prop_id id = op->prop.id;

	if (id == PROP_UNKNOWN)
		return op->is_remove; /* what is not there is gone already */
	if (PROP_BIT(id) & FORGOTTEN)
		return true;
	if (id == PROP_LASTMODIFIED)
		return !op->is_remove && mtime_of_seconds(op->text, mtime_ns);
	if (id == PROP_WIN32_LAST_MODIFIED_TIME)
		return !op->is_remove && mtime_of_date(op->text, mtime_ns);
	return false;
}

/* Does all of it or nothing. Returns what did not let it; *@n_bad counts what cannot be. */
static enum fs_result perform(struct request *r, size_t *n_bad)
{
	const struct proppatch *patch = r->task;
	int64_t mtime_ns = FS_MTIME_NOW;

	*n_bad = 0;
	for (size_t i = 0; i < patch->n_ops; i++)
		if (!can_do(&patch->ops[i], &mtime_ns))
			++*n_bad;
	if (*n_bad > 0 || mtime_ns == FS_MTIME_NOW)
		return FS_OK;
	conn_begun(r->conn);
	return fs_touch(&r->drive->root, r->path, mtime_ns);
}

static void put_op(struct buf *out, const struct proppatch_op *op, size_t n_bad)
{
	int64_t unused;
	bool is_good = can_do(op, &unused);

	multistatus_propstat_begin(out);
	multistatus_put_name(out, &op->prop);
	if (is_good)
		multistatus_propstat_end(out, n_bad > 0 ? 424 : 200);
	else if (op->prop.id != PROP_UNKNOWN && prop_protected(op->prop.id))
		multistatus_propstat_end_why(out, 403, "cannot-modify-protected-property");
	else
		multistatus_propstat_end(out, 403);
}

static void propset_end(struct request *r)
{
	struct proppatch *patch = r->task;
	AUTO_BUF body = BUF_INIT(DRIVE_OUT_MAX);
	AUTO_BUF folder = BUF_INIT(3 * FS_PATH_MAX);
	struct fs_info info;
	uint64_t named = 0;
	size_t n_bad;

	int parsed = proppatch_end(patch);
	if (parsed != XML_OK)
		return answer_sentence(
			r, xml_status(parsed), "the body is no propertyupdate document");
	AUTO_PERMIT permit;
	permit_init(&permit, r);
	permit_add(&permit, r->path, PERMIT_WRITE);
	enum fs_result result = fs_stat(&r->drive->root, r->path, &info);
	if (result == FS_OK)
		result = permit_check(&permit);
	if (result == FS_OK)
		result = perform(r, &n_bad);
	if (result != FS_OK)
		return permit_answer(&permit, result);

	struct multistatus_href href =
		where_href(&folder, r->path, info.type == FS_DIRECTORY);
	for (size_t i = 0; i < patch->n_ops; i++)
		named |= PROP_BIT(patch->ops[i].prop.id);
	multistatus_begin(&body, named);
	multistatus_response_begin(&body, &href);
	for (size_t i = 0; i < patch->n_ops; i++)
		put_op(&body, &patch->ops[i], n_bad);
	multistatus_response_end(&body);
	multistatus_end(&body);
	answer_multistatus(r, &body);
}

void propset_begin(struct request *r)
{
	static const struct task_ops ops = {
		.take = propset_take, .end = propset_end, .fini = propset_fini};

	struct proppatch *patch = request_task(r, sizeof(*patch));
	if (!patch)
		return;
	proppatch_init(patch);
	request_read_body(r, &ops);
}
