/* SPDX-License-Identifier: MIT */

#include "service/drive/trashcan.h"

#include "base/util.h"
#include "core/worker.h"
#include "http/form.h"
#include "http/resp.h"
#include "os/clock.h"
#include "os/fd.h"
#include "service/drive/answer.h"
#include "service/drive/drive.h"
#include "service/drive/fs/make.h"
#include "service/drive/fs/trim.h"
#include "service/drive/get.h"
#include "service/drive/options.h"
#include "service/drive/permit.h"
#include "service/drive/request.h"
#include "service/drive/trashfind.h"
#include "service/drive/trashlist.h"
#include "service/drive/trashpage.h"
#include "service/drive/tree.h"

#include <string.h>

#define FORM_MOST     4096u
#define EMPTY_TURN_NS (10 * NS_PER_MS) /* at a time, because others wait */

static bool go_on(void *ctx)
{
	worker_progress(ctx);
	return true;
}

static void get(struct request *r, const struct trashfind *what)
{
	const char *path = *what->below ? what->below : what->path;
	struct fs_file file = FS_FILE_NONE;

	if (what->is_top)
		return r->is_slashed ? trashpage_begin(r) : get_redirect(r);
	enum fs_result result = trashfind_open(r->drive, what, &file);
	if (result == FS_IS_DIRECTORY)
		return answer_sentence(r, 403, "restore this folder to look into it");
	if (result != FS_OK)
		return answer_result(r, result);
	get_opened(r, &file, path + fs_path_last(path));
	fd_close(&file.fd);
}

static void answer_purged(struct request *r, enum fs_result result, unsigned done)
{
	if (result != FS_OK)
		return answer_result(r, result == FS_PARTIAL ? FS_FORBIDDEN : result);
	struct buf *head = answer_begin(r, done);
	if (done == 303)
		http_resp_field(head, SPAN("Location"), SPAN(TRASH_URL));
	answer_empty(r);
}

/* Removes @kept, and answers with @done. */
static void purge(struct request *r, const struct fs_trashed *kept, unsigned done)
{
	struct worker *worker = r->conn->worker;
	const struct fs_watch watch = {.go_on = go_on, .ctx = worker};

	conn_begun(r->conn);
	worker_blocking(worker);
	enum fs_result result = fs_trash_purge(&r->drive->root, kept, &watch);
	worker_unblocked(worker);
	answer_purged(r, result, done);
}

/* -- all of it, in turns -- */

struct emptying {
	struct fs_trim *trim; /* owned */
	struct fs_trimmed trimmed;
	unsigned done; /* the status, then */
};

static void emptying_fini(void *task)
{
	struct emptying *e = task;

	fs_trim_free(e->trim);
}

static bool has_time(void *ctx)
{
	const uint64_t *until_ns = ctx;

	return clock_mono_ns() < *until_ns;
}

static void emptying_go(struct request *r)
{
	static const struct task_ops ops = {.end = emptying_go, .fini = emptying_fini};
	struct emptying *e = r->task;
	uint64_t until_ns = clock_mono_ns() + EMPTY_TURN_NS;
	const struct fs_watch watch = {.go_on = has_time, .ctx = &until_ns};

	worker_blocking(r->conn->worker);
	enum fs_result result = fs_trim_go(e->trim, &watch, &e->trimmed);
	worker_unblocked(r->conn->worker);
	if (result == FS_CANCELLED)
		return request_yield(r, &ops);
	if (result == FS_OK && e->trimmed.n_failed > 0)
		result = FS_FORBIDDEN;
	r->task_ops = &ops;
	answer_purged(r, result, e->done);
}

/* Removes all versions, and answers with @done. */
static void empty(struct request *r, unsigned done)
{
	const struct fs_trim_limits all = {
		.before_ns = INT64_MAX, .most_bytes = UINT64_MAX};

	conn_begun(r->conn);
	request_drop_task(r);
	struct emptying *e = request_task(r, sizeof(*e));
	if (!e)
		return;
	e->trim = fs_trim_new(&r->drive->root, &all);
	e->done = done;
	if (!e->trim)
		return answer_result(r, FS_NO_MEMORY);
	emptying_go(r);
}

/* -- the page's forms: restore=ID, purge=ID, empty=all -- */

struct form {
	size_t n;
	char text[FORM_MOST];
};

static void form_take(struct request *r, struct span piece)
{
	struct form *form = r->task;

	if (piece.n > sizeof(form->text) - form->n)
		return answer_sentence(
			r, 413, "a form of this page is not as long as that");
	memcpy(form->text + form->n, piece.p, piece.n);
	form->n += piece.n;
}

