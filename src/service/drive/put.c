/* SPDX-License-Identifier: MIT */

#include "service/drive/put.h"

#include "base/util.h"
#include "core/worker.h"
#include "http/resp.h"
#include "service/drive/answer.h"
#include "service/drive/checksum.h"
#include "service/drive/digests.h"
#include "service/drive/drive.h"
#include "service/drive/fs/publish.h"
#include "service/drive/mtime.h"
#include "service/drive/options.h"
#include "service/drive/permit.h"
#include "service/drive/policy.h"
#include "service/drive/request.h"
#include "service/drive/version.h"

struct put {
	struct fs_publish publish; /* open from begin to the end of the task */
	uint64_t n_bytes;          /* written so far */
	int64_t mtime_ns;          /* what the client asks for, or FS_MTIME_NOW */
	struct checksum checksum;
};

static void put_fini(void *task)
{
	struct put *put = task;
	fs_publish_end(&put->publish);
	checksum_fini(&put->checksum);
}

static void too_large(struct request *r)
{
	answer_sentence(r, 413, "this is more than a file may have here");
}

static bool passes_limit(const struct request *r, uint64_t n_bytes)
{
	uint64_t most = r->drive->policy->max_upload_bytes;
	return most > 0 && n_bytes > most;
}

static void put_take(struct request *r, struct span piece)
{
	struct put *put = r->task;

	if (passes_limit(r, put->n_bytes + piece.n))
		return too_large(r);
	enum fs_result result =
		fs_publish_write(&put->publish, piece.p, piece.n, put->n_bytes);
	if (result != FS_OK)
		return answer_result(r, result);
	put->n_bytes += piece.n;
	checksum_add(&put->checksum, piece);
}

/* Of a body by length alone, whose length has been looked at. */
static void put_take_unseen(struct request *r, int pipe, size_t n)
{
	struct put *put = r->task;

	enum fs_result result = fs_publish_splice(&put->publish, pipe, n, put->n_bytes);
	if (result != FS_OK)
		return answer_result(r, result);
	put->n_bytes += n;
}

/* The request's own conditions. What a LOCK made to be written to is an empty file to some
 * clients, and to others nothing yet: both kinds of davfs2 are about. */
static bool holds(void *ctx, const struct fs_info *now)
{
	const struct request *r = ctx;

	return version_check(r, now) == HTTP_COND_PROCEED
	       || (permit_placeholder(r, r->path, now)
		       && version_check(r, NULL) == HTTP_COND_PROCEED);
}

static enum fs_result commit(
	struct request *r, struct permit *permit, struct fs_published *out)
{
	struct put *put = r->task;
	struct worker *worker = r->conn->worker;
	struct fs_condition condition = version_condition(r);

	if (condition.kind == FS_IF_HOLDS)
		condition.holds = holds;
	condition.fence = &permit->fence;
	conn_begun(r->conn);
	if (!r->drive->root.durable)
		return fs_publish_commit(&put->publish, &condition, put->mtime_ns, out);
	worker_blocking(worker);
	enum fs_result result =
		fs_publish_commit(&put->publish, &condition, put->mtime_ns, out);
	worker_unblocked(worker);
	return result;
}

static void put_end(struct request *r)
{
	struct put *put = r->task;
	struct fs_published published;
	struct version version;

	if (!checksum_holds(&put->checksum))
		return answer_sentence(
			r, 400, "what came is not what was sent: its checksum is another");
	digests_pack(&put->checksum.got, &put->publish.digests);
	AUTO_PERMIT permit;
	permit_init(&permit, r);
	permit_add(&permit, r->path, PERMIT_WRITE);
	enum fs_result result = commit(r, &permit, &published);
	if (result != FS_OK)
		return permit_answer(&permit, result);
	version_of(r->drive, &published.info, &version);
	struct buf *head = answer_begin(r, published.created ? 201 : 204);
	http_resp_etag(head, version.now.etag);
	digests_put(r, head, &put->checksum.got);
	if (put->mtime_ns != FS_MTIME_NOW
		&& fs_touch_took(put->mtime_ns, published.info.mtime_ns))
		http_resp_field(head, SPAN("X-OC-Mtime"), SPAN("accepted"));
	answer_empty(r);
}

/* What can be known before the body is. True if it has been answered. */
static bool refused(struct request *r)
{
	if (http_head_has(&r->head, HTTP_H_CONTENT_RANGE)) {
		answer_sentence(
			r, 400, "a part of a file cannot be sent this way; send it whole");
		return true;
	}
	if (http_head_has(&r->head, HTTP_H_CONTENT_ENCODING)) {
		answer_sentence(r, 415, "an encoded file cannot be sent; send it plain");
		return true;
	}
	if (r->head.body == HTTP_BODY_LENGTH && passes_limit(r, r->head.length)) {
		too_large(r);
		return true;
	}
	if (r->is_slashed) {
		answer_sentence(r, 409, "a name that ends with a slash is a folder's");
		return true;
	}
	return false;
}

/* As far as can be said before the body is here; if not the request is answered. */
static bool is_permitted(struct request *r)
{
	AUTO_PERMIT permit;

	permit_init(&permit, r);
	permit_add(&permit, r->path, PERMIT_WRITE);
	enum fs_result result = permit_check(&permit);
	if (result != FS_OK)
		permit_answer(&permit, result);
	return result == FS_OK;
}

/* Whether the rest of the body can go to the file without anybody's having seen it. For a
 * small one no pipe is made. */
static bool goes_unseen(const struct request *r)
{
	const struct put *put = r->task;

	return r->head.body == HTTP_BODY_LENGTH && r->body.left >= DRIVE_BLOCK_BYTES
	       && !put->checksum.got.has && fs_publish_splices(&put->publish);
}

void put_begin(struct request *r)
{
	static const struct task_ops ops = {.take = put_take,
					     .end = put_end,
					     .fini = put_fini},
				     unseen = {.take = put_take,
					     .take_unseen = put_take_unseen,
					     .end = put_end,
					     .fini = put_fini};
	int64_t mtime_ns = FS_MTIME_NOW;

	if (refused(r))
		return;
	struct span asked = request_field(r, HTTP_H_X_OC_MTIME);
	if (asked.p && !mtime_of_seconds(asked, &mtime_ns))
		return answer_sentence(r, 400, "X-OC-Mtime is not a number of seconds");

	struct http_digests digests;
	if (!http_digest_read(&r->head, &digests))
		return answer_sentence(r, 400, "a checksum is malformed");

	struct put *put = request_task(r, sizeof(*put));
	if (!put)
		return;
	put->mtime_ns = mtime_ns;
	enum fs_result result = fs_publish_begin(&put->publish, &r->drive->root, r->path,
		r->head.body == HTTP_BODY_CHUNKED ? FS_SIZE_UNKNOWN : r->body.left);
	if (result == FS_IS_DIRECTORY)
		return options_not_allowed(r);
	if (result != FS_OK)
		return answer_result(r, result);
	r->task_ops = &ops; /* from here on there is something to undo */
	if (!checksum_init(
		    &put->checksum, &r->drive->checksums, &digests, digests_computed(r)))
		return answer_result(r, FS_NO_MEMORY);
	if (!holds(r, put->publish.existed ? &put->publish.was : NULL))
		return answer_result(r, FS_CHANGED);
	/* commit asks again, and of a body that is here at once. */
	if (request_body_is_here(r) || is_permitted(r))
		request_read_body(r, goes_unseen(r) ? &unseen : &ops);
}
