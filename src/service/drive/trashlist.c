/* SPDX-License-Identifier: MIT */

#include "service/drive/trashlist.h"

#include "base/date.h"
#include "base/escape.h"
#include "dav/headers.h"
#include "dav/multistatus.h"
#include "dav/propfind.h"
#include "http/media.h"
#include "http/resp.h"
#include "os/fd.h"
#include "service/drive/answer.h"
#include "service/drive/drive.h"
#include "service/drive/fs/trash_walk.h"
#include "service/drive/request.h"
#include "service/drive/trashfind.h"
#include "service/drive/version.h"
#include "service/drive/where.h"

#include <stdlib.h>

#define PIECE_BYTES (32 * KIB) /* of the answer, written at a time */

#define OF_ALL                                                        \
	(PROP_BIT(PROP_GETLASTMODIFIED) | PROP_BIT(PROP_RESOURCETYPE) \
		| PROP_BIT(PROP_DISPLAYNAME))
#define OF_FILES                                                         \
	(PROP_BIT(PROP_GETCONTENTLENGTH) | PROP_BIT(PROP_GETCONTENTTYPE) \
		| PROP_BIT(PROP_GETETAG))

struct trashlist {
	struct propfind want;
	enum depth depth;
	struct trashfind what;
	struct fs_file top; /* info alone */
	bool is_begun;
	struct fs_trash_walk *walk; /* owned; of the trash itself; or */
	struct fs_list *list;       /* owned; of a folder in it, */
	struct fs_root root;        /* which is this, */
	int fd;                     /* owned */
	struct buf folder;          /* the encoded path of what is listed */
};

static void trashlist_fini(void *task)
{
	struct trashlist *t = task;

	propfind_fini(&t->want);
	buf_fini(&t->folder);
	if (t->walk)
		fs_trash_walk_close(t->walk);
	if (t->list)
		fs_list_close(t->list);
	free(t->walk);
	free(t->list);
	fd_close(&t->fd);
}

/* @name is what it is called to people. */
static void put(struct request *r, const struct multistatus_href *href,
	const struct fs_info *info, struct span name)
{
	struct trashlist *t = r->task;
	char etag[VERSION_ETAG_MAX];
	bool is_dir = info->type == FS_DIRECTORY;
	struct multistatus_facts facts = {
		.has = OF_ALL | (is_dir ? 0 : OF_FILES),
		.is_dir = is_dir,
		.mtime_sec = date_sec(info->mtime_ns),
		.size_bytes = info->size,
		.displayname = name,
	};

	if (!is_dir) {
		facts.etag = version_etag(r->drive, info, etag);
		facts.type = http_media_of(r->drive->media, href->name);
	}
	multistatus_answer(&r->answer.out, href, &t->want, &facts, false);
}

static void put_top(struct request *r)
{
	struct trashlist *t = r->task;
	bool is_dir = t->what.is_top || t->top.info.type == FS_DIRECTORY;
	struct multistatus_href href = where_href(&t->folder, r->path, is_dir);
	const char *name = *t->what.below ? t->what.below : t->what.path;

	multistatus_begin(&r->answer.out,
		t->want.kind == PROPFIND_PROPNAME ? UINT64_MAX : t->want.known);
	put(r, &href, &t->top.info, t->what.is_top ? SPAN("Trash") : span_str(name));
	t->is_begun = true;
	buf_clear(&t->folder);
	where_url(&t->folder, r->path);
	buf_put_byte(&t->folder, '/');
}

static enum fs_result put_kept(struct request *r)
{
	struct trashlist *t = r->task;
	const struct fs_root *root = &r->drive->root;
	char name[TRASHFIND_NAME_MAX];
	struct fs_trashed kept;
	struct fs_info info;

	enum fs_result result = fs_trash_walk_next(t->walk, &kept);
	if (result != FS_OK || fs_stat_at(root, root->trash, kept.where, &info) != FS_OK)
		return result; /* gone by now */
	trashfind_name(&kept, t->walk->path, name);
	const struct multistatus_href href = {.folder = buf_span(&t->folder),
		.name = span_str(name),
		.is_dir = info.type == FS_DIRECTORY};
	put(r, &href, &info, span_str(t->walk->path));
	return FS_OK;
}