static bool find(struct request *r, struct span id, struct fs_trashed *kept, char *path)
{
	char text[FS_TRASH_ID_MAX];

	if (id.n >= sizeof(text))
		id.n = 0;
	memcpy(text, id.p, id.n);
	text[id.n] = '\0';
	enum fs_result result = fs_trash_find(&r->drive->root, text, kept, path);
	if (result == FS_NOT_FOUND)
		answer_sentence(r, 404, "that is not in the trash any more");
	else if (result != FS_OK)
		answer_result(r, result);
	return result == FS_OK;
}

/* The first of the folders above @path that is missing, into @out. */
static bool find_missing(
	const struct fs_root *root, const char *path, char out[FS_PATH_MAX])
{
	struct fs_info info;

	for (const char *at = path; (at = strchr(at, '/')); at++) {
		memcpy(out, path, (size_t)(at - path));
		out[at - path] = '\0';
		if (fs_stat(root, out, &info) == FS_NOT_FOUND)
			return true;
	}
	return false;
}

/* Makes the folders above @path, unless a lock is in the way of the first: those below it
 * are in no lock that this one is not in. False if the request is answered. */
static bool make_parents(struct request *r, const char *path)
{
	const struct fs_root *root = &r->drive->root;
	AUTO_PERMIT permit;
	char first[FS_PATH_MAX];

	if (!find_missing(root, path, first))
		return true;
	permit_init(&permit, r);
	permit_add(&permit, first, PERMIT_WRITE);
	const struct fs_condition condition = {
		.kind = FS_IF_ANY, .by = r->user, .fence = &permit.fence};
	conn_begun(r->conn);
	worker_blocking(r->conn->worker);
	enum fs_result result = fs_make_dir(root, first, &condition);
	if (result == FS_OK || result == FS_EXISTS)
		result = fs_make_parents(root, path);
	worker_unblocked(r->conn->worker);
	if (result != FS_OK)
		permit_answer(&permit, result);
	return result == FS_OK;
}

static void restore(struct request *r, const struct fs_trashed *kept, const char *path)
{
	struct fs_info info;

	if (fs_stat(&r->drive->root, path, &info) == FS_OK)
		return answer_sentence(r, 409,
			"something has that name again; move or rename it first, then restore");
	if (make_parents(r, path))
		tree_restore_to(r, kept, path, false, 303);
}

static void form_end(struct request *r)
{
	const struct form *form = r->task;
	struct span text = span_of(form->text, form->n);
	struct span restored = http_form_get(text, SPAN("restore"));
	struct span purged = http_form_get(text, SPAN("purge"));
	struct fs_trashed kept;
	char path[FS_PATH_MAX];

	if (restored.p && find(r, restored, &kept, path))
		restore(r, &kept, path);
	else if (!restored.p && purged.p && find(r, purged, &kept, path))
		purge(r, &kept, 303);
	else if (!restored.p && !purged.p && http_form_get(text, SPAN("empty")).p)
		empty(r, 303);
	else if (!restored.p && !purged.p)
		answer_sentence(r, 400, "the form says nothing that can be done");
}

static void post(struct request *r)
{
	static const struct task_ops ops = {.take = form_take, .end = form_end};

	if (request_task(r, sizeof(struct form)))
		request_read_body(r, &ops);
}

static void remove_or_restore(struct request *r, const struct trashfind *what)
{
	if (*what->below || (what->is_top && r->head.method != HTTP_DELETE))
		return answer_result(r, FS_FORBIDDEN); /* what is kept is kept whole */
	if (r->head.method != HTTP_DELETE)
		tree_restore(r, &what->kept);
	else if (what->is_top)
		empty(r, 204);
	else
		purge(r, &what->kept, 204);
}

void trashcan_begin(struct request *r)
{
	struct trashfind what;

	if (r->head.method == HTTP_OPTIONS)
		return options_begin(r);
	if (!r->may_write)
		return answer_sentence(
			r, 403, "the trash is for those who may change things here");
	enum fs_result result = trashfind_path(r, &what);
	if (result != FS_OK)
		return answer_result(r, result);
	switch ((int)r->head.method) {
	case HTTP_GET:
	case HTTP_HEAD: return get(r, &what);
	case HTTP_PROPFIND: return trashlist_begin(r);
	case HTTP_MOVE:
	case HTTP_DELETE:
		if (permit_begin(r))
			remove_or_restore(r, &what);
		return;
	case HTTP_POST:
		if (what.is_top)
			return post(r);
		[[fallthrough]];
	default: options_not_allowed(r);
	}
}