static enum fs_result put_listed(struct request *r)
{
	struct trashlist *t = r->task;
	struct fs_entry entry;

	enum fs_result result = fs_list_next(t->list, true, &entry);
	if (result != FS_OK)
		return result;
	const struct multistatus_href href = {.folder = buf_span(&t->folder),
		.name = span_str(entry.name),
		.is_dir = entry.info.type == FS_DIRECTORY};
	put(r, &href, &entry.info, span_str(entry.name));
	return FS_OK;
}

static enum task_more trashlist_more(struct request *r)
{
	struct trashlist *t = r->task;
	enum fs_result result = FS_OK;

	if (!t->is_begun)
		put_top(r);
	while (result == FS_OK && r->answer.out.n < PIECE_BYTES)
		result = t->walk ? put_kept(r) : t->list ? put_listed(r) : FS_END;
	if (result == FS_OK)
		return TASK_MORE;
	multistatus_end(&r->answer.out);
	return result == FS_END ? TASK_LAST : TASK_FAILED;
}

/* Begins to list what is in it. */
static enum fs_result open_inside(struct request *r, struct trashlist *t)
{
	enum fs_result result;

	if (t->what.is_top) {
		struct fs_trash_walk *walk = malloc(sizeof(*walk));
		result = walk ? fs_trash_walk_open(walk, &r->drive->root) : FS_NO_MEMORY;
		if (result == FS_OK)
			t->walk = walk;
		else
			free(walk);
		return result;
	}
	result = trashfind_root(r->drive, &t->what.kept, &t->root, &t->fd);
	if (result != FS_OK)
		return result;
	struct fs_list *list = malloc(sizeof(*list));
	result = list ? fs_list_open(list, &t->root, t->what.below) : FS_NO_MEMORY;
	if (result == FS_OK)
		t->list = list;
	else
		free(list);
	return result;
}

static enum fs_result prepare(struct request *r, struct trashlist *t)
{
	enum fs_result result = trashfind_path(r, &t->what);

	if (result == FS_OK && t->what.is_top)
		result = fs_stat_fd(&r->drive->root, r->drive->root.trash, &t->top.info);
	else if (result == FS_OK) {
		result = trashfind_open(r->drive, &t->what, &t->top);
		fd_close(&t->top.fd);
		if (result == FS_IS_DIRECTORY)
			result = FS_OK;
		if (result == FS_OK && t->top.info.type != FS_DIRECTORY)
			return FS_OK;
	}
	return result == FS_OK && t->depth == DEPTH_1 ? open_inside(r, t) : result;
}

static void trashlist_take(struct request *r, struct span piece)
{
	struct trashlist *t = r->task;

	(void)answer_parsed(r, propfind_feed(&t->want, piece), "propfind");
}

static void trashlist_end(struct request *r)
{
	struct trashlist *t = r->task;

	if (!answer_parsed(r, propfind_end(&t->want), "propfind"))
		return;
	enum fs_result result = prepare(r, t);
	if (result != FS_OK)
		return answer_result(r, result);
	struct buf *head = answer_begin(r, 207);
	http_resp_field(head, SPAN("Content-Type"), SPAN(MULTISTATUS_TYPE));
	answer_stream(r, r->task_ops, ANSWER_UNKNOWN);
}

void trashlist_begin(struct request *r)
{
	static const struct task_ops ops = {
		.take = trashlist_take,
		.end = trashlist_end,
		.more = trashlist_more,
		.fini = trashlist_fini,
	};
	struct span depth = request_field(r, HTTP_H_DEPTH);

	struct trashlist *t = request_task(r, sizeof(*t));
	if (!t)
		return;
	t->depth = DEPTH_INFINITY;
	if (depth.p && !headers_depth(depth, &t->depth))
		return answer_sentence(r, 400, "Depth is none of 0, 1 and infinity");
	if (t->depth == DEPTH_INFINITY)
		return answer_condition(r, 403, "propfind-finite-depth", SPAN_NONE);
	t->fd = t->top.fd = -1;
	t->folder = BUF_INIT(3 * FS_PATH_MAX);
	propfind_init(&t->want);
	request_read_body(r, &ops);
}
